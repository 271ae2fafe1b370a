// Light, dark, or as the system says; kept in this browser.

import { computed, effect, signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';
const name = 'tandem.theme';
const stored = localStorage.getItem(name);
export const theme = signal<Theme>(stored === 'light' || stored === 'dark' ? stored : 'system');

const dark = matchMedia('(prefers-color-scheme: dark)');
const systemIsDark = signal(dark.matches);
dark.addEventListener('change', (event) => (systemIsDark.value = event.matches));
export const isDark = computed(() => (theme.value === 'system' ? systemIsDark.value : theme.value === 'dark'));

effect(() => {
  document.documentElement.dataset.theme = isDark.value ? 'dark' : 'light';
});

export function nextTheme() {
  theme.value = isDark.value ? 'light' : 'dark';
  localStorage.setItem(name, theme.value);
}

/** A colour of the style sheet, for what is drawn on a canvas. */
export const colour = (variable: string) => getComputedStyle(document.documentElement).getPropertyValue(variable).trim();

export const isCalm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;
