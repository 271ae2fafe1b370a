// Small pieces that all views share.

import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';
import { harmless, oneLine, percent } from '../format';
import type { Resource } from '../resource';
import { Icon } from './icons';

const tones: Record<string, string> = {
  done: 'good', healthy: 'good', alive: 'good', ok: 'good', serving: 'good', closed: 'good',
  running: 'busy', starting: 'busy', updating: 'busy', rolling: 'busy', loading: 'busy', fetching: 'busy', canary: 'busy',
  judging: 'busy', verifying: 'busy', flushing: 'busy', draining: 'warn', busy: 'warn', suspect: 'warn', paused: 'warn',
  restarting: 'warn', warning: 'warn', half_open: 'warn', 'rolling back': 'warn', 'rolled back': 'warn', left: 'still',
  failed: 'bad', unhealthy: 'bad', gone: 'bad', critical: 'bad', open: 'bad', gated: 'bad', away: 'bad', abandoned: 'still',
  queued: 'still', waiting: 'still', cancelled: 'still',
};
export const toneOf = (state: string) => tones[state] ?? 'still';

export function State({ is, label }: { is: string; label?: string }) {
  return <span class={`state ${toneOf(is)}`}>{label ?? is.replace('_', ' ')}</span>;
}

export function Tier({ name }: { name: string }) {
  return name ? <span class={`tier ${name === 'large' || name === 'small' ? name : 'other'}`}>{oneLine(name, 24)}</span> : null;
}

/** A text from outside in one line; the whole of it when pointed at. */
export function Line({ text, most = 160 }: { text: string | null | undefined; most?: number }) {
  const shown = oneLine(text, most);
  return <span dir="auto" title={shown.endsWith('…') ? harmless(text).slice(0, 2000) : undefined}>{shown}</span>;
}

/** A text from outside as it is. */
export function Verbatim({ text, label }: { text: string; label: string }) {
  return (
    <pre class="verbatim" dir="auto" tabIndex={0} role="region" aria-label={label}>
      {harmless(text)}
    </pre>
  );
}

export function Card(props: { title?: ComponentChildren; aside?: ComponentChildren; children: ComponentChildren; class?: string; flush?: boolean }) {
  return (
    <section class={`card ${props.flush ? 'flush' : ''} ${props.class ?? ''}`}>
      {props.title && (
        <header>
          <h2>{props.title}</h2>
          {props.aside && <div class="aside">{props.aside}</div>}
        </header>
      )}
      {props.children}
    </section>
  );
}

export function Empty({ title, children, command }: { title: string; children?: ComponentChildren; command?: string }) {
  return (
    <div class="empty">
      <p class="what">{title}</p>
      {children && <p>{children}</p>}
      {command && <Command text={command} />}
    </div>
  );
}

export function Command({ text }: { text: string }) {
  return (
    <div class="command">
      <code>{text}</code>
      <button class="quiet icon-only" aria-label={`Copy: ${text}`} title="Copy" onClick={() => navigator.clipboard?.writeText(text)}>
        <Icon name="copy" size={16} />
      </button>
    </div>
  );
}

export function Problem({ text, onRetry }: { text: string; onRetry?: () => void }) {
  return (
    <div class="problem" role="alert">
      <span dir="auto">{harmless(text)}</span>
      {onRetry && <button onClick={onRetry}>Try again</button>}
    </div>
  );
}

/** What a view shows before it has data, and where it may not have them. */
export function Loaded<T>({ of, children }: { of: Resource<T>; children: (data: T) => ComponentChildren }) {
  of.use();
  const data = of.data.value;
  if (of.isForbidden.value)
    return (
      <Empty title="Your key shows the jobs of its tenant only">
        This view is for operators. Ask for an admin key (<code>tandem keys create --name NAME --admin</code>), and sign in with it.
      </Empty>
    );
  if (data === null) {
    if (of.error.value) return <Problem text={of.error.value} onRetry={() => of.refresh()} />;
    return <Skeleton />;
  }
  return (
    <>
      {of.error.value && <Problem text={`${of.error.value} What is shown may be old.`} />}
      {children(data)}
    </>
  );
}

export function Skeleton() {
  return (
    <div class="skeleton" role="status" aria-label="Loading">
      <i /><i /><i />
    </div>
  );
}

export function Bar({ value, most, label, tone = '' }: { value: number; most: number; label: string; tone?: string }) {
  const share = most > 0 ? Math.min(1, value / most) : 0;
  return (
    <span class={`bar ${tone}`} role="img" aria-label={label} title={label}>
      <i style={{ transform: `scaleX(${share})` }} />
    </span>
  );
}

export function Figure({ label, value, note, tone, children }: { label: string; value: ComponentChildren; note?: ComponentChildren; tone?: string; children?: ComponentChildren }) {
  return (
    <div class={`figure ${tone ?? ''}`}>
      <div class="label">{label}</div>
      <div class="value">{value}</div>
      {note && <div class="note">{note}</div>}
      {children}
    </div>
  );
}

export function Facts({ of }: { of: [string, ComponentChildren][] }) {
  return (
    <dl class="facts">
      {of.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export const hitRate = (hits: number, misses: number) => (hits + misses > 0 ? percent(hits / (hits + misses), hits / (hits + misses) < 0.1 ? 1 : 0) : '–');

/** Up, down, Home and End move through the links and buttons of a list that carry `data-item`. */
export function useArrows<E extends HTMLElement>() {
  const ref = useRef<E>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, Home: -1e9, End: 1e9 }[event.key];
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    const items = [...(ref.current?.querySelectorAll<HTMLElement>('[data-item]') ?? [])];
    const at = items.indexOf(document.activeElement as HTMLElement);
    if (at < 0 || items.length === 0) return;
    event.preventDefault();
    items[Math.min(items.length - 1, Math.max(0, at + step))].focus();
  };
  return { ref, onKeyDown };
}
