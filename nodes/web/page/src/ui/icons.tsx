// Line icons on a 20 px grid, drawn with the text's colour.

const paths: Record<string, string> = {
  overview: 'M3 11.5 10 4l7 7.5M5 10v6.5h10V10',
  topology: 'M10 6.5v4M10 10.5 5.5 13M10 10.5l4.5 2.5M10 2.5a2 2 0 1 0 0 4 2 2 0 0 0 0-4ZM4 13a2 2 0 1 0 0 4 2 2 0 0 0 0-4ZM16 13a2 2 0 1 0 0 4 2 2 0 0 0 0-4Z',
  jobs: 'M7 5h10M7 10h10M7 15h10M3 5h.5M3 10h.5M3 15h.5',
  routing: 'M3 10h4c4 0 4-5 8-5h2M7 10c4 0 4 5 8 5h2M14.5 2.5 17 5l-2.5 2.5M14.5 12.5 17 15l-2.5 2.5',
  caches: 'M10 3c4 0 6.5 1.1 6.5 2.5S14 8 10 8 3.5 6.9 3.5 5.5 6 3 10 3ZM3.5 5.500V10c0 1.4 2.5 2.5 6.5 2.500s6.5-1.1 6.5-2.500V5.500M3.5 10v4.500C3.5 15.9 6 17 10 17s6.5-1.1 6.5-2.500V10',
  weights: 'M10 3 17 6.5 10 10 3 6.5 10 3ZM3 10l7 3.500L17 10M3 13.5 10 17l7-3.5',
  alarms: 'M10 3a4.5 4.5 0 0 0-4.5 4.500c0 4-2 5.5-2 5.500h13s-2-1.5-2-5.500A4.5 4.5 0 0 0 10 3ZM8.5 16a1.6 1.6 0 0 0 3 0',
  search: 'M9 3.500a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11ZM13 13l4 4',
  sun: 'M10 6.500a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7ZM10 2v1.500M10 16.500V18M2 10h1.500M16.5 10H18M4.3 4.300l1.1 1.100M14.6 14.600l1.1 1.100M4.3 15.700l1.1-1.100M14.6 5.400l1.1-1.1',
  moon: 'M16.5 11.800A7 7 0 0 1 8.2 3.500a7 7 0 1 0 8.3 8.300Z',
  help: 'M7.5 7.500a2.5 2.5 0 1 1 3.7 2.200c-.8.4-1.2.9-1.2 1.800M10 14.500v.1M10 2.500a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15Z',
  close: 'M5 5l10 10M15 5 5 15',
  plus: 'M10 4v12M4 10h12',
  minus: 'M4 10h12',
  fit: 'M3 7V3h4M17 7V3h-4M3 13v4h4M17 13v4h-4',
  more: 'M4.5 10h.1M10 10h.1M15.5 10h.1',
  check: 'M4 10.5 8 14.5 16 5.5',
  pause: 'M7 4.500v11M13 4.500v11',
  play: 'M6 4l10 6-10 6V4Z',
  retry: 'M16 10a6 6 0 1 1-1.8-4.200L16 7.500M16 3.500v4h-4',
  stop: 'M5 5h10v10H5Z',
  up: 'M6.5 9v7.500H3.500V9h3ZM6.5 9l3-6c1.5 0 2 1 2 2.200V8h4a1.5 1.5 0 0 1 1.5 1.800l-1 5.200a1.8 1.8 0 0 1-1.8 1.500H6.5',
  down: 'M6.5 11V3.500H3.500V11h3ZM6.5 11l3 6c1.5 0 2-1 2-2.200V12h4a1.5 1.5 0 0 0 1.5-1.800l-1-5.200a1.8 1.8 0 0 0-1.8-1.500H6.5',
  copy: 'M7 7h9v9H7ZM13 7V4H4v9h3',
  key: 'M12.5 3.500a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM9.7 10.3 3.5 16.500M5.5 14.500l2 2',
  back: 'M12 4l-6 6 6 6',
};

export function Icon({ name, size = 18 }: { name: string; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={paths[name]} fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}

/** The mark: a large and a small wheel. */
export function Mark() {
  return (
    <svg class="mark" width="26" height="26" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" />
      <circle cx="11.5" cy="16" r="6" />
      <circle cx="22" cy="16" r="3.6" />
    </svg>
  );
}
