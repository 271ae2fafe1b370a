// One job in a list.

import { ago, duration, nanousd, percent } from '../format';
import { link } from '../router';
import { now } from '../store';
import type { JobSummary } from '../types';
import { Bar, Line, State } from '../ui/parts';

export const isGoing = (job: JobSummary) => job.state === 'queued' || job.state === 'running' || job.state === 'paused';

export function took(job: JobSummary, at: number): number | null {
  if (!job.submitted_at_ms) return null;
  return Math.max(0, (isGoing(job) ? at : job.ended_at_ms ?? job.submitted_at_ms) - job.submitted_at_ms);
}

export function JobRow({ job }: { job: JobSummary }) {
  const saved = job.usage.saving_percent;
  return (
    <a class="job-row" data-item href={link('job', job.job)}>
      <State is={job.state} />
      <span class="goal"><Line text={job.goal} /></span>
      <span class="answer">
        {job.state === 'done' ? <Line text={job.answer} most={80} /> : job.reason ? <Line text={job.reason} most={80} /> : null}
      </span>
      <span class="steps">
        {job.steps_total > 0 ? (
          <>
            <Bar value={job.steps_done} most={job.steps_total} label={`${job.steps_done} of ${job.steps_total} steps`} tone={job.state === 'done' ? 'good' : ''} />
            <small>{job.steps_done}/{job.steps_total}</small>
          </>
        ) : <small>{job.mode.replace('_', ' ')}</small>}
      </span>
      <span class="cost" title="Cost, and what was saved against all-large">
        {nanousd(job.usage.cost_nanousd)}{saved != null && saved > 0 && <em>−{percent(saved / 100)}</em>}
      </span>
      <span class="took">{duration(took(job, now.value))}</span>
      <span class="when">{ago(job.submitted_at_ms, now.value)}</span>
    </a>
  );
}
