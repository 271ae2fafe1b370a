// Whether an engine is used, and why not: what `tandem engine explain` says, from the same facts.

import { ago, harmless } from '../format';
import type { Engine } from '../types';

export interface Verdict {
  used: 'yes' | 'limited' | 'no';
  why: string;
  mend: string;
}

function reasonOf(engine: Engine): string {
  const latest = engine.changes.at(-1);
  if (latest && latest.health === engine.health && latest.reason) return latest.reason;
  return engine.last_error;
}

export function judge(engine: Engine, now: number): Verdict {
  const reason = reasonOf(engine);
  const because = reason ? `: ${harmless(reason)}` : '';
  const probe = `\`tandem engine probe ${engine.name}\` tries everything at it now.`;
  const when = !engine.busy_until_ms || engine.busy_until_ms <= now ? 'now' : ago(engine.busy_until_ms, now);
  const places = engine.limit ?? engine.concurrency;
  if (engine.health === 'starting') return { used: 'no', why: `It is starting${because}.`, mend: '' };
  if (engine.health === 'draining') return { used: 'no', why: `It finishes what it has and takes nothing new${because}.`, mend: '' };
  if (engine.health === 'busy')
    return { used: 'no', why: `Its server asked to be left alone; it is used again ${when}${because}.`, mend: 'Lower its concurrency where this happens often, or add an engine.' };
  if (engine.health === 'updating')
    return engine.held
      ? { used: 'limited', why: `It takes only calls of jobs that hold its present weights, since they are to be changed${because}.`, mend: '' }
      : { used: 'no', why: `Its weights are being changed${because}.`, mend: '' };
  if (engine.breaker === 'half_open') return { used: 'limited', why: 'It failed too often; one request at a time tries whether it works again.', mend: probe };
  if (engine.breaker === 'open') return { used: 'no', why: `Its breaker is open, since it failed too often; one request tries it again ${when}${because}.`, mend: probe };
  if (engine.health !== 'healthy') return { used: 'no', why: `It is ${engine.health}${because}.`, mend: probe };
  if (engine.in_flight < places) return { used: 'yes', why: 'It is healthy and has room.', mend: '' };
  if (places < engine.concurrency)
    return { used: 'yes', why: `It is healthy, but at work on as many as measured latency allows now, ${places} of ${engine.concurrency}; more requests wait.`, mend: 'Add an engine; or adaptive = false where the measurement is wrong.' };
  return { used: 'yes', why: `It is healthy, but all ${engine.concurrency} places are taken; more requests wait.`, mend: 'Raise its concurrency where the server can do more at once, or add an engine.' };
}
