// How it goes: what runs, what it costs, what was saved, what is wrong.

import { count, duration, oneLine, percent, plural, usd } from '../format';
import { link } from '../router';
import { alarms, going, isAdmin, newest, now, past, sum, topology, total } from '../store';
import type { History, JobSummary } from '../types';
import { Spark } from '../ui/charts';
import { Card, Empty, Figure, Problem, Skeleton, State, useArrows } from '../ui/parts';
import { JobRow } from './job_row';

export function Overview() {
  if (isAdmin.value) past.use();
  newest.use();
  going.use();
  const jobs = newest.data.value;
  const history = past.data.value;
  if (!jobs && newest.error.value) return <Problem text={newest.error.value} onRetry={() => newest.refresh()} />;
  if (!jobs) return <Skeleton />;
  return (
    <div class="overview">
      <Savings history={history} jobs={jobs.data} />
      <Counters history={history} jobs={jobs.data} />
      <div class="columns">
        <Recent jobs={jobs.data} />
        <div class="column">
          <AlarmCard />
          {isAdmin.value && <Fleet />}
        </div>
      </div>
    </div>
  );
}

/** What the last hour cost; without history, the newest jobs. */
function costs(history: History | null, jobs: JobSummary[]) {
  const cost = total(history, 'cost_usd');
  const all = total(history, 'cost_all_large_usd');
  if (sum(all) > 0) return { cost: sum(cost), all: sum(all), span: 'in the last hour', saved: all.map((value, i) => value - (cost[i] ?? 0)) };
  const nano = (pick: (job: JobSummary) => number) => sum(jobs.map(pick)) / 1e9;
  return {
    cost: nano((job) => job.usage.cost_nanousd),
    all: nano((job) => job.usage.cost_all_large_nanousd),
    span: `over the newest ${plural(jobs.length, 'job')}`,
    saved: [],
  };
}

function Savings({ history, jobs }: { history: History | null; jobs: JobSummary[] }) {
  const { cost, all, span, saved } = costs(history, jobs);
  const share = all > 0 ? (all - cost) / all : null;
  return (
    <section class="card hero" aria-label="Saved against all-large">
      <div class="lead">
        <div class="label">Saved against all-large</div>
        <div class="big" id="saved">{all > 0 ? usd(all - cost) : '$0'}{share !== null && <span class="share">{percent(share)}</span>}</div>
        <div class="note">{all > 0 ? span : 'Savings appear with the first job'}</div>
      </div>
      <div class="versus" role="img" aria-label={`It cost ${usd(cost)}; the same calls on the large model alone ${usd(all)}`}>
        <div><span>All-large</span><i class="track"><i class="fill large" style={{ transform: `scaleX(${all > 0 ? 1 : 0})` }} /></i><b>{usd(all)}</b></div>
        <div><span>Tandem</span><i class="track"><i class="fill" style={{ transform: `scaleX(${all > 0 ? Math.max(0.004, Math.min(1, cost / all)) : 0})` }} /></i><b>{usd(cost)}</b></div>
      </div>
      <div class="trend"><Spark values={saved} label="Saved over the last hour" tone="good" /></div>
    </section>
  );
}

function Counters({ history, jobs }: { history: History | null; jobs: JobSummary[] }) {
  const active = going.data.value?.data ?? [];
  const more = going.data.value?.has_more ? '+' : '';
  const running = active.filter((job) => job.state === 'running').length;
  const queued = active.filter((job) => job.state === 'queued').length;
  const paused = active.filter((job) => job.state === 'paused').length;
  const done = total(history, 'jobs_done');
  const failed = total(history, 'jobs_failed');
  const tokens = total(history, 'tokens');
  const hits = total(history, 'cache_hits');
  const attempts = sum(total(history, 'attempts'));
  const latency = total(history, 'latency_ms_p50').filter((value) => value > 0);
  const failures = history ? sum(failed) : jobs.filter((job) => job.state === 'failed').length;
  const inJobs = (pick: (job: JobSummary) => number) => sum(jobs.map(pick));
  return (
    <div class="figures">
      <a href={link('jobs', '', { state: 'queued,running,paused' })}>
        <Figure label="Running" value={`${running}${more}`} note={`${queued} queued${paused ? `, ${paused} paused` : ''}`} tone={running ? 'live' : ''} />
      </a>
      <a href={link('jobs', '', { state: 'done' })}>
        <Figure label="Done" value={count(history ? sum(done) : jobs.filter((job) => job.state === 'done').length)} note="last hour">
          <Spark values={done} label="Jobs done, last hour" />
        </Figure>
      </a>
      <a href={link('jobs', '', { state: 'failed' })}>
        <Figure label="Failed" value={count(failures)} note="last hour" tone={failures > 0 ? 'bad' : ''}>
          <Spark values={failed} label="Jobs failed, last hour" tone="bad" />
        </Figure>
      </a>
      <Figure label="Tokens" value={count(history ? sum(tokens) : inJobs((job) => job.usage.prompt_tokens + job.usage.completion_tokens))} note="in and out">
        <Spark values={tokens} label="Tokens, last hour" />
      </Figure>
      <a href={link('caches')}>
        <Figure label="Cache hits" value={count(history ? sum(hits) : inJobs((job) => job.usage.cache_hits))} note={attempts > 0 ? `${percent(sum(hits) / attempts)} of calls` : 'answers not paid for'}>
          <Spark values={hits} label="Cache hits, last hour" />
        </Figure>
      </a>
      <Figure label="Latency" value={duration(latency.at(-1))} note="median of a call">
        <Spark values={latency} label="Median latency, last hour" />
      </Figure>
    </div>
  );
}

function Recent({ jobs }: { jobs: JobSummary[] }) {
  const arrows = useArrows<HTMLDivElement>();
  return (
    <Card title="Newest jobs" aside={<a href={link('jobs')}>All jobs</a>} flush>
      {jobs.length === 0 ? (
        <Empty title="No job yet" command={'tandem submit --follow "What is (12+7)*3-5?"'}>
          <a class="button primary" href={link('jobs', '', { new: '1' })}>Submit the first one</a> here, or on the command line:
        </Empty>
      ) : (
        <div class="rows" {...arrows}>{jobs.slice(0, 10).map((job) => <JobRow key={job.job} job={job} />)}</div>
      )}
    </Card>
  );
}

function AlarmCard() {
  const all = alarms.data.value?.alarms ?? [];
  return (
    <Card title="Alarms" aside={all.length > 0 && <a href={link('alarms')}>All {all.length}</a>}>
      {all.length === 0 ? (
        <p class="fine"><State is="ok" label={alarms.isForbidden.value ? 'for operators only' : alarms.data.value ? 'None active' : 'not known'} /></p>
      ) : (
        <ul class="plain">
          {all.slice(0, 4).map((each) => (
            <li key={each.name + each.subject + each.node}>
              <State is={each.severity} label={oneLine(each.name.replace(/_/g, ' '), 40)} /> <span dir="auto">{oneLine(each.text, 140)}</span>
              <span class="dim"> · {duration(Math.max(0, now.value - each.since_ms))}</span>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function Fleet() {
  topology.use();
  const nodes = topology.data.value?.nodes ?? [];
  const engines = nodes.flatMap((node) => node.engines);
  const healthy = engines.filter((engine) => engine.health === 'healthy').length;
  const busy = sum(engines.map((engine) => engine.in_flight));
  const places = sum(engines.map((engine) => engine.limit ?? engine.concurrency));
  return (
    <Card title="Fleet" aside={<a href={link('topology')}>Topology</a>}>
      <div class="fleet">
        <Figure label="Nodes" value={nodes.length || '–'} note={`${nodes.filter((node) => node.state === 'alive').length} alive`} />
        <Figure label="Engines" value={engines.length} note={`${healthy} healthy`} tone={healthy < engines.length ? 'warn' : ''} />
        <Figure label="At work" value={count(busy)} note={`of ${count(places)} places`} />
      </div>
      <div class="dots" role="img" aria-label={`${healthy} of ${engines.length} engines are healthy`}>
        {engines.slice(0, 240).map((engine, i) => <i key={i} class={`${engine.health} ${engine.in_flight > 0 ? 'on' : ''}`} />)}
      </div>
    </Card>
  );
}
