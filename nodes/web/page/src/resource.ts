// Things of the node that are looked at again and again while somebody looks at them.

import { signal, type Signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { ApiError, apiKey, get, messageFor, needsKey } from './api';

export class Resource<T> {
  readonly data: Signal<T | null> = signal(null);
  readonly error: Signal<string> = signal('');
  readonly isForbidden = signal(false);
  private users = 0;
  private timer = 0;
  private going: AbortController | null = null;
  private last = '';

  constructor(readonly path: string, private readonly everyMs: number) {}

  use() {
    useEffect(() => {
      this.users += 1;
      if (this.users === 1) this.refresh();
      return () => {
        this.users -= 1;
        if (this.users === 0) this.rest();
      };
    }, []);
    return this;
  }

  async refresh() {
    this.rest();
    const going = new AbortController();
    this.going = going;
    try {
      const said = await get<T>(this.path, going.signal);
      // What did not change wakes nobody up.
      const text = JSON.stringify(said);
      if (text !== this.last) {
        this.last = text;
        this.data.value = said;
      }
      this.error.value = '';
      this.isForbidden.value = false;
    } catch (error) {
      if (going.signal.aborted) return;
      this.isForbidden.value = error instanceof ApiError && error.status === 403;
      this.error.value = messageFor(error);
    }
    if (this.users > 0 && this.going === going) this.timer = window.setTimeout(() => this.again(), this.pause());
  }

  private pause() {
    return this.error.value ? Math.max(this.everyMs, 3000) : this.everyMs;
  }

  private again() {
    if (document.hidden || needsKey.value) this.timer = window.setTimeout(() => this.again(), 1000);
    else this.refresh();
  }

  private rest() {
    clearTimeout(this.timer);
    this.going?.abort();
    this.going = null;
  }

  forget() {
    this.last = '';
    this.data.value = null;
    this.error.value = '';
    this.isForbidden.value = false;
    if (this.users > 0) this.refresh();
  }
}

const all: Resource<any>[] = [];

export function resource<T>(path: string, everyMs: number): Resource<T> {
  const made = new Resource<T>(path, everyMs);
  all.push(made);
  return made;
}

// Another key sees other things.
let keyBefore = apiKey.value;
apiKey.subscribe((key) => {
  if (key !== keyBefore) for (const each of all) each.forget();
  keyBefore = key;
});
