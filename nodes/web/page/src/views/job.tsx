// One job: its plan as it moves, its attempts, its answer, what it cost, and what can be done about it.

import { useEffect, useMemo, useState } from 'preact/hooks';
import { messageFor } from '../api';
import { clock, count, duration, harmless, nanousd, percent, usd } from '../format';
import { PlanGraph } from '../graph/plan_graph';
import { JobModel } from '../job_model';
import { link, query, refine } from '../router';
import { now } from '../store';
import type { JobSummary } from '../types';
import { Icon } from '../ui/icons';
import { Card, Empty, Facts, Line, Problem, Skeleton, State, Verbatim } from '../ui/parts';
import { Actions } from './job_actions';
import { isGoing, took } from './job_row';
import { StepPanel } from './step_panel';
import { Timeline } from './timeline';

export function Job({ id }: { id: string }) {
  const model = useMemo(() => new JobModel(id), [id]);
  useEffect(() => {
    model.start();
    return () => model.stop();
  }, [model]);
  const job = model.summary.value;
  if (!job) return model.error.value ? <Problem text={model.error.value} onRetry={() => model.start()} /> : <Skeleton />;
  const selected = Number(query.value.get('step') ?? 0);
  const select = (step: number) => refine({ step: step === selected ? '' : String(step) });
  const steps = model.shownSteps.value;
  const step = steps.find((each) => each.step === selected);
  return (
    <div class={`job ${step ? 'with-panel' : ''}`}>
      <div class="content">
        {model.error.value && <Problem text={model.error.value} onRetry={() => model.start()} />}
        <Head job={job} model={model} />
        <Answer job={job} model={model} />
        <Card
          title="Plan"
          aside={steps.length > 0 && <span id="progress" role="status">{job.steps_done} of {job.steps_total} steps done{job.epoch > 1 ? `, epoch ${job.epoch}` : ''}</span>}
          flush
        >
          {steps.length > 0 ? (
            <PlanGraph steps={steps} attempts={model.attempts.value} answerStep={model.answerStep.value} selected={selected} onSelect={select} />
          ) : (
            <NoPlan job={job} />
          )}
          {model.epochs.value.filter((each) => each.epoch > 1).map((each) => (
            <p class="epoch" key={each.epoch}><State is="warning" label={`Epoch ${each.epoch}`} /> planned anew: <Line text={each.reason} /></p>
          ))}
        </Card>
        <Card title="Attempts" aside={`${count(model.attempts.value.length)}`} flush>
          <Timeline attempts={model.attempts.value} job={job} selected={selected} onSelect={select} />
        </Card>
        <Details job={job} model={model} />
      </div>
      {step && <StepPanel key={step.step} step={step} model={model} onClose={() => refine({ step: '' })} />}
    </div>
  );
}

function Head({ job, model }: { job: JobSummary; model: JobModel }) {
  const { cost_nanousd: cost, cost_all_large_nanousd: all, saving_percent: saved } = job.usage;
  return (
    <section class="card job-head">
      <div class="line">
        <span id="state" data-state={job.state}><State is={job.state} /></span>
        <span class="mono dim">{harmless(job.job)}</span>
        {isGoing(job) && <span class={`live ${model.isLive.value ? 'on' : ''}`}>{model.isLive.value ? 'live' : 'connecting…'}</span>}
        {job.simulated && <State is="warning" label="simulated" />}
        {job.tags.map((tag) => <a class="tag" key={tag} href={link('jobs', '', { tag })}><Line text={tag} most={40} /></a>)}
        <Actions job={job} model={model} />
      </div>
      <Goal text={job.goal} />
      {job.reason && <p class={`reason ${job.state === 'failed' ? 'wrong' : ''}`} dir="auto">{harmless(job.reason)}</p>}
      <div class="figures in-head">
        <div><b>{duration(took(job, now.value))}</b><span>{isGoing(job) ? 'so far' : 'took'}</span></div>
        <div><b>{nanousd(cost)}</b><span>cost</span></div>
        <div><b>{usd(all / 1e9)}</b><span>all-large</span></div>
        <div class={saved != null && saved > 0 ? 'good' : ''}><b>{saved == null ? '–' : percent(saved / 100)}</b><span>saved</span></div>
        <div><b>{count(job.usage.prompt_tokens + job.usage.completion_tokens)}</b><span>tokens</span></div>
        <div><b>{count(job.usage.calls)}</b><span>calls</span></div>
        <div><b>{count(job.usage.cache_hits)}</b><span>cache hits</span></div>
      </div>
    </section>
  );
}

function Goal({ text }: { text: string }) {
  const [isWhole, setWhole] = useState(false);
  const isLong = text.length > 320 || text.split('\n').length > 4;
  return (
    <div class="goal-text">
      <p dir="auto" class={isLong && !isWhole ? 'clamped' : ''}>{harmless(text)}</p>
      {isLong && <button class="quiet" onClick={() => setWhole(!isWhole)}>{isWhole ? 'Less' : 'All of it'}</button>}
    </div>
  );
}

function Answer({ job, model }: { job: JobSummary; model: JobModel }) {
  const [whole, setWhole] = useState<string | null>(null);
  if (job.state !== 'done') return null;
  const text = whole ?? job.answer ?? '';
  const isCut = whole === null && job.answer_bytes > new TextEncoder().encode(text).length;
  return (
    <Card
      title="Answer"
      class="answer"
      aside={<button class="quiet icon-only" aria-label="Copy the answer" onClick={() => navigator.clipboard?.writeText(text)}><Icon name="copy" size={16} /></button>}
    >
      <div id="answer"><Verbatim text={text} label="Answer" /></div>
      {isCut && <button class="quiet" onClick={async () => setWhole((await model.whole()).answer ?? '')}>All {count(job.answer_bytes)} bytes</button>}
      <Feedback job={job} model={model} />
    </Card>
  );
}

function Feedback({ job, model }: { job: JobSummary; model: JobModel }) {
  const [error, setError] = useState('');
  const [comment, setComment] = useState('');
  const send = (score: number) => model.rate(score, comment).then(() => setError(''), (problem) => setError(messageFor(problem)));
  const given = job.feedback;
  return (
    <div class="feedback">
      <span class="dim">{given == null ? 'Was it right? The router learns from it.' : `Rated ${percent(given)}; it can be changed.`}</span>
      <input aria-label="Comment" placeholder="Comment (optional)" value={comment} maxLength={1000} onInput={(event) => setComment((event.target as HTMLInputElement).value)} />
      <button class="icon-only" aria-label="Good answer" aria-pressed={given != null && given >= 0.5} onClick={() => send(1)}><Icon name="up" /></button>
      <button class="icon-only" aria-label="Bad answer" aria-pressed={given != null && given < 0.5} onClick={() => send(0)}><Icon name="down" /></button>
      {error && <Problem text={error} />}
    </div>
  );
}

function NoPlan({ job }: { job: JobSummary }) {
  if (job.state === 'queued') return <Empty title="The job waits for its turn" />;
  if (isGoing(job) && (job.mode === 'plan_act' || job.mode === 'auto')) return <Empty title="The plan is being written">Steps appear here as soon as each is complete.</Empty>;
  return <Empty title={`Answered ${job.mode === 'plan_act' ? 'without a plan' : `by one call, mode ${harmless(job.mode).replace('_', ' ')}`}`}>{job.routed ? 'The router found that no plan was needed.' : 'A job of mode plan and act shows its steps here.'}</Empty>;
}

function Details({ job, model }: { job: JobSummary; model: JobModel }) {
  return (
    <Card title="Details">
      <Facts
        of={[
          ['Submitted', clock(job.submitted_at_ms)],
          ['Ended', clock(job.ended_at_ms)],
          ['Deadline', clock(job.deadline_at_ms)],
          ['Mode', `${harmless(job.mode).replace('_', ' ')}${job.routed ? ', chosen by the router' : ''}`],
          ['Tenant', job.tenant ? <Line text={job.tenant} /> : 'none'],
          ['Priority', job.priority],
          ['Budget', job.budget.cost_nanousd || job.budget.tokens ? [job.budget.cost_nanousd && nanousd(job.budget.cost_nanousd), job.budget.tokens && `${count(job.budget.tokens)} tokens`].filter(Boolean).join(', ') : 'no limit'],
          ['Prompt tokens', `${count(job.usage.prompt_tokens)}, ${count(job.usage.cached_prompt_tokens)} in engines' caches`],
          ['Tokens written', count(job.usage.completion_tokens)],
          ['Saved by caches', nanousd(job.usage.saved_nanousd)],
        ]}
      />
      {model.ways.value.map((way) => (
        <p key={`${way.at_ms}${way.mode}`} class="way">
          <State is="ok" label={way.mode.replace('_', ' ')} /> {way.failed && <>after {way.failed.replace('_', ' ')} failed: </>}<Line text={way.reason} />
        </p>
      ))}
    </Card>
  );
}
