// What is around every view: navigation, search, the state of the connection, help.

import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { apiKey, isReachable, lastHeard, setKey } from '../api';
import { duration, oneLine } from '../format';
import { go, link, view } from '../router';
import { alarms, isAdmin, now, whoami } from '../store';
import { isDark, nextTheme } from '../theme';
import { Icon, Mark } from './icons';

export const places: [string, string, string][] = [
  ['overview', 'Overview', 'o'],
  ['jobs', 'Jobs', 'j'],
  ['topology', 'Topology', 't'],
  ['routing', 'Routing', 'r'],
  ['caches', 'Caches', 'c'],
  ['weights', 'Weights', 'w'],
  ['alarms', 'Alarms', 'a'],
];
const onPhones = ['overview', 'jobs', 'topology', 'alarms'];
const isOnPhones = () => onPhones.includes(view.value) || view.value === 'job';
const isHelpOpen = signal(false);
const isMoreOpen = signal(false);

export function Shell({ children }: { children: ComponentChildren }) {
  useKeys();
  alarms.use();
  whoami.use();
  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById('main')?.focus(); }}>
        Skip to the content
      </a>
      <Navigation />
      <div class="stage">
        <TopBar />
        <Connection />
        <main id="main" tabIndex={-1}>{children}</main>
      </div>
      <PhoneBar />
      <Help />
      <More />
    </div>
  );
}

function alarmCount() {
  return alarms.data.value?.alarms.length ?? 0;
}

function worstAlarm() {
  return alarms.data.value?.alarms.some((each) => each.severity === 'critical') ? 'bad' : 'warn';
}

function Place({ name, label }: { name: string; label: string }) {
  const current = view.value === name || (view.value === 'job' && name === 'jobs');
  const number = name === 'alarms' ? alarmCount() : 0;
  return (
    <a href={link(name)} data-item class={current ? 'here' : ''} aria-current={current ? 'page' : undefined}>
      <Icon name={name} />
      <span>{label}</span>
      {number > 0 && <b class={`badge ${worstAlarm()}`} aria-label={`${number} active`}>{number}</b>}
    </a>
  );
}

function Navigation() {
  const me = whoami.data.value;
  return (
    <nav class="side" aria-label="Views">
      <a class="brand" href={link('overview')} aria-label="Tandem, overview"><Mark /><span>Tandem</span></a>
      {places.map(([name, label]) => <Place key={name} name={name} label={label} />)}
      <div class="me">
        {me && (
          <>
            <div class="node" title="The node that serves this page">{oneLine(me.node, 40)}</div>
            <div>{me.version && `v${oneLine(me.version, 20)}`}{me.tenant ? ` · ${oneLine(me.tenant, 30)}` : ''}</div>
            {!me.admin && <div>sees its tenant only</div>}
          </>
        )}
        {apiKey.value && <button class="quiet" onClick={() => setKey('')}>Sign out</button>}
      </div>
    </nav>
  );
}

function PhoneBar() {
  return (
    <nav class="bottom" aria-label="Views">
      {places.filter(([name]) => onPhones.includes(name)).map(([name, label]) => <Place key={name} name={name} label={label} />)}
      <button class={isOnPhones() ? '' : 'here'} aria-haspopup="dialog" onClick={() => (isMoreOpen.value = true)}>
        <Icon name="more" /><span>More</span>
      </button>
    </nav>
  );
}

function TopBar() {
  const title = places.find(([name]) => name === view.value)?.[1] ?? 'Job';
  const submit = (event: Event) => {
    event.preventDefault();
    const field = (event.target as HTMLFormElement).elements.namedItem('text') as HTMLInputElement;
    const text = field.value.trim();
    field.value = '';
    field.blur();
    if (/^[a-z0-9]{6,16}-\d+$/.test(text)) go(link('job', text));
    else go(link('jobs', '', { text }));
  };
  return (
    <header class="top">
      <h1>{view.value === 'job' ? <a href={link('jobs')}><Icon name="back" size={16} />Jobs</a> : title}</h1>
      <form role="search" onSubmit={submit}>
        <Icon name="search" size={16} />
        <input id="search" name="text" type="search" placeholder="Find jobs" aria-label="Find jobs by text or id" autocomplete="off" />
        <kbd aria-hidden="true">/</kbd>
      </form>
      <button class="quiet icon-only" onClick={nextTheme} aria-label={isDark.value ? 'Light colours' : 'Dark colours'} title={isDark.value ? 'Light' : 'Dark'} id="theme">
        <Icon name={isDark.value ? 'sun' : 'moon'} />
      </button>
      <button class="quiet icon-only wide-only" onClick={() => (isHelpOpen.value = true)} aria-label="Keys and help" title="Keys and help (?)">
        <Icon name="help" />
      </button>
      <a class="button primary" href={link('jobs', '', { new: '1' })} aria-label="New job" title="New job (n)"><Icon name="plus" size={16} /><span>New job</span></a>
    </header>
  );
}

function Connection() {
  if (isReachable.value !== false) return null;
  const since = lastHeard.value ? ` Last heard from it ${duration(Math.max(0, now.value - lastHeard.value))} ago.` : '';
  return (
    <div class="offline" role="status">
      <i aria-hidden="true" />The node does not answer; trying again.{since}
    </div>
  );
}

/** A dialog of the browser's own: it keeps the focus and closes with Escape. */
export function Dialog({ isOpen, onClose, label, children, class: kind = '' }: { isOpen: boolean; onClose: () => void; label: string; children: ComponentChildren; class?: string }) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current!;
    if (isOpen && !dialog.open) dialog.showModal();
    if (!isOpen && dialog.open) dialog.close();
  }, [isOpen]);
  return (
    <dialog ref={ref} class={kind} aria-label={label} onClose={onClose} onClick={(event) => event.target === ref.current && onClose()}>
      {isOpen && (
        <div class="sheet">
          <header>
            <h2>{label}</h2>
            <button class="quiet icon-only" aria-label="Close" onClick={onClose}><Icon name="close" /></button>
          </header>
          {children}
        </div>
      )}
    </dialog>
  );
}

function Help() {
  const keys: [string, string][] = [
    ['/', 'Find jobs'],
    ['n', 'New job'],
    ['?', 'This help'],
    ['g then a letter', places.map(([, label, key]) => `${key} ${label}`).join(', ')],
    ['↑ ↓ Home End', 'Move in a list, a graph or a menu'],
    ['Enter', 'Open what is focused'],
    ['Esc', 'Close a panel or dialog'],
    ['+ − 0', 'In a graph: closer, farther, all of it'],
  ];
  return (
    <Dialog isOpen={isHelpOpen.value} onClose={() => (isHelpOpen.value = false)} label="Keys and help">
      <dl class="keys">
        {keys.map(([key, what]) => <div key={key}><dt><kbd>{key}</kbd></dt><dd>{what}</dd></div>)}
      </dl>
      <p class="dim">
        A job is planned by a large model and carried out by small ones. “Saved” compares its cost with that of the same calls at
        the large model's prices. The command line says all of this too: <code>tandem help</code>.
      </p>
    </Dialog>
  );
}

function More() {
  return (
    <Dialog isOpen={isMoreOpen.value} onClose={() => (isMoreOpen.value = false)} label="All views" class="from-below">
      <nav class="more" aria-label="All views" onClick={() => (isMoreOpen.value = false)}>
        {places.map(([name, label]) => <Place key={name} name={name} label={label} />)}
      </nav>
      {!isAdmin.value && <p class="dim">Your key shows the jobs of its tenant only.</p>}
      {apiKey.value && <button onClick={() => setKey('')}>Sign out</button>}
    </Dialog>
  );
}

let isGoing = false;

function useKeys() {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) {
        if (event.key === 'Escape') target.blur();
        return;
      }
      if (document.querySelector('dialog[open]')) return;
      if (isGoing) {
        isGoing = false;
        const place = places.find(([, , key]) => key === event.key);
        if (place) go(link(place[0]));
        return;
      }
      if (event.key === '/') {
        event.preventDefault();
        document.getElementById('search')?.focus();
      } else if (event.key === '?') {
        isHelpOpen.value = true;
      } else if (event.key === 'n') {
        event.preventDefault();
        go(link('jobs', '', { new: '1' }));
      } else if (event.key === 'g') {
        isGoing = true;
        setTimeout(() => (isGoing = false), 1500);
      }
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
}
