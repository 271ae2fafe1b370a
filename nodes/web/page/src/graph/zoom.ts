// Panning and zooming by d3-zoom, with buttons and keys for those who use no wheel.

import { select } from 'd3-selection';
import { zoom, zoomIdentity, type D3ZoomEvent, type ZoomTransform } from 'd3-zoom';

export interface Zoom {
  by(factor: number): void;
  /** All of a drawing of this size. */
  fit(width: number, height: number): void;
  /** Whether a person has moved it since the last fit. */
  isMoved(): boolean;
  end(): void;
}

type Box = HTMLElement | SVGSVGElement;

/** `largest`: how far a fit may enlarge. */
export function makeZoom(box: Box, onChange: (at: ZoomTransform) => void, largest = 1): Zoom {
  let moved = false;
  const behaviour = zoom<Box, unknown>()
    .scaleExtent([0.1, 3])
    // The wheel alone scrolls the page.
    .filter((event: any) => (event.type === 'wheel' ? event.ctrlKey || event.metaKey : event.type.startsWith('touch') ? event.touches.length > 1 : !event.button))
    .clickDistance(4)
    .on('zoom', (event: D3ZoomEvent<Box, unknown>) => {
      if (event.sourceEvent) moved = true;
      onChange(event.transform);
    });
  const selection = select<Box, unknown>(box);
  selection.call(behaviour).on('dblclick.zoom', null);
  return {
    by(factor) {
      moved = true;
      selection.call(behaviour.scaleBy, factor);
    },
    fit(width, height) {
      const { clientWidth, clientHeight } = box;
      const scale = Math.min(largest, clientWidth / width, clientHeight / height);
      const x = (clientWidth - width * scale) / 2;
      const y = (clientHeight - height * scale) / 2;
      moved = false;
      selection.call(behaviour.transform, zoomIdentity.translate(x, Math.max(0, y)).scale(scale));
    },
    isMoved: () => moved,
    end() {
      selection.on('.zoom', null);
    },
  };
}
