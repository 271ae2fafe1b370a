// Layers of a plan by dagre, in a worker: a big plan costs no frame of the page.

import { graphlib, layout } from '@dagrejs/dagre';

export interface LayoutRequest {
  id: number;
  isUpright: boolean;
  width: number;
  height: number;
  steps: { step: number; needs: number[] }[];
}

export interface LayoutReply {
  id: number;
  width: number;
  height: number;
  places: [step: number, x: number, y: number][];
}

self.onmessage = ({ data }: MessageEvent<LayoutRequest>) => {
  const graph = new graphlib.Graph();
  graph.setGraph({ rankdir: data.isUpright ? 'TB' : 'LR', nodesep: 14, ranksep: data.isUpright ? 34 : 54, marginx: 12, marginy: 12 });
  graph.setDefaultEdgeLabel(() => ({}));
  const known = new Set(data.steps.map((each) => each.step));
  for (const { step } of data.steps) graph.setNode(String(step), { width: data.width, height: data.height });
  for (const { step, needs } of data.steps)
    for (const need of needs) if (known.has(need)) graph.setEdge(String(need), String(step));
  layout(graph);
  const size = graph.graph() as { width?: number; height?: number };
  const reply: LayoutReply = {
    id: data.id,
    width: size.width ?? data.width,
    height: size.height ?? data.height,
    places: data.steps.map(({ step }) => {
      const { x, y } = graph.node(String(step)) as unknown as { x: number; y: number };
      return [step, x, y];
    }),
  };
  self.postMessage(reply);
};
