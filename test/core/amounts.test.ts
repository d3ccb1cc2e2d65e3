import { expect, test } from 'vitest';
import { atOnce, resolved, tolerated } from '../../src/core/rollout/amounts.ts';

test.each([
  ['25%', 10, 2],
  ['100%', 7, 7],
  ['1%', 99, 0],
  ['0%', 50, 0],
  [3, 10, 3],
  ['29%', 100, 29],
])('%s of %i nodes are %i', (amount, nodes, expected) => {
  expect(resolved(amount, nodes)).toBe(expected);
});

test.each([
  [0, 5, Infinity],
  ['1%', 5, 1],
  ['50%', 5, 2],
  [9, 5, 9],
])('concurrency %s lets of %i nodes %d be worked on at once', (amount, nodes, expected) => {
  expect(atOnce(amount, nodes)).toBe(expected);
});

test.each([
  [{ maxFailures: undefined, stopOnFailure: false }, Infinity],
  [{ maxFailures: undefined, stopOnFailure: true }, 0],
  [{ maxFailures: '10%', stopOnFailure: true }, 1],
  [{ maxFailures: 4, stopOnFailure: false }, 4],
])('%j of 15 nodes tolerates %d', (spec, expected) => {
  expect(tolerated(spec, 15)).toBe(expected);
});
