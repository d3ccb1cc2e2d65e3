import { expect, test } from 'vitest';
import { passedOverText } from '../../src/core/runs/passed-over.ts';

const text = (passedOver: number, ...passedOverRuns: string[]) =>
  passedOverText({ passedOver, passedOverRuns });

test('of run files that never begin the newest are named, with the way out', () => {
  expect(text(1, 'a')).toBe(
    'Passed over: 1 run file (a), see .baseline.yaml of the results folder; to carry it out, add it under another name.',
  );
  expect(text(3, 'a', 'b', 'c')).toMatch(/^Passed over: 3 run files \(a, b, c\), .* to carry one out/);
  expect(text(9, 'a', 'b', 'c', 'd')).toMatch(/^Passed over: 9 run files \(b, c, d, …\)/);
});
