// Lines over time: sparklines as SVG, charts by uPlot.

import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { oneLine } from '../format';
import { colour, isDark } from '../theme';
import type { Series } from '../types';

/** Means of neighbours: more points than can be seen are noise. */
function thin(values: number[], most: number): number[] {
  const each = Math.ceil(values.length / most);
  if (each <= 1) return values;
  const means: number[] = [];
  for (let end = values.length; end > 0; end -= each) {
    const part = values.slice(Math.max(0, end - each), end);
    means.unshift(part.reduce((all, value) => all + value, 0) / part.length);
  }
  return means;
}

export function Spark({ values: all, label, tone = 'accent' }: { values: number[]; label: string; tone?: string }) {
  const values = thin(all, 45);
  if (values.length < 2) return <svg class="spark" viewBox="0 0 100 28" aria-hidden="true" />;
  const most = Math.max(...values, 1e-12);
  const step = 100 / (values.length - 1);
  const line = values.map((value, i) => `${(i * step).toFixed(1)},${(26 - (Math.max(0, value) / most) * 23).toFixed(1)}`).join(' ');
  return (
    <svg class={`spark ${tone}`} viewBox="0 0 100 28" preserveAspectRatio="none" role="img" aria-label={label}>
      <polygon points={`0,28 ${line} 100,28`} />
      <polyline points={line} vector-effect="non-scaling-stroke" />
    </svg>
  );
}

const palette = ['--c1', '--c2', '--c3', '--c4', '--c5', '--c6', '--c7', '--c8'];

export function nameOf(series: Series): string {
  const labels = Object.values(series.labels).filter(Boolean);
  return labels.length > 0 ? oneLine(labels.join(' · '), 40) : series.name;
}

function align(all: Series[]): uPlot.AlignedData {
  const times = [...new Set(all.flatMap((each) => each.points.map(([at]) => at)))].sort((a, b) => a - b);
  const place = new Map(times.map((at, i) => [at, i]));
  const lines = all.map((each) => {
    const line: (number | null)[] = new Array(times.length).fill(null);
    for (const [at, value] of each.points) line[place.get(at)!] = value;
    return line;
  });
  return [times, ...lines] as uPlot.AlignedData;
}

/** Neighbours in time together, by their mean, where there are more than can be seen. */
function thinned(all: Series[], most: number): Series[] {
  return all.map((series) => {
    const each = Math.ceil(series.points.length / most);
    if (each <= 1) return series;
    const points: [number, number | null][] = [];
    for (let end = series.points.length; end > 0; end -= each) {
      const part = series.points.slice(Math.max(0, end - each), end);
      const known = part.flatMap(([, value]) => (value == null ? [] : [value]));
      points.unshift([part[part.length - 1][0], known.length > 0 ? known.reduce((sum, value) => sum + value, 0) / known.length : null]);
    }
    return { ...series, points };
  });
}

const clockOf = (at: number) => new Date(at * 1000).toLocaleTimeString([], { hour12: false, hour: '2-digit', minute: '2-digit' });

/** Without a cursor the legend says the newest values. */
function showNewest(chart: uPlot) {
  if (chart.cursor.left == null || chart.cursor.left < 0) chart.setLegend({ idx: chart.data[0].length - 1 });
}

interface ChartProps {
  series: Series[];
  format: (value: number | null) => string;
  label: string;
  height?: number;
  /** The scale's limits; without them they follow the data, from zero. */
  range?: [number, number];
}

export function Chart({ series, format, label, height = 180, range }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const shown = thinned(series.slice(0, palette.length), 90);
  const shape = shown.map(nameOf).join('\n');
  const dark = isDark.value;

  useEffect(() => {
    const grid = { stroke: colour('--line'), width: 1 };
    const axis = { stroke: colour('--dim'), font: '11px system-ui, sans-serif', ticks: { show: false } };
    const made = new uPlot(
      {
        width: box.current!.clientWidth,
        height,
        legend: { live: true, show: true },
        cursor: { points: { size: 6 }, drag: { x: false, y: false } },
        scales: { y: { range: range ? () => range : (_, __, most) => [0, most > 0 ? most * 1.1 : 1] } },
        axes: [
          { ...axis, grid: { show: false }, size: 26, space: 70, values: (_, ticks) => ticks.map(clockOf) },
          { ...axis, grid, size: 58, values: (_, ticks) => ticks.map((tick) => format(tick)) },
        ],
        hooks: { ready: [showNewest], setData: [showNewest], setCursor: [showNewest] },
        series: [
          {},
          ...shown.map((each, i) => ({
            label: nameOf(each),
            stroke: colour(palette[i]),
            width: 1.6,
            spanGaps: true,
            points: { show: false },
            value: (_: uPlot, value: number | null) => (value == null ? '–' : format(value)),
          })),
        ],
      },
      align(shown),
      box.current!,
    );
    chart.current = made;
    const observer = new ResizeObserver(([entry]) => made.setSize({ width: entry.contentRect.width, height }));
    observer.observe(box.current!);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, [shape, dark, height]);

  useEffect(() => chart.current?.setData(align(shown)), [series]);

  return <div class="chart" ref={box} role="img" aria-label={label} />;
}
