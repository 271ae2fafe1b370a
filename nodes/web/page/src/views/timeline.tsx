// When each attempt waited, read its prompt and wrote.

import { memo } from 'preact/compat';
import { micros, nanousd, oneLine } from '../format';
import { isAdmin } from '../store';
import type { Attempt, JobSummary } from '../types';
import { Empty, Line, Tier, useArrows } from '../ui/parts';
import { useState } from 'preact/hooks';
import { Decision } from './decision';

const most = 300;

interface Props {
  attempts: Attempt[];
  job: JobSummary;
  selected: number;
  onSelect: (step: number) => void;
}

function Lanes({ attempts, job, selected, onSelect }: Props) {
  const arrows = useArrows<HTMLDivElement>();
  if (attempts.length === 0) return <Empty title="No attempt has ended yet">Each call of a model is listed here when it ends.</Empty>;
  const ended = (each: Attempt) => each.at_ms ?? job.submitted_at_ms ?? 0;
  const began = (each: Attempt) => ended(each) - (each.total_us + each.queue_us) / 1000;
  const all = [...attempts].sort((a, b) => began(a) - began(b)).slice(-most);
  const start = Math.min(job.submitted_at_ms ?? Infinity, ...all.map(began));
  const end = Math.max(start + 1, ...all.map(ended));
  const at = (ms: number) => `${((ms - start) / (end - start)) * 100}%`;
  return (
    <div class="timeline" {...arrows}>
      <div class="legend dim" aria-hidden="true"><i class="queue" />queue <i class="first" />to the first token <i class="write" />writing</div>
      {all.map((each) => (
        <button
          key={each.attempt} data-item class={`attempt ${each.step && each.step === selected ? 'selected' : ''} ${each.error ? 'failed' : ''}`}
          onClick={() => each.step && onSelect(each.step)} aria-label={labelOf(each)}
        >
          <span class="who">{each.step ? `Step ${each.step}` : oneLine(each.purpose, 12)}</span>
          <span class="model"><Line text={each.model || '–'} most={28} />{each.tier && <Tier name={each.tier} />}</span>
          <span class="lane">
            <Piece kind={each.error ? 'error' : each.cache_level ? 'cache' : 'run'} from={at(began(each))} attempt={each} span={end - start} />
          </span>
          <span class="took">{micros(each.total_us)}</span>
          <span class="cost">{each.cache_level ? `L${each.cache_level} hit` : nanousd(each.usage.cost_nanousd)}</span>
        </button>
      ))}
    </div>
  );
}

/** Events of steps come often; attempts change seldom. */
export const Timeline = memo(Lanes, (a, b) => a.attempts === b.attempts && a.selected === b.selected && a.job.submitted_at_ms === b.job.submitted_at_ms);

function labelOf(each: Attempt): string {
  const what = each.step ? `step ${each.step}` : each.purpose;
  const how = each.error ? `failed: ${oneLine(each.error.message, 80)}` : each.cache_level ? `from the cache, level ${each.cache_level}` : 'answered';
  return `Attempt ${each.attempt}, ${what}, ${oneLine(each.model, 30)}, ${how}, ${micros(each.total_us)}`;
}

function Piece({ kind, from, attempt, span }: { kind: string; from: string; attempt: Attempt; span: number }) {
  const wide = (us: number) => `${Math.max(0, Math.min(100, us / 1000 / span * 100))}%`;
  const first = Math.min(attempt.first_token_us || attempt.total_us, attempt.total_us);
  return (
    <span class={`piece ${kind}`} style={{ marginLeft: `min(${from}, calc(100% - 3px))` }}>
      <i class="queue" style={{ width: wide(attempt.queue_us) }} />
      <i class="first" style={{ width: wide(first) }} />
      <i class="write" style={{ width: wide(attempt.total_us - first) }} />
    </span>
  );
}

/** All that is known about one attempt. */
export function AttemptFacts({ attempt }: { attempt: Attempt }) {
  const [isOpen, setOpen] = useState(false);
  const rows: [string, any][] = [
    ['Engine', <Line text={attempt.engine || '–'} />],
    ['Weights', attempt.weight_version ? <Line text={attempt.weight_version} /> : '–'],
    ['Queue', micros(attempt.queue_us)],
    ['First token', attempt.first_token_us ? micros(attempt.first_token_us) : '–'],
    ['Total', micros(attempt.total_us)],
    ['Tokens', `${attempt.usage.prompt_tokens} in (${attempt.usage.cached_prompt_tokens} cached), ${attempt.usage.completion_tokens} out`],
    ['Cost', `${nanousd(attempt.usage.cost_nanousd)}, all-large ${nanousd(attempt.usage.cost_all_large_nanousd)}`],
    ['Cache', attempt.cache_level ? `L${attempt.cache_level}, ${nanousd(attempt.usage.saved_nanousd)} saved` : attempt.cache_reason ? <Line text={attempt.cache_reason} /> : 'not used'],
  ];
  return (
    <article class={`attempt-facts ${attempt.error ? 'failed' : ''}`}>
      <header>
        <b>Attempt {attempt.attempt}</b> <Line text={attempt.model || '–'} most={40} /> {attempt.tier && <Tier name={attempt.tier} />}
        {attempt.hedged && <span class="tag">hedged</span>}
        {attempt.epoch > 1 && <span class="tag">epoch {attempt.epoch}</span>}
      </header>
      {attempt.error && <p class="wrong" dir="auto">{oneLine(attempt.error.code, 40)}: <Line text={attempt.error.message} most={600} /></p>}
      {attempt.rung && <p>What was done: <Line text={attempt.rung} most={300} /></p>}
      <dl class="facts">{rows.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
      {attempt.decision !== '0' && isAdmin.value && (
        <>
          <button class="quiet" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>{isOpen ? 'Hide the decision' : 'Why this model?'}</button>
          {isOpen && <Decision id={attempt.decision} />}
        </>
      )}
    </article>
  );
}
