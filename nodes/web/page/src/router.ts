// Views by the address' hash: #/jobs?state=running. Back, forward and bookmarks work, and the node serves one file.

import { computed, signal } from '@preact/signals';

const hash = signal(location.hash);
window.addEventListener('hashchange', () => (hash.value = location.hash));

const parts = computed(() => {
  const [path, query] = hash.value.replace(/^#\/?/, '').split('?', 2);
  return { path: path.split('/').map(decode), query: new URLSearchParams(query ?? '') };
});

export const view = computed(() => parts.value.path[0] || 'overview');
export const subject = computed(() => parts.value.path[1] ?? '');
export const query = computed(() => parts.value.query);

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function link(view: string, subject = '', query: Record<string, string> = {}): string {
  const set = Object.entries(query).filter(([, value]) => value !== '');
  const tail = set.length > 0 ? `?${new URLSearchParams(set)}` : '';
  return `#/${view}${subject ? `/${encodeURIComponent(subject)}` : ''}${tail}`;
}

export function go(to: string, replace = false) {
  if (replace) {
    history.replaceState(null, '', to);
    hash.value = location.hash;
  } else {
    location.hash = to;
  }
}

/** Changes parts of the query and nothing else. */
export function refine(changes: Record<string, string>, replace = true) {
  const all = Object.fromEntries(query.value);
  go(link(view.value, subject.value, { ...all, ...changes }), replace);
}
