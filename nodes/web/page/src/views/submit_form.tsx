// A new job: a goal, and what is seldom needed behind a fold.

import { useRef, useState } from 'preact/hooks';
import { ApiError, messageFor, post } from '../api';
import type { JobSummary } from '../types';
import { Problem } from '../ui/parts';

const modes: [string, string, string][] = [
  ['auto', 'Auto', 'The router decides whether to plan, and which model will do'],
  ['plan_act', 'Plan and act', 'A large model plans, small ones carry out'],
  ['small', 'Small', 'One call of a small model'],
  ['large', 'Large', 'One call of a large model'],
];

const checks: [string, string, string][] = [
  ['', 'None', ''],
  ['number', 'A number', ''],
  ['exact', 'Exactly', 'The text that is expected'],
  ['contains', 'Contains', 'What the answer must contain'],
  ['regex', 'Regular expression', '^\\d+$'],
  ['json_schema', 'JSON schema', '{"type":"object"}'],
  ['judge', 'A judge model', 'What a good answer must have'],
  ['command', 'A command', 'Name of a [[check]] in the config'],
];

const field = (form: FormData, name: string) => String(form.get(name) ?? '').trim();

const newKey = () => `page-${crypto.getRandomValues(new Uint32Array(4)).join('-')}`;

function bodyOf(form: FormData) {
  const body: Record<string, unknown> = { goal: String(form.get('goal') ?? ''), mode: field(form, 'mode') };
  const number = (name: string, to: string, scale = 1) => {
    if (field(form, name) !== '') body[to] = Number(field(form, name)) * scale;
  };
  number('budget_usd', 'budget_usd');
  number('budget_tokens', 'budget_tokens');
  number('timeout_s', 'timeout_ms', 1000);
  number('priority', 'priority');
  const tags = field(form, 'tags').split(/[\s,]+/).filter(Boolean);
  if (tags.length > 0) body.tags = tags;
  if (field(form, 'check')) body.check = { kind: field(form, 'check'), argument: String(form.get('argument') ?? '') };
  if (field(form, 'cache') !== 'use') body.cache = field(form, 'cache');
  return body;
}

export function SubmitForm({ onDone }: { onDone: (job: JobSummary) => void }) {
  const [error, setError] = useState('');
  const [isSending, setSending] = useState(false);
  const [check, setCheck] = useState('');
  // One key for one filled form: sending it twice makes one job, also where the first answer was lost.
  const key = useRef(newKey());
  const renew = () => (key.current = newKey());
  const form = useRef<HTMLFormElement>(null);

  const submit = async (event: Event) => {
    event.preventDefault();
    setSending(true);
    setError('');
    try {
      onDone(await post<JobSummary>('jobs', bodyOf(new FormData(form.current!)), { 'Idempotency-Key': key.current }));
    } catch (problem) {
      setError(messageFor(problem));
      if (problem instanceof ApiError && problem.status >= 400 && problem.status < 500) renew();
    }
    setSending(false);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.current?.requestSubmit();
    }
  };
  const placeholder = checks.find(([kind]) => kind === check)?.[2] ?? '';
  return (
    <form class="submit" ref={form} onSubmit={submit} onKeyDown={onKeyDown} onInput={renew}>
      <label class="wide">
        Goal
        <textarea name="goal" id="goal" rows={4} required autofocus placeholder="What is (12+7)*3-5?" />
      </label>
      <fieldset class="modes">
        <legend>Mode</legend>
        {modes.map(([value, label, what], i) => (
          <label key={value}>
            <input type="radio" name="mode" value={value} defaultChecked={i === 1} />
            <span><b>{label}</b><small>{what}</small></span>
          </label>
        ))}
      </fieldset>
      <details>
        <summary>Check, budget, deadline, tags</summary>
        <div class="grid">
          <label>
            Check of the answer
            <select name="check" value={check} onChange={(event) => setCheck((event.target as HTMLSelectElement).value)}>
              {checks.map(([value, label]) => <option key={value} value={value}>{label}</option>)}
            </select>
          </label>
          <label>Of the check<input name="argument" disabled={!placeholder} placeholder={placeholder} /></label>
          <label>Budget, US dollars<input name="budget_usd" type="number" min="0" step="any" inputMode="decimal" placeholder="no limit" /></label>
          <label>Budget, tokens<input name="budget_tokens" type="number" min="1" step="1" placeholder="no limit" /></label>
          <label>Deadline, seconds<input name="timeout_s" type="number" min="0.1" step="any" placeholder="as configured" /></label>
          <label>Priority, −100 to 100<input name="priority" type="number" min="-100" max="100" step="1" placeholder="0" /></label>
          <label>Tags<input name="tags" placeholder="nightly, math" autocomplete="off" /></label>
          <label>
            Caches
            <select name="cache"><option value="use">Use</option><option value="refresh">Compute anew, and keep</option><option value="off">Off</option></select>
          </label>
        </div>
      </details>
      {error && <Problem text={error} />}
      <footer>
        <span class="dim wide-only"><kbd>Ctrl</kbd> <kbd>Enter</kbd> submits</span>
        <button class="primary" disabled={isSending}>{isSending ? 'Submitting…' : 'Submit job'}</button>
      </footer>
    </form>
  );
}
