// The cluster as a live picture: one canvas, drawn anew only when something has changed.

import type { ZoomTransform } from 'd3-zoom';
import { useEffect, useRef } from 'preact/hooks';
import { oneLine } from '../format';
import { isCalm, isDark } from '../theme';
import type { Node } from '../types';
import { Icon } from '../ui/icons';
import { draw, readInk, type Ink } from './cluster_draw';
import { itemAt, layOut, type EngineTile, type Item, type Scene } from './cluster_layout';
import { makeZoom, type Zoom } from './zoom';

export function describe(item: Item): string {
  if (item.kind === 'node') return `${oneLine(item.node.name, 40)}: ${item.node.state}, ${item.node.engines.length} engines, ${item.node.jobs_running} jobs running`;
  if (item.kind === 'actor') return `${oneLine(item.actor.name, 40)} on ${oneLine(item.node.name, 40)}: ${item.actor.state}, ${item.actor.handled} ${item.actor.noun || 'handled'}`;
  const { engine } = item;
  return `${oneLine(engine.name, 40)} on ${oneLine(item.node.name, 40)}: ${engine.health}, ${engine.in_flight} of ${engine.limit ?? engine.concurrency} at work, ${oneLine(engine.model, 30)} version ${oneLine(engine.weight_version, 20) || 'unknown'}`;
}

const places = (tile: EngineTile) => tile.engine.limit ?? tile.engine.concurrency;
const loadOf = (tile: EngineTile) => (places(tile) > 0 ? Math.min(1, tile.engine.in_flight / places(tile)) : 0);

/** Everything that lives as long as the canvas; not state of the view, since it changes with every frame. */
class Painter {
  private scene: Scene = { width: 1, height: 1, cards: [], items: [] };
  private nodes: Node[] = [];
  private view = { width: 1, height: 1 };
  private at: { x: number; y: number; k: number } = { x: 0, y: 0, k: 1 };
  private ink: Ink = readInk();
  private readonly loads = new Map<string, number>();
  private frame = 0;
  private shape = '';
  hovered = '';
  focused = '';
  selected = '';
  zoom: Zoom;

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.zoom = makeZoom(canvas, (at: ZoomTransform) => {
      this.at = at;
      this.wake();
    }, 1.25);
  }

  show(nodes: Node[]) {
    this.nodes = nodes;
    this.scene = layOut(nodes, this.view);
    const shape = `${this.scene.width}x${this.scene.height}`;
    if (shape !== this.shape && !this.zoom.isMoved()) this.fit();
    this.shape = shape;
    this.wake();
  }

  resize(width: number, height: number) {
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.view = { width, height };
    this.scene = layOut(this.nodes, this.view);
    this.fit();
    this.wake();
  }

  recolour() {
    this.ink = readInk();
    this.wake();
  }

  fit = () => this.zoom.fit(this.scene.width, this.scene.height);

  itemAt(x: number, y: number): Item | null {
    return itemAt(this.scene, (x - this.at.x) / this.at.k, (y - this.at.y) / this.at.k);
  }

  step(by: number): Item | null {
    const { items } = this.scene;
    const now = items.findIndex((item) => item.id === this.focused);
    const next = items[Math.max(0, Math.min(items.length - 1, now + by))] ?? null;
    this.focused = next?.id ?? '';
    this.wake();
    return next;
  }

  focusedItem = () => this.scene.items.find((item) => item.id === this.focused) ?? null;

  wake() {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.paint());
  }

  end() {
    cancelAnimationFrame(this.frame);
    this.zoom.end();
  }

  private paint() {
    this.frame = 0;
    const ctx = this.canvas.getContext('2d')!;
    const ratio = window.devicePixelRatio || 1;
    let isMoving = false;
    const speed = isCalm() ? 1 : 0.25;
    const eased = new Map<string, number>();
    const load = (tile: EngineTile) => {
      const known = eased.get(tile.id);
      if (known !== undefined) return known;
      const wanted = loadOf(tile);
      const before = this.loads.get(tile.id) ?? 0;
      const now = Math.abs(wanted - before) < 0.015 ? wanted : before + (wanted - before) * speed;
      if (now !== wanted) isMoving = true;
      this.loads.set(tile.id, now);
      eased.set(tile.id, now);
      return now;
    };
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.clearRect(0, 0, this.view.width, this.view.height);
    ctx.setTransform(ratio * this.at.k, 0, 0, ratio * this.at.k, ratio * this.at.x, ratio * this.at.y);
    draw(ctx, this.scene, { ink: this.ink, hovered: this.hovered, focused: this.focused, selected: this.selected, scale: this.at.k, load });
    if (isMoving) this.wake();
  }
}

export function ClusterCanvas({ nodes, selected, onSelect }: { nodes: Node[]; selected: string; onSelect: (item: Item | null) => void }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const painter = useRef<Painter | null>(null);
  const said = useRef<HTMLDivElement>(null);
  const tip = useRef<HTMLDivElement>(null);
  const dark = isDark.value;

  useEffect(() => {
    const made = new Painter(canvas.current!);
    painter.current = made;
    const observer = new ResizeObserver(([entry]) => made.resize(entry.contentRect.width, entry.contentRect.height));
    observer.observe(canvas.current!);
    return () => {
      observer.disconnect();
      made.end();
    };
  }, []);
  useEffect(() => painter.current?.show(nodes), [nodes]);
  useEffect(() => painter.current?.recolour(), [dark]);
  useEffect(() => {
    if (!painter.current) return;
    painter.current.selected = selected;
    painter.current.wake();
  }, [selected]);

  const onMove = (event: MouseEvent) => {
    const item = painter.current!.itemAt(event.offsetX, event.offsetY);
    canvas.current!.style.cursor = item ? 'pointer' : 'grab';
    tip.current!.hidden = !item;
    if (item) {
      tip.current!.textContent = describe(item);
      const x = Math.min(event.offsetX + 14, Math.max(8, canvas.current!.clientWidth - 270));
      tip.current!.style.transform = `translate(${x}px, ${event.offsetY + 16}px)`;
    }
    if (painter.current!.hovered === (item?.id ?? '')) return;
    painter.current!.hovered = item?.id ?? '';
    painter.current!.wake();
  };
  const onLeave = () => {
    tip.current!.hidden = true;
    painter.current!.hovered = '';
    painter.current!.wake();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const moves: Record<string, number> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -1e6, End: 1e6 };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const by = moves[event.key];
    if (by !== undefined) {
      event.preventDefault();
      const item = painter.current!.step(by);
      if (item) said.current!.textContent = describe(item);
    } else if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      onSelect(painter.current!.focusedItem());
    } else if (event.key === '+' || event.key === '=') painter.current!.zoom.by(1.3);
    else if (event.key === '-') painter.current!.zoom.by(1 / 1.3);
    else if (event.key === '0') painter.current!.fit();
  };
  return (
    <div class="cluster">
      <canvas
        ref={canvas} tabIndex={0} role="application" aria-label={`Graph of ${nodes.length} nodes. Arrow keys move, Enter opens; the list beside says the same.`}
        onClick={(event) => onSelect(painter.current!.itemAt(event.offsetX, event.offsetY))}
        onMouseMove={onMove} onMouseLeave={onLeave} onKeyDown={onKeyDown}
        onBlur={() => { painter.current!.focused = ''; painter.current!.wake(); }}
      />
      <div class="tip" ref={tip} hidden aria-hidden="true" />
      <div class="unseen" aria-live="polite" ref={said} />
      <div class="zoom-buttons">
        <button class="icon-only" aria-label="Closer" onClick={() => painter.current!.zoom.by(1.3)}><Icon name="plus" size={16} /></button>
        <button class="icon-only" aria-label="Farther" onClick={() => painter.current!.zoom.by(1 / 1.3)}><Icon name="minus" size={16} /></button>
        <button class="icon-only" aria-label="All of it" onClick={() => painter.current!.fit()}><Icon name="fit" size={16} /></button>
      </div>
    </div>
  );
}
