import { expect, test } from 'vitest';
import { stages, type Refused } from '../../../src/core/runs/prepare/stage.ts';
import { context } from './support.ts';

test('each stage is handed what the one before made; the first that refuses is the last', () => {
  const refused: Refused = { ok: false, problems: [{ path: [], message: 'two is too much' }] };
  const seen: number[] = [];
  const counting = stages((n: number) => n + 1)
    .next((n) => (n === 2 ? refused : n))
    .next((n) => {
      seen.push(n);
      return `is ${n}`;
    });
  expect(counting.run(0, context)).toBe('is 1');
  expect(counting.run(1, context)).toBe(refused);
  expect(seen).toEqual([1]);
});
