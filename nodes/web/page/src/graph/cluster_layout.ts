// Where nodes, engines and actors stand. Pure geometry: the same topology gives the same picture.

import type { Actor, Engine, Node } from '../types';

export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface EngineTile extends Rect {
  kind: 'engine';
  id: string;
  node: Node;
  engine: Engine;
}

export interface ActorDot extends Rect {
  kind: 'actor';
  id: string;
  node: Node;
  actor: Actor;
}

export interface NodeCard extends Rect {
  kind: 'node';
  id: string;
  node: Node;
  isDense: boolean;
  engines: EngineTile[];
  actors: ActorDot[];
}

export type Item = NodeCard | EngineTile | ActorDot;

export interface Scene {
  width: number;
  height: number;
  cards: NodeCard[];
  /** In reading order, for the keyboard. */
  items: Item[];
}

const pad = 14;
const head = 46;
const gap = 6;
const between = { x: 56, y: 52 };
const tall = { roomy: 46, dense: 26 };
const wide = { roomy: 168, dense: 92 };
const dot = 17;
/** More engines than this on a node are drawn small. */
const roomyMost = 8;

export const idOf = (node: string, kind: string, name: string) => `${node}\n${kind}\n${name}`;

function cardOf(node: Node, isNarrow: boolean): NodeCard {
  const isDense = node.engines.length > roomyMost;
  const size = isDense ? { width: wide.dense, height: tall.dense } : { width: wide.roomy, height: tall.roomy };
  const most = isNarrow ? (isDense ? 3 : 1) : isDense ? 8 : 2;
  const columns = Math.max(1, Math.min(most, isDense ? Math.ceil(Math.sqrt(node.engines.length * 0.5)) : node.engines.length || 1));
  const inner = Math.max(wide.roomy + 60, columns * (size.width + gap) - gap);
  const rows = Math.ceil(node.engines.length / columns);
  // Engines have tiles of their own.
  const actors = node.actors.filter((actor) => actor.kind !== 'engine');
  const enginesAt = head;
  const actorsAt = enginesAt + rows * (size.height + gap) + (rows > 0 ? 6 : 0);
  let right = 0;
  let rowsOfActors = actors.length > 0 ? 1 : 0;
  const chips = actors.map((actor): ActorDot => {
    const width = Math.min(inner, 14 + Math.min(actor.name.length, 20) * 5.7);
    if (right > 0 && right + width > inner) {
      right = 0;
      rowsOfActors += 1;
    }
    const chip = { kind: 'actor' as const, id: idOf(node.name, 'actor', actor.name), node, actor, x: pad + right, y: actorsAt + (rowsOfActors - 1) * (dot + 4), width, height: dot };
    right += width + 4;
    return chip;
  });
  return {
    kind: 'node',
    id: idOf(node.name, 'node', ''),
    node,
    isDense,
    x: 0,
    y: 0,
    width: inner + 2 * pad,
    height: actorsAt + rowsOfActors * (dot + 4) + pad - 4,
    engines: node.engines.map((engine, i) => ({
      kind: 'engine',
      id: idOf(node.name, 'engine', engine.name),
      node,
      engine,
      x: pad + (i % columns) * (size.width + gap),
      y: enginesAt + Math.floor(i / columns) * (size.height + gap),
      ...size,
    })),
    actors: chips,
  };
}

/** Rows of cards, as many in each as make the whole fit the view best. */
export function layOut(nodes: Node[], view: { width: number; height: number }): Scene {
  const isNarrow = view.width < 560;
  const cards = nodes.map((node) => cardOf(node, isNarrow));
  let best = { columns: 1, scale: 0, shape: 0 };
  for (let columns = 1; columns <= (isNarrow ? 1 : cards.length); ++columns) {
    const size = place(cards, columns);
    const scale = Math.min(view.width / size.width, view.height / size.height, 1);
    const shape = -Math.abs(Math.log((size.width / size.height) * (view.height / view.width)));
    if (scale > best.scale + 0.001 || (scale > best.scale - 0.001 && shape > best.shape)) best = { columns, scale, shape };
  }
  const size = place(cards, best.columns);
  const items = cards.flatMap((card): Item[] => [card, ...card.engines, ...card.actors]);
  return { ...size, cards, items };
}

function place(cards: NodeCard[], columns: number) {
  const margin = 24;
  let y = margin;
  let width = 0;
  const rows: NodeCard[][] = [];
  for (let i = 0; i < cards.length; i += columns) rows.push(cards.slice(i, i + columns));
  const widths = rows.map((row) => row.reduce((all, card) => all + card.width + between.x, -between.x));
  width = Math.max(0, ...widths) + 2 * margin;
  rows.forEach((row, i) => {
    const tallest = Math.max(...row.map((card) => card.height));
    let x = (width - widths[i]) / 2;
    for (const card of row) {
      move(card, x, y + (tallest - card.height) / 2);
      x += card.width + between.x;
    }
    y += tallest + between.y;
  });
  return { width: Math.max(1, width), height: Math.max(1, y - between.y + margin) };
}

function move(card: NodeCard, x: number, y: number) {
  const dx = x - card.x;
  const dy = y - card.y;
  for (const part of [card, ...card.engines, ...card.actors]) {
    part.x += dx;
    part.y += dy;
  }
}

export function itemAt(scene: Scene, x: number, y: number): Item | null {
  const holds = (item: Rect) => x >= item.x && x < item.x + item.width && y >= item.y && y < item.y + item.height;
  const card = scene.cards.find(holds);
  return card ? card.engines.find(holds) ?? card.actors.find(holds) ?? card : null;
}
