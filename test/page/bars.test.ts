import { describe, expect, test } from 'vitest';
import type { NodeRow } from '../../src/api/page.ts';
import { barAt, barsOf, painted } from '../../src/page/browser/draw/bars.ts';
import { timeAxis } from '../../src/page/browser/draw/time-axis.ts';

const AXIS = timeAxis(0, 1_000, [], 1_000);
const row = (key: string, phase: NodeRow['phase'], startedAt: number, finishedAt?: number): NodeRow => ({
  key,
  phase,
  startedAt,
  ...(finishedAt !== undefined && { finishedAt }),
});

describe('few nodes', () => {
  const nodes = [row('a', 'Completed', 0, 400), row('b', 'Failed', 100, 100), row('c', 'Running', 600)];
  const bars = barsOf(AXIS, nodes, { height: 60, now: 1_000 });

  test('each has a line of its own, as long as it took, to now where it goes on', () => {
    expect(bars.map(({ x, width }) => [x, width])).toEqual([
      [0, 400],
      [100, 2],
      [600, 400],
    ]);
    expect(bars.map(({ y, height }) => [y, height])).toEqual([
      [1, 18],
      [21, 18],
      [41, 18],
    ]);
  });

  test.each([
    ['in it', 200, 10, 0],
    ['beside it, where it is too short to be met', 98, 30, 1],
    ['before it began', 500, 50, undefined],
    ['below all of them', 700, 200, undefined],
    ['in one that goes on', 999, 50, 2],
  ])('who points %s', (_, x, y, index) => {
    expect(barAt(bars, x, y)).toBe(index);
  });
});

test('of thousands that lie over each other, the one on top is pointed at: one that failed', () => {
  const nodes = Array.from({ length: 5_000 }, (_, i) =>
    row(`n${i}`, i === 2_500 ? 'Failed' : 'Completed', 0, 900),
  );
  const bars = barsOf(AXIS, nodes, { height: 300, now: 1_000 });
  expect(barAt(bars, 450, 151)).toBe(2_500);
  expect(painted(bars).map(([tone, its]) => [tone, its.length])).toEqual([
    ['done', 4_999],
    ['gone', 0],
    ['flight', 0],
    ['failed', 1],
  ]);
  expect(barAt(bars, 450, 20)).toBeGreaterThan(300);
  expect(barAt(bars, 450, 20)).toBeLessThan(340);
});
