import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { cellAt, cornerOf, layoutMap, neighbour } from '../../src/page/browser/draw/map-layout.ts';

const total = (groups: readonly { count: number }[]) => groups.reduce((sum, { count }) => sum + count, 0);

test('5,000 nodes in three steps fit a laptop and, smaller, a phone', () => {
  const groups = [50, 1_200, 3_750].map((count, i) => ({ name: `step ${i}`, count }));
  const laptop = layoutMap(groups, 800, 450);
  expect(laptop.height).toBeLessThanOrEqual(450);
  expect(laptop.cell).toBeGreaterThanOrEqual(7);
  expect(layoutMap(groups, 300, 560).height).toBeLessThanOrEqual(560);
});

const layouts = fc
  .record({
    groups: fc.array(
      fc.record({ name: fc.constantFrom('', 'zone'), count: fc.integer({ min: 1, max: 60 }) }),
      {
        minLength: 1,
        maxLength: 12,
      },
    ),
    width: fc.integer({ min: 60, max: 3_000 }),
    height: fc.integer({ min: 100, max: 1_000 }),
  })
  .map(({ groups, width, height }) => layoutMap(groups, width, height));

test('each node has a cell of its own, within the map, and is found there', () => {
  fc.assert(
    fc.property(layouts, (layout) => {
      const count = total(layout.groups);
      const { cell, height } = layout;
      const corners = Array.from({ length: count }, (_, i) => cornerOf(layout, i) ?? { x: -1, y: -1 });
      expect(new Set(corners.map(({ x, y }) => `${x} ${y}`)).size).toBe(count);
      expect(corners.every(({ x, y }) => x >= 0 && y >= 0 && y + cell <= height)).toBe(true);
      const found = corners.map(({ x, y }) => cellAt(layout, x + cell / 2, y + cell / 2));
      expect(found).toEqual(corners.map((_, i) => i));
    }),
  );
});

test('arrow keys always lead to a node, and down from the first to the last', () => {
  fc.assert(
    fc.property(layouts, fc.nat(), (layout, seed) => {
      const count = total(layout.groups);
      for (const [dx, dy] of [
        [1, 0],
        [-1, 0],
        [0, 1],
        [0, -1],
      ] as const) {
        const to = neighbour(layout, seed % count, dx, dy);
        expect(to).toBeGreaterThanOrEqual(0);
        expect(to).toBeLessThan(count);
      }
      let at = 0;
      for (let i = 0; i < count && at !== count - 1; i++) at = neighbour(layout, at, 0, 1);
      expect(at).toBe(count - 1);
    }),
  );
});

test('a place between or beside groups is no cell', () => {
  const layout = layoutMap([{ name: 'zone', count: 3 }], 400, 300);
  expect(cellAt(layout, 2, 2)).toBeUndefined();
  expect(cellAt(layout, 399, layout.height - 1)).toBeUndefined();
  expect(cornerOf(layout, 3)).toBeUndefined();
});
