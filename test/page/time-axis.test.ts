import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { timeAxis, xOf } from '../../src/page/browser/draw/time-axis.ts';

const HOUR = 3_600_000;

test('a night takes little room, and the hours of work keep their share of the rest', () => {
  const axis = timeAxis(0, 16 * HOUR, [{ from: HOUR, to: 13 * HOUR }], 1_056);
  expect(axis.map(({ pause, width }) => [pause, Math.round(width)])).toEqual([
    [undefined, 250],
    [0, 56],
    [undefined, 750],
  ]);
});

test('a short pause is as wide as it was long', () => {
  const axis = timeAxis(0, 100, [{ from: 50, to: 51 }], 1_000);
  expect(axis[1]?.width).toBeCloseTo(10);
});

test('what was nothing but waiting fills the axis', () => {
  expect(timeAxis(0, HOUR, [{ from: 0, to: HOUR }], 500)).toEqual([
    { from: 0, to: HOUR, pause: 0, x: 0, width: 500 },
  ]);
});

test('time goes from left to right, within the axis, whatever was waited for', () => {
  const gap = fc
    .record({ from: fc.nat(1_000), length: fc.nat(500) })
    .map(({ from, length }) => ({ from, to: from + length }));
  fc.assert(
    fc.property(
      fc.array(gap, { maxLength: 8 }),
      fc.integer({ min: 1, max: 1_000 }),
      fc.integer({ min: 50, max: 4_000 }),
      (gaps, to, width) => {
        const sorted = gaps.toSorted((a, b) => a.from - b.from);
        const axis = timeAxis(0, to, sorted, width);
        expect(axis.reduce((sum, it) => sum + it.width, 0)).toBeCloseTo(width, 3);
        let last = 0;
        for (let time = 0; time <= to; time += Math.max(1, to / 50)) {
          const x = xOf(axis, time);
          expect(x).toBeGreaterThanOrEqual(last - 1e-6);
          last = x;
        }
        expect(xOf(axis, to + 1)).toBeCloseTo(width, 3);
      },
    ),
  );
});
