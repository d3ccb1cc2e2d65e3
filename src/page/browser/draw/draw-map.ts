import type { NodeRow } from '../../../api/page.ts';
import { type Phase, PHASE_TONES } from '../words.ts';
import { colours } from './canvas.ts';
import { cornerOf, type MapLayout } from './map-layout.ts';
import { PHASE_SHAPES } from './shapes.ts';

/** Side of the square on which shapes are drawn. */
const SIDE = 16;
/** Where cells are that small a failed one reaches beyond its own, so that it is seen among thousands. */
const SMALL = 13;
const OUTSTANDING = 1.35;

/** All cells, phase by phase: each has its colour and shape. */
export function drawMap(
  context: CanvasRenderingContext2D,
  layout: MapLayout,
  nodes: readonly NodeRow[],
  active: number | undefined,
): void {
  const colour = colours(context.canvas);
  const { cell } = layout;
  const gap = cell < 8 ? 0 : 1;
  const size = (cell - gap) / SIDE;
  const base = context.getTransform();
  const phases = [...cellsByPhase(layout, nodes)].toSorted(
    ([a], [b]) => Number(a === 'Failed') - Number(b === 'Failed'),
  );
  for (const [phase, cells] of phases) {
    context.fillStyle = colour(PHASE_TONES[phase]);
    const shape = new Path2D(PHASE_SHAPES[phase]);
    const scale = phase === 'Failed' && cell < SMALL ? size * OUTSTANDING : size;
    for (const { x, y } of cells) {
      context.setTransform(base);
      context.translate(x + cell / 2, y + cell / 2);
      context.scale(scale, scale);
      context.translate(-SIDE / 2, -SIDE / 2);
      // oxlint-disable-next-line unicorn/no-array-fill-with-reference-type -- it is no array
      context.fill(shape, 'evenodd');
    }
  }
  context.setTransform(base);
  const at = active === undefined ? undefined : cornerOf(layout, active);
  if (!at) return;
  context.strokeStyle = colour('text');
  context.lineWidth = 2;
  context.strokeRect(at.x - 1, at.y - 1, cell + 1, cell + 1);
}

function cellsByPhase(layout: MapLayout, nodes: readonly NodeRow[]) {
  const cells = new Map<Phase, { x: number; y: number }[]>();
  for (const { first, count } of layout.groups) {
    for (let i = first; i < first + count; i++) {
      const phase = nodes[i]?.phase;
      const corner = cornerOf(layout, i);
      if (phase === undefined || !corner) continue;
      const same = cells.get(phase);
      if (same) same.push(corner);
      else cells.set(phase, [corner]);
    }
  }
  return cells;
}
