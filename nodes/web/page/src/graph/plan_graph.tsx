// The steps of a job as a graph that moves as they finish. SVG: a plan has a hundred steps, not thousands.

import { memo } from 'preact/compat';
import { useEffect, useRef, useState } from 'preact/hooks';
import { oneLine } from '../format';
import type { Attempt, Step } from '../types';
import { Icon } from '../ui/icons';
import type { LayoutReply, LayoutRequest } from './plan_layout';
import PlanWorker from './plan_layout?worker';
import { makeZoom, type Zoom } from './zoom';

const box = { width: 168, height: 54 };

interface Props {
  steps: Step[];
  attempts: Attempt[];
  answerStep: number;
  selected: number;
  onSelect: (step: number) => void;
}

function useLayout(steps: Step[], isUpright: boolean): LayoutReply | null {
  const [reply, setReply] = useState<LayoutReply | null>(null);
  const worker = useRef<Worker | null>(null);
  const asked = useRef(0);
  useEffect(() => {
    worker.current = new PlanWorker();
    worker.current.onmessage = ({ data }: MessageEvent<LayoutReply>) => data.id === asked.current && setReply(data);
    return () => worker.current?.terminate();
  }, []);
  const shape = steps.map((step) => `${step.step}<${step.depends_on}`).join(' ');
  useEffect(() => {
    if (steps.length === 0) return setReply(null);
    asked.current += 1;
    const request: LayoutRequest = { id: asked.current, isUpright, ...box, steps: steps.map((each) => ({ step: each.step, needs: each.depends_on })) };
    worker.current?.postMessage(request);
  }, [shape, isUpright]);
  return reply;
}

export function PlanGraph({ steps, attempts, answerStep, selected, onSelect }: Props) {
  const svg = useRef<SVGSVGElement>(null);
  const layer = useRef<SVGGElement>(null);
  const zoom = useRef<Zoom | null>(null);
  const [width, setWidth] = useState(0);
  const isUpright = width > 0 && width < 560;
  const reply = useLayout(steps, isUpright);

  useEffect(() => {
    zoom.current = makeZoom(svg.current!, (at) => layer.current?.setAttribute('transform', at.toString()));
    const observer = new ResizeObserver(([entry]) => setWidth(entry.contentRect.width));
    observer.observe(svg.current!);
    return () => {
      observer.disconnect();
      zoom.current?.end();
    };
  }, []);
  const size = reply ?? { width: 1, height: 1 };
  useEffect(() => {
    if (reply && !zoom.current?.isMoved()) zoom.current?.fit(reply.width, reply.height);
  }, [size.width, size.height, width]);

  const places = new Map(reply?.places.map(([step, x, y]) => [step, [x, y] as const]) ?? []);
  const failed = new Map<number, number>();
  for (const attempt of attempts) if (attempt.error) failed.set(attempt.step, (failed.get(attempt.step) ?? 0) + 1);
  const byStep = new Map(steps.map((step) => [step.step, step]));

  const onKeyDown = (event: KeyboardEvent) => {
    const moves: Record<string, number> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    if (event.key in moves) {
      event.preventDefault();
      const ids = steps.filter((each) => places.has(each.step)).map((each) => each.step);
      const at = ids.indexOf(Number((document.activeElement as HTMLElement | null)?.dataset.step ?? ids[0]));
      const next = ids[Math.max(0, Math.min(ids.length - 1, at + moves[event.key]))];
      svg.current?.querySelector<SVGGElement>(`[data-step="${next}"]`)?.focus();
    } else if (event.key === '+' || event.key === '=') zoom.current?.by(1.3);
    else if (event.key === '-') zoom.current?.by(1 / 1.3);
    else if (event.key === '0' && reply) zoom.current?.fit(reply.width, reply.height);
  };
  const wanted = reply ? reply.height * Math.min(1, width / reply.width) : 120;
  const height = Math.round(Math.max(110, Math.min(isUpright ? 520 : 460, wanted + 8)));
  const first = steps[0]?.step;
  return (
    <div class="plan-graph" style={{ height: `${height}px` }}>
      <svg ref={svg} role="group" aria-label={`Plan of ${steps.length} steps`} onKeyDown={onKeyDown}>
        <clipPath id="step-title"><rect x="10" width={box.width - 16} height="30" /></clipPath>
        <g ref={layer}>
          {steps.flatMap((step) =>
            step.depends_on.map((need) => {
              const from = places.get(need);
              const to = places.get(step.step);
              if (!from || !to) return null;
              return <Edge key={`${need}-${step.step}`} from={from} to={to} isUpright={isUpright} state={edgeState(byStep.get(need), step)} />;
            }),
          )}
          {steps.map((step) => {
            const place = places.get(step.step);
            return place && (
              <StepBox
                key={step.step} step={step} x={place[0]} y={place[1]} failed={failed.get(step.step) ?? 0}
                isAnswer={step.step === answerStep} isSelected={step.step === selected}
                isFirst={step.step === (selected || first)} onSelect={onSelect}
              />
            );
          })}
        </g>
      </svg>
      <div class="zoom-buttons">
        <button class="icon-only" aria-label="Closer" onClick={() => zoom.current?.by(1.3)}><Icon name="plus" size={16} /></button>
        <button class="icon-only" aria-label="Farther" onClick={() => zoom.current?.by(1 / 1.3)}><Icon name="minus" size={16} /></button>
        <button class="icon-only" aria-label="All of it" onClick={() => reply && zoom.current?.fit(reply.width, reply.height)}><Icon name="fit" size={16} /></button>
      </div>
    </div>
  );
}

const edgeState = (need: Step | undefined, step: Step) =>
  need?.state !== 'done' ? 'waiting' : step.state === 'running' ? 'running' : step.state === 'done' ? 'done' : 'ready';

const Edge = memo(({ from, to, isUpright, state }: { from: readonly [number, number]; to: readonly [number, number]; isUpright: boolean; state: string }) => {
  const [x1, y1, x2, y2] = isUpright
    ? [from[0], from[1] + box.height / 2, to[0], to[1] - box.height / 2]
    : [from[0] + box.width / 2, from[1], to[0] - box.width / 2, to[1]];
  const middle = isUpright ? (y1 + y2) / 2 : (x1 + x2) / 2;
  const bend = isUpright ? `C${x1},${middle} ${x2},${middle}` : `C${middle},${y1} ${middle},${y2}`;
  return <path class={`edge ${state}`} d={`M${x1},${y1} ${bend} ${x2},${y2}`} />;
}, (a, b) => a.state === b.state && a.isUpright === b.isUpright && `${a.from}${a.to}` === `${b.from}${b.to}`);

interface BoxProps {
  step: Step;
  x: number;
  y: number;
  failed: number;
  isAnswer: boolean;
  isSelected: boolean;
  isFirst: boolean;
  onSelect: (step: number) => void;
}

const StepBox = memo(({ step, x, y, failed, isAnswer, isSelected, isFirst, onSelect }: BoxProps) => {
  const said = step.state === 'done' ? oneLine(step.result, 23) : step.state === 'running' ? 'at work' : step.state;
  const title = oneLine(step.prompt, 23);
  const label = `Step ${step.step}, ${step.state === 'running' ? 'at work' : step.state}${failed ? `, ${failed} failed attempts` : ''}: ${oneLine(step.prompt, 120)}${step.state === 'done' ? `. Result: ${oneLine(step.result, 80)}` : ''}`;
  return (
    <g
      class={`step ${step.state} ${isSelected ? 'selected' : ''}`} data-step={step.step} role="button" aria-label={label}
      tabIndex={isFirst ? 0 : -1} style={{ transform: `translate(${x - box.width / 2}px, ${y - box.height / 2}px)` }}
      onClick={() => onSelect(step.step)}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        onSelect(step.step);
      }}
    >
      <rect class="body" width={box.width} height={box.height} rx="8" />
      <rect class="edge-mark" x="0" y="9" width="3" height={box.height - 18} rx="1.5" />
      <text class="title" x="13" y="21" clip-path="url(#step-title)">{title}</text>
      <text class="said" x="13" y="41">{isAnswer && step.state === 'done' ? `= ${said}` : said}</text>
      <text class="number" x={box.width - 9} y="41">{step.epoch > 1 ? `e${step.epoch} ` : ''}#{step.step}</text>
      {failed > 0 && <g class="failed" transform={`translate(${box.width - 8}, 2)`}><circle r="8" /><text y="3.5">{failed}</text></g>}
    </g>
  );
}, (a, b) => a.step === b.step || (a.step.state === b.step.state && a.step.result === b.step.result && a.step.prompt === b.step.prompt)
  ? a.x === b.x && a.y === b.y && a.failed === b.failed && a.isAnswer === b.isAnswer && a.isSelected === b.isSelected && a.isFirst === b.isFirst
  : false);
