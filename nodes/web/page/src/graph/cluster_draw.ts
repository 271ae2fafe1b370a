// Draws a cluster on a canvas.

import { oneLine } from '../format';
import { colour } from '../theme';
import type { ActorDot, EngineTile, Item, NodeCard, Scene } from './cluster_layout';

const names = ['--bg', '--surface', '--raised', '--line', '--line-strong', '--text', '--dim', '--accent', '--good', '--warn', '--bad', '--busy', '--large', '--small'] as const;
export type Ink = Record<(typeof names)[number], string>;
export const readInk = () => Object.fromEntries(names.map((name) => [name, colour(name)])) as Ink;

const sans = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

export interface Look {
  ink: Ink;
  hovered: string;
  focused: string;
  selected: string;
  scale: number;
  /** Load as it is drawn now; it eases towards the measured one. */
  load: (tile: EngineTile) => number;
}

export function toneOfEngine(health: string): keyof Ink {
  if (health === 'healthy') return '--good';
  if (health === 'unhealthy') return '--bad';
  if (health === 'busy' || health === 'draining') return '--warn';
  return health === 'starting' || health === 'updating' ? '--busy' : '--dim';
}

export function toneOfNode(state: string, isDraining: boolean): keyof Ink {
  if (state === 'gone') return '--bad';
  if (state === 'suspect' || isDraining) return '--warn';
  return state === 'alive' ? '--good' : '--dim';
}

const fitted = new Map<string, string>();

/** `font` is the one that is set: reading it back from a canvas is slow. */
function fit(ctx: CanvasRenderingContext2D, font: string, text: string, width: number): string {
  const key = `${font}|${width | 0}|${text}`;
  const known = fitted.get(key);
  if (known !== undefined) return known;
  let shown = oneLine(text, 80);
  if (ctx.measureText(shown).width > width) {
    let low = 0;
    let high = shown.length;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (ctx.measureText(`${shown.slice(0, middle)}…`).width <= width) low = middle;
      else high = middle - 1;
    }
    shown = `${shown.slice(0, low)}…`;
  }
  if (fitted.size > 4000) fitted.clear();
  fitted.set(key, shown);
  return shown;
}

function round(ctx: CanvasRenderingContext2D, item: { x: number; y: number; width: number; height: number }, radius: number) {
  ctx.beginPath();
  ctx.roundRect(item.x, item.y, item.width, item.height, radius);
}

function mark(ctx: CanvasRenderingContext2D, item: Item, radius: number, look: Look, calm: string) {
  const isChosen = look.selected === item.id;
  const isFocused = look.focused === item.id;
  ctx.lineWidth = isChosen || isFocused ? 2 : 1;
  ctx.strokeStyle = isChosen || isFocused ? look.ink['--accent'] : look.hovered === item.id ? look.ink['--line-strong'] : calm;
  round(ctx, item, radius);
  ctx.stroke();
}

export function draw(ctx: CanvasRenderingContext2D, scene: Scene, look: Look) {
  links(ctx, scene, look.ink);
  for (const card of scene.cards) drawCard(ctx, card, look);
}

function links(ctx: CanvasRenderingContext2D, scene: Scene, ink: Ink) {
  ctx.lineWidth = 1.4;
  for (let i = 0; i < scene.cards.length; ++i) {
    for (let j = i + 1; j < scene.cards.length; ++j) {
      const a = scene.cards[i];
      const b = scene.cards[j];
      const isGone = a.node.state === 'gone' || b.node.state === 'gone' || a.node.state === 'left' || b.node.state === 'left';
      const isDoubtful = a.node.state === 'suspect' || b.node.state === 'suspect';
      ctx.strokeStyle = isGone ? ink['--bad'] : isDoubtful ? ink['--warn'] : ink['--line-strong'];
      ctx.globalAlpha = isGone ? 0.45 : 0.75;
      ctx.setLineDash(isGone ? [2, 5] : isDoubtful ? [6, 5] : []);
      const from = { x: a.x + a.width / 2, y: a.y + a.height / 2 };
      const to = { x: b.x + b.width / 2, y: b.y + b.height / 2 };
      // Links of a row bow, or a card in between would hide them.
      const bow = Math.abs(from.y - to.y) < 40 && j > i + 1 ? a.height / 2 + 36 : 0;
      ctx.beginPath();
      ctx.moveTo(from.x, from.y);
      ctx.quadraticCurveTo((from.x + to.x) / 2, (from.y + to.y) / 2 - bow * 2, to.x, to.y);
      ctx.stroke();
    }
  }
  ctx.setLineDash([]);
  ctx.globalAlpha = 1;
}

function drawCard(ctx: CanvasRenderingContext2D, card: NodeCard, look: Look) {
  const { ink } = look;
  const { node } = card;
  ctx.fillStyle = ink['--surface'];
  round(ctx, card, 12);
  ctx.fill();
  mark(ctx, card, 12, look, ink['--line']);
  ctx.fillStyle = ink[toneOfNode(node.state, node.draining)];
  ctx.beginPath();
  ctx.arc(card.x + 20, card.y + 18, 4.5, 0, Math.PI * 2);
  ctx.fill();
  ctx.textBaseline = 'alphabetic';
  write(ctx, [card], `600 14px ${sans}`, ink['--text'], () => [node.name, card.width - 130, card.x + 32, card.y + 23]);
  const sub = node.state === 'alive' ? (node.draining ? 'draining' : node.roles.join(', ')) : node.state;
  write(ctx, [card], `11.5px ${sans}`, ink['--dim'], () => [sub, card.width - 40, card.x + 16, card.y + 38]);
  const jobs = node.jobs_running > 0 || node.jobs_queued > 0 ? `${node.jobs_running} running${node.jobs_queued ? `, ${node.jobs_queued} queued` : ''}` : 'idle';
  ctx.textAlign = 'right';
  write(ctx, [card], `11.5px ${sans}`, node.jobs_running > 0 ? ink['--text'] : ink['--dim'], () => [jobs, 110, card.x + card.width - 14, card.y + 23]);
  ctx.textAlign = 'left';
  drawEngines(ctx, card, look);
  drawActors(ctx, card.actors, look);
}

/** One path for all that has one colour: two hundred engines are drawn at every step of their bars. */
function fillAll<T>(ctx: CanvasRenderingContext2D, all: T[], styleOf: (item: T) => string, trace: (item: T) => void) {
  const groups = new Map<string, T[]>();
  for (const item of all) {
    const style = styleOf(item);
    const group = groups.get(style);
    if (group) group.push(item);
    else groups.set(style, [item]);
  }
  for (const [style, group] of groups) {
    ctx.fillStyle = style;
    ctx.beginPath();
    group.forEach(trace);
    ctx.fill();
  }
}

const loadBar = { side: 9, height: 3, bottom: 7 };

function drawEngines(ctx: CanvasRenderingContext2D, card: NodeCard, look: Look) {
  const { ink } = look;
  const { engines, isDense } = card;
  if (engines.length === 0) return;
  const toneOf = (tile: EngineTile) => ink[toneOfEngine(tile.engine.health)];
  const barOf = (tile: EngineTile) => (tile.engine.health === 'healthy' ? ink[tile.engine.tier === 'large' ? '--large' : '--small'] : toneOf(tile));
  ctx.beginPath();
  for (const tile of engines) ctx.roundRect(tile.x, tile.y, tile.width, tile.height, 6);
  ctx.fillStyle = ink['--raised'];
  ctx.fill();
  ctx.lineWidth = 1;
  ctx.strokeStyle = ink['--line'];
  ctx.stroke();
  const inner = engines[0].width - 2 * loadBar.side;
  if (isDense) {
    ctx.globalAlpha = 0.3;
    fillAll(ctx, engines, barOf, (tile) => ctx.rect(tile.x + 1, tile.y + 1, (tile.width - 2) * look.load(tile), tile.height - 2));
  } else {
    const trace = (tile: EngineTile, width: number) => ctx.rect(tile.x + loadBar.side, tile.y + tile.height - loadBar.bottom, width, loadBar.height);
    ctx.globalAlpha = 0.2;
    fillAll(ctx, engines, barOf, (tile) => trace(tile, inner));
    ctx.globalAlpha = 1;
    fillAll(ctx, engines, barOf, (tile) => trace(tile, inner * look.load(tile)));
  }
  ctx.globalAlpha = 1;
  fillAll(ctx, engines, toneOf, ({ x, y, height }) => {
    ctx.moveTo(x + 13, y + (isDense ? height / 2 : 14));
    ctx.arc(x + 10, y + (isDense ? height / 2 : 14), 3.2, 0, Math.PI * 2);
  });
  for (const tile of engines) {
    const isMarked = tile.id === look.selected || tile.id === look.focused || tile.id === look.hovered;
    if (isMarked || tile.engine.health === 'unhealthy') mark(ctx, tile, 6, look, ink['--bad']);
  }
  if (isDense && look.scale <= 0.45) return;
  write(ctx, engines, `${isDense ? 10.5 : 12}px ${sans}`, ink['--text'], (tile) => [tile.engine.name, tile.width - (isDense ? 22 : 66), tile.x + 19, tile.y + (isDense ? 17 : 18)]);
  if (isDense) return;
  write(ctx, engines, `10.5px ${sans}`, ink['--dim'], ({ engine, x, y, width }) => [engine.weight_version ? `${engine.model} @ ${engine.weight_version}` : engine.model, width - 20, x + 10, y + 34]);
  ctx.textAlign = 'right';
  write(ctx, engines, `10.5px ${sans}`, ink['--dim'], ({ engine, x, y, width }) => [`${engine.in_flight}/${engine.limit ?? engine.concurrency}${engine.queued ? `+${engine.queued}` : ''}`, 60, x + width - 9, y + 18]);
  ctx.textAlign = 'left';
}

/** Texts of one font and colour: [text, width, x, y]. */
function write<T>(ctx: CanvasRenderingContext2D, all: T[], font: string, style: string, placeOf: (item: T) => [string, number, number, number]) {
  ctx.font = font;
  ctx.fillStyle = style;
  for (const item of all) {
    const [text, width, x, y] = placeOf(item);
    ctx.fillText(fit(ctx, font, text, width), x, y);
  }
}

function drawActors(ctx: CanvasRenderingContext2D, actors: ActorDot[], look: Look) {
  const { ink } = look;
  const isCalm = ({ actor }: ActorDot) => actor.state === 'ok' && actor.in_flight === 0 && actor.mailbox_depth <= 8;
  const toneOf = ({ actor }: ActorDot) => (actor.state === 'ok' ? ink['--busy'] : ink[actor.state === 'restarting' ? '--warn' : '--bad']);
  const calm = actors.filter(isCalm);
  const moved = actors.filter((chip) => !isCalm(chip));
  const trace = (chip: ActorDot) => ctx.roundRect(chip.x, chip.y, chip.width, chip.height, 8);
  fillAll(ctx, calm, () => ink['--raised'], trace);
  ctx.globalAlpha = 0.2;
  fillAll(ctx, moved, toneOf, trace);
  ctx.globalAlpha = 1;
  for (const chip of actors) {
    const isMarked = chip.id === look.selected || chip.id === look.focused || chip.id === look.hovered;
    if (isMarked || chip.actor.state !== 'ok') mark(ctx, chip, 8, look, toneOf(chip));
  }
  if (look.scale <= 0.45) return;
  ctx.textAlign = 'center';
  const place = (chip: ActorDot): [string, number, number, number] => [chip.actor.name.replace(/_/g, ' '), chip.width - 8, chip.x + chip.width / 2, chip.y + 12];
  write(ctx, calm, `10px ${sans}`, ink['--dim'], place);
  for (const chip of moved) write(ctx, [chip], `10px ${sans}`, toneOf(chip), place);
  ctx.textAlign = 'left';
}
