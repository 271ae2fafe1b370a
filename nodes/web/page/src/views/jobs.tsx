// All jobs: filters, pages, and a form for a new one.

import { useEffect, useState } from 'preact/hooks';
import { get, messageFor } from '../api';
import { harmless } from '../format';
import { go, link, query, refine } from '../router';
import type { JobPage, JobSummary } from '../types';
import { Card, Empty, Problem, Skeleton, useArrows } from '../ui/parts';
import { Dialog } from '../ui/shell';
import { JobRow } from './job_row';
import { SubmitForm } from './submit_form';

const states: [string, string][] = [
  ['', 'All'],
  ['queued,running,paused', 'Active'],
  ['done', 'Done'],
  ['failed', 'Failed'],
  ['cancelled', 'Cancelled'],
];
const pageSize = 50;

export function Jobs() {
  const state = query.value.get('state') ?? '';
  const tag = query.value.get('tag') ?? '';
  const text = query.value.get('text') ?? '';
  const filter = new URLSearchParams(Object.entries({ state, tag, text }).filter(([, value]) => value)).toString();
  const isFormOpen = query.value.get('new') === '1';
  return (
    <div class="jobs">
      <Filters state={state} tag={tag} text={text} />
      <List key={filter} filter={filter} />
      <Dialog isOpen={isFormOpen} onClose={() => refine({ new: '' })} label="New job" class="wide">
        <SubmitForm onDone={(job) => go(link('job', job.job), true)} />
      </Dialog>
    </div>
  );
}

function Filters({ state, tag, text }: { state: string; tag: string; text: string }) {
  const change = (name: string) => (event: Event) => refine({ [name]: (event.target as HTMLInputElement).value.trim() });
  return (
    <div class="filters" role="search" aria-label="Filters of the list">
      <div class="segments" role="group" aria-label="State">
        {states.map(([value, label]) => (
          <button key={label} aria-pressed={state === value} onClick={() => refine({ state: value })}>{label}</button>
        ))}
      </div>
      <input aria-label="Text in the goal" placeholder="Text in the goal" value={text} onChange={change('text')} type="search" />
      <input aria-label="Tag" placeholder="Tag" value={tag} onChange={change('tag')} type="search" class="narrow" />
      {(state || tag || text) && <button class="quiet" onClick={() => refine({ state: '', tag: '', text: '' })}>Clear</button>}
    </div>
  );
}

/** What is listed: the first page, or with `isDeep` older ones too; `next`: where the ones after them begin. */
interface Shown {
  jobs: JobSummary[];
  next: string | null;
  isDeep: boolean;
}

function List({ filter }: { filter: string }) {
  const [shown, setShown] = useState<Shown | null>(null);
  const [missing, setMissing] = useState<string[]>([]);
  const [error, setError] = useState('');
  const [isLoading, setLoading] = useState(false);
  const arrows = useArrows<HTMLDivElement>();

  // The first page is looked at again while it is seen; later ones, once they are asked for, stay as they are.
  useEffect(() => {
    const gone = new AbortController();
    let timer = 0;
    const look = async () => {
      if (!document.hidden) {
        try {
          const page = await get<JobPage>(`jobs?${filter}${filter ? '&' : ''}limit=${pageSize}`, gone.signal);
          setShown((before) => refreshed(page, before));
          setMissing(page.missing ?? []);
          setError('');
        } catch (problem) {
          if (gone.signal.aborted) return;
          setError(messageFor(problem));
        }
      }
      timer = window.setTimeout(look, 2500);
    };
    look();
    return () => {
      gone.abort();
      clearTimeout(timer);
    };
  }, [filter]);

  const more = async (cursor: string) => {
    setLoading(true);
    // From now on the list is kept, or what slides off the first page meanwhile would be missing above the older ones.
    setShown((before) => before && { ...before, isDeep: true });
    try {
      const page = await get<JobPage>(`jobs?${filter}${filter ? '&' : ''}limit=${pageSize}&after=${encodeURIComponent(cursor)}`);
      setShown((before) => (before?.next === cursor ? continued(page, before) : before));
    } catch (problem) {
      setError(messageFor(problem));
    }
    setLoading(false);
  };

  if (shown === null) return error ? <Problem text={error} /> : <Skeleton />;
  const { jobs, next } = shown;
  return (
    <>
      {error && <Problem text={error} />}
      {missing.length > 0 && <Problem text={`No answer from ${missing.map(harmless).join(', ')}: jobs of those nodes are not in the list.`} />}
      <Card flush>
        {jobs.length === 0 ? (
          filter ? (
            <Empty title="No job is like that"><button onClick={() => refine({ state: '', tag: '', text: '' })}>Clear the filters</button></Empty>
          ) : (
            <Empty title="No job yet" command={'tandem submit --follow "What is (12+7)*3-5?"'}>
              <a class="button primary" href={link('jobs', '', { new: '1' })}>Submit the first one</a> here, or on the command line:
            </Empty>
          )
        ) : (
          <div class="rows" aria-label="Jobs" role="group" {...arrows}>
            {jobs.map((job) => <JobRow key={job.job} job={job} />)}
          </div>
        )}
      </Card>
      {next && <button class="more-button" disabled={isLoading} onClick={() => more(next)}>{isLoading ? 'Loading…' : 'Older jobs'}</button>}
    </>
  );
}

const nextOf = (page: JobPage) => (page.has_more && page.next ? page.next : null);

/** What is shown, then an older page. */
function continued(page: JobPage, before: Shown): Shown {
  const known = new Set(before.jobs.map((job) => job.job));
  return { jobs: [...before.jobs, ...page.data.filter((job) => !known.has(job.job))], next: nextOf(page), isDeep: true };
}

/** The new first page, then what was shown below it, unless there is a gap between the two. */
function refreshed(page: JobPage, before: Shown | null): Shown {
  const known = new Set(page.data.map((job) => job.job));
  const end = before?.isDeep && page.has_more ? before.jobs.map((job) => known.has(job.job)).lastIndexOf(true) : -1;
  if (!before || end < 0) return { jobs: page.data, next: nextOf(page), isDeep: false };
  return { ...before, jobs: [...page.data, ...before.jobs.slice(end + 1)] };
}
