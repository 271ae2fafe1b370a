// Server-sent events over fetch, since EventSource cannot send an Authorization header.

import { ApiError, messageIn, open } from './api';

export interface ServerEvent {
  id: string;
  event: string;
  data: string;
}

/** Lines of any ending, blocks cut anywhere; a block without data is no event. */
export class EventParser {
  private rest = '';
  private current: ServerEvent = { id: '', event: '', data: '' };

  constructor(private readonly sink: (event: ServerEvent) => void) {}

  push(text: string) {
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? '';
    for (const line of lines) this.line(line);
  }

  private line(line: string) {
    if (line === '') {
      const done = this.current;
      this.current = { id: done.id, event: '', data: '' };
      if (done.data) this.sink({ ...done, data: done.data.slice(0, -1) });
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.current.data += `${value}\n`;
    else if (field === 'event') this.current.event = value;
    else if (field === 'id') this.current.id = value;
  }
}

/** An event `error`: the node has given this stream up. */
class StreamRefused extends ApiError {}

const patienceMs = { first: 500, most: 15_000, silence: 60_000 };

/**
 * Follows a stream from after the event `last` (empty: from the start) until `onEvent` returns true (it was the last) or
 * `signal` aborts. A stream that breaks is taken up after the last event seen, each time later; what cannot be mended
 * (4xx, an event `error`) is thrown.
 */
export async function follow(
  path: string,
  last: string,
  signal: AbortSignal,
  onEvent: (event: ServerEvent) => boolean,
  onState: (isLive: boolean) => void,
) {
  let pause = patienceMs.first;
  while (!signal.aborted) {
    try {
      const headers: Record<string, string> = { Accept: 'text/event-stream' };
      if (last) headers['Last-Event-ID'] = last;
      const response = await open(path, { headers, signal });
      onState(true);
      let isOver = false;
      const parser = new EventParser((event) => {
        if (event.event === 'error') throw new StreamRefused(messageIn(event.data) || 'The node has ended the stream.', 0);
        pause = patienceMs.first;
        if (event.id) last = event.id;
        isOver ||= onEvent(event);
      });
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      try {
        while (!isOver) {
          const { done, value } = await within(reader.read(), patienceMs.silence);
          if (done) break;
          parser.push(value);
        }
      } finally {
        reader.cancel().catch(() => {});
      }
      if (isOver) return;
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof StreamRefused) throw error;
      if (error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 429) throw error;
    }
    onState(false);
    await new Promise((resume) => setTimeout(resume, pause * (0.75 + Math.random() / 2)));
    pause = Math.min(pause * 2, patienceMs.most);
  }
}

function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer = 0;
  const late = new Promise<never>((_, fail) => {
    timer = window.setTimeout(() => fail(new Error('silent')), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
