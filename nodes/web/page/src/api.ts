// Everything that the page asks of its node: requests, errors, the key, and whether the node is there.

import { signal } from '@preact/signals';

export class ApiError extends Error {
  constructor(message: string, readonly status: number) {
    super(message);
  }
}

const keyName = 'tandem.key';
export const apiKey = signal(sessionStorage.getItem(keyName) ?? '');
export const needsKey = signal(false);
/** null: not asked yet. */
export const isReachable = signal<boolean | null>(null);
export const lastHeard = signal(0);

export function setKey(key: string) {
  apiKey.value = key;
  if (key) sessionStorage.setItem(keyName, key);
  else sessionStorage.removeItem(keyName);
  needsKey.value = false;
}

export interface Options {
  method?: string;
  body?: unknown;
  signal?: AbortSignal;
  headers?: Record<string, string>;
}

const base = new URL('.', location.href);

/** Throws ApiError; status 0 is a node that does not answer. */
export async function open(path: string, options: Options = {}): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json', ...options.headers };
  if (apiKey.value) headers.Authorization = `Bearer ${apiKey.value}`;
  if (options.body !== undefined) headers['Content-Type'] = 'application/json';
  let response: Response;
  try {
    response = await fetch(new URL(`v1/${path}`, base), {
      method: options.method ?? 'GET',
      headers,
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      signal: options.signal,
      cache: 'no-store',
      credentials: 'omit',
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    isReachable.value = false;
    throw new ApiError('The node does not answer.', 0);
  }
  isReachable.value = true;
  lastHeard.value = Date.now();
  if (response.ok) return response;
  if (response.status === 401) needsKey.value = true;
  throw new ApiError(await messageOf(response), response.status);
}

/** What an error of the node says; empty where `text` is none. */
export function messageIn(text: string): string {
  try {
    const said = JSON.parse(text)?.error?.message;
    return typeof said === 'string' ? said : '';
  } catch {
    // Not JSON: something between the page and the node answered.
    return '';
  }
}

async function messageOf(response: Response): Promise<string> {
  const said = messageIn(await response.text().catch(() => ''));
  return said || `The node answered ${response.status}${response.statusText ? ` ${response.statusText}` : ''}.`;
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await open(path, { signal })).json();
}

export async function post<T>(path: string, body: unknown, headers?: Record<string, string>): Promise<T> {
  return (await open(path, { method: 'POST', body, headers })).json();
}

export const messageFor = (error: unknown) => (error instanceof Error ? error.message : String(error));
