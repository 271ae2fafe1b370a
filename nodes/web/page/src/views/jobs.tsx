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

function List({ filter }: { filter: string }) {
  const [jobs, setJobs] = useState<JobSummary[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
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
          setJobs((before) => merge(page.data, before));
          setNext((before) => (before === null || page.data.length < pageSize ? nextOf(page) : before));
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

  const more = async () => {
    setLoading(true);
    try {
      const page = await get<JobPage>(`jobs?${filter}${filter ? '&' : ''}limit=${pageSize}&after=${encodeURIComponent(next!)}`);
      setJobs((before) => [...(before ?? []), ...page.data.filter((job) => !before?.some((each) => each.job === job.job))]);
      setNext(nextOf(page));
    } catch (problem) {
      setError(messageFor(problem));
    }
    setLoading(false);
  };

  if (jobs === null) return error ? <Problem text={error} /> : <Skeleton />;
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
      {next && <button class="more-button" disabled={isLoading} onClick={more}>{isLoading ? 'Loading…' : 'Older jobs'}</button>}
    </>
  );
}

const nextOf = (page: JobPage) => (page.has_more && page.next ? page.next : null);

/** The new first page, then what was shown below it. */
function merge(first: JobSummary[], before: JobSummary[] | null): JobSummary[] {
  if (!before || before.length <= pageSize || first.length < pageSize) return first;
  const known = new Set(first.map((job) => job.job));
  return [...first, ...before.filter((job) => !known.has(job.job))];
}
