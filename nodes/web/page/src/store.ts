// What several views look at.

import { computed, signal } from '@preact/signals';
import { resource } from './resource';
import type { Alarm, Cache, History, JobPage, Routing, Series, Topology, Weights, Whoami } from './types';

export const whoami = resource<Whoami>('whoami', 30_000);
export const topology = resource<Topology>('admin/topology', 2000);
export const alarms = resource<{ alarms: Alarm[] }>('admin/alarms', 5000);
export const routing = resource<Routing>('admin/routing', 4000);
export const cache = resource<Cache>('admin/cache', 4000);
export const weights = resource<Weights>('admin/weights', 2000);
export const past = resource<History>('admin/history?minutes=60', 10_000);
export const newest = resource<JobPage>('jobs?limit=50', 3000);
export const going = resource<JobPage>('jobs?state=queued,running,paused&limit=50', 3000);

export const now = signal(Date.now());
setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 1000);

export const isAdmin = computed(() => whoami.data.value?.admin ?? true);

export function seriesOf(history: History | null, name: string): Series[] {
  return history?.series.filter((each) => each.name === name) ?? [];
}

/** Points of all series of a name, added up; their steps are the same. */
export function total(history: History | null, name: string): number[] {
  const sums = new Map<number, number>();
  for (const series of seriesOf(history, name))
    for (const [at, value] of series.points) sums.set(at, (sums.get(at) ?? 0) + (value ?? 0));
  return [...sums.entries()].sort((a, b) => a[0] - b[0]).map(([, value]) => value);
}

export const sum = (values: number[]) => values.reduce((all, value) => all + value, 0);
