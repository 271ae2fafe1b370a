// Numbers, times and texts as people read them. null is "not known" and shown as a dash.

type maybe = number | null | undefined;
export const unknown = '–';

export function count(value: maybe): string {
  if (value == null || !Number.isFinite(value)) return unknown;
  const size = Math.abs(value);
  if (size < 10_000) return Number.isInteger(value) ? value.toLocaleString('en-US') : value.toPrecision(3);
  if (size < 1e6) return `${trim(value / 1e3)}k`;
  if (size < 1e9) return `${trim(value / 1e6)}M`;
  return `${trim(value / 1e9)}G`;
}

function trim(value: number): string {
  return value.toFixed(Math.abs(value) < 100 ? 1 : 0).replace(/\.0$/, '');
}

/** Two digits that say something, however small the sum is. */
export function usd(value: maybe): string {
  if (value == null || !Number.isFinite(value)) return unknown;
  if (value === 0) return '$0';
  const sign = value < 0 ? '−' : '';
  const size = Math.abs(value);
  if (size >= 1000) return `${sign}$${count(size)}`;
  if (size >= 1) return `${sign}$${size.toFixed(2)}`;
  const digits = Math.min(9, Math.max(2, 1 - Math.floor(Math.log10(size))));
  return `${sign}$${size.toFixed(digits)}`;
}

export const nanousd = (value: maybe) => usd(value == null ? null : value / 1e9);

export function bytes(value: maybe): string {
  if (value == null || !Number.isFinite(value)) return unknown;
  if (value < 1024) return `${value} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let scaled = value / 1024;
  let unit = 0;
  while (scaled >= 1024 && unit < units.length - 1) {
    scaled /= 1024;
    unit += 1;
  }
  return `${trim(scaled)} ${units[unit]}`;
}

export function percent(share: maybe, digits = 0): string {
  return share == null || !Number.isFinite(share) ? unknown : `${(share * 100).toFixed(digits)}%`;
}

export function duration(ms: maybe): string {
  if (ms == null || !Number.isFinite(ms)) return unknown;
  if (ms < 1) return `${Math.round(ms * 1000)} µs`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.floor((ms % 60_000) / 1000)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export const micros = (us: maybe) => duration(us == null ? null : us / 1000);

export function ago(at: maybe, now: number): string {
  if (!at) return unknown;
  const gone = now - at;
  if (gone < 1500) return gone < -1500 ? `in ${coarse(-gone)}` : 'just now';
  return `${coarse(gone)} ago`;
}

function coarse(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} d`;
}

export function clock(at: maybe): string {
  if (!at) return unknown;
  const when = new Date(at);
  const day = new Date().toDateString() === when.toDateString() ? '' : `${when.toLocaleDateString()} `;
  return day + when.toLocaleTimeString([], { hour12: false });
}

export const plural = (n: number, one: string, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

/** Control, bidirectional and invisible characters become visible: texts of models and of users may be hostile. */
const hidden =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

export function harmless(text: string | null | undefined): string {
  if (!text) return '';
  return text.replace(/\r\n/g, '\n').replace(hidden, (each) => {
    const code = each.codePointAt(0)!;
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    if (code === 0x7f) return '\u2421';
    return `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
  });
}

export function oneLine(text: string | null | undefined, most = 200): string {
  const flat = harmless((text ?? '').slice(0, most * 4)).replace(/\s+/g, ' ').trim();
  return flat.length > most ? `${flat.slice(0, most - 1)}…` : flat;
}
