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

function fit(ctx: CanvasRenderingContext2D, text: string, width: number): string {
  const key = `${ctx.font}|${width | 0}|${text}`;
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
  ctx.fillStyle = ink['--text'];
  ctx.font = `600 14px ${sans}`;
  ctx.fillText(fit(ctx, node.name, card.width - 130), card.x + 32, card.y + 23);
  ctx.font = `11.5px ${sans}`;
  ctx.fillStyle = ink['--dim'];
  const sub = node.state === 'alive' ? (node.draining ? 'draining' : node.roles.join(', ')) : node.state;
  ctx.fillText(fit(ctx, sub, card.width - 40), card.x + 16, card.y + 38);
  const jobs = node.jobs_running > 0 || node.jobs_queued > 0 ? `${node.jobs_running} running${node.jobs_queued ? `, ${node.jobs_queued} queued` : ''}` : 'idle';
  ctx.textAlign = 'right';
  ctx.fillStyle = node.jobs_running > 0 ? ink['--text'] : ink['--dim'];
  ctx.fillText(jobs, card.x + card.width - 14, card.y + 23);
  ctx.textAlign = 'left';
  for (const tile of card.engines) drawEngine(ctx, tile, card.isDense, look);
  for (const actor of card.actors) drawActor(ctx, actor, look);
}

function drawEngine(ctx: CanvasRenderingContext2D, tile: EngineTile, isDense: boolean, look: Look) {
  const { ink } = look;
  const { engine } = tile;
  const { x, y, width, height } = tile;
  const tone = ink[toneOfEngine(engine.health)];
  const load = look.load(tile);
  ctx.fillStyle = ink['--raised'];
  round(ctx, tile, 6);
  ctx.fill();
  ctx.save();
  ctx.clip();
  ctx.fillStyle = engine.health === 'healthy' ? ink[engine.tier === 'large' ? '--large' : '--small'] : tone;
  if (isDense) {
    ctx.globalAlpha = 0.28;
    ctx.fillRect(x, y, width * load, height);
  } else {
    ctx.globalAlpha = 0.22;
    ctx.fillRect(x, y + height - 5, width, 5);
    ctx.globalAlpha = 1;
    ctx.fillRect(x, y + height - 5, width * load, 5);
  }
  ctx.globalAlpha = 1;
  ctx.restore();
  ctx.fillStyle = tone;
  ctx.beginPath();
  ctx.arc(x + 10, y + (isDense ? height / 2 : 14), 3.2, 0, Math.PI * 2);
  ctx.fill();
  if (!isDense || look.scale > 0.5) {
    ctx.fillStyle = ink['--text'];
    ctx.font = `${isDense ? 10.5 : 12}px ${sans}`;
    ctx.fillText(fit(ctx, engine.name, width - (isDense ? 22 : 58)), x + 19, y + (isDense ? 17 : 18));
  }
  if (!isDense) {
    ctx.fillStyle = ink['--dim'];
    ctx.font = `10.5px ${sans}`;
    const version = engine.weight_version ? ` @ ${engine.weight_version}` : '';
    ctx.fillText(fit(ctx, `${engine.model}${version}`, width - 20), x + 10, y + 34);
    ctx.textAlign = 'right';
    ctx.fillText(`${engine.in_flight}/${engine.limit ?? engine.concurrency}${engine.queued ? `+${engine.queued}` : ''}`, x + width - 9, y + 18);
    ctx.textAlign = 'left';
  }
  mark(ctx, tile, 6, look, engine.health === 'unhealthy' ? ink['--bad'] : ink['--line']);
}

function drawActor(ctx: CanvasRenderingContext2D, chip: ActorDot, look: Look) {
  const { ink } = look;
  const isWell = chip.actor.state === 'ok';
  const isBusy = chip.actor.in_flight > 0 || chip.actor.mailbox_depth > 8;
  const tone = isWell ? ink['--busy'] : ink[chip.actor.state === 'restarting' ? '--warn' : '--bad'];
  ctx.fillStyle = isWell && !isBusy ? ink['--raised'] : tone;
  ctx.globalAlpha = isWell && !isBusy ? 1 : 0.2;
  round(ctx, chip, 8);
  ctx.fill();
  ctx.globalAlpha = 1;
  if (look.scale > 0.45) {
    ctx.fillStyle = isWell && !isBusy ? ink['--dim'] : tone;
    ctx.font = `10px ${sans}`;
    ctx.textAlign = 'center';
    ctx.fillText(fit(ctx, chip.actor.name.replace(/_/g, ' '), chip.width - 8), chip.x + chip.width / 2, chip.y + 12);
    ctx.textAlign = 'left';
  }
  mark(ctx, chip, 8, look, isWell ? 'transparent' : tone);
}
