import { expect, test } from 'vitest';
import { History } from './world/history.ts';
import { planOf, sweepOf } from './world/plan.ts';

/** The same ones always; `npm run test:simulation` tries others. */
const SEEDS = Array.from({ length: 10 }, (_, i) => i + 1);
/** An agent killed after the first writes of each kind of rollout. */
const WRITES = Array.from({ length: 48 }, (_, i) => i);
const WITH_GIT = [1, 2];

test.each([
  ...SEEDS.map((seed) => ({ of: 'chance', seed, plan: () => planOf(seed) })),
  ...WRITES.map((seed) => ({ of: 'an agent killed after a write', seed, plan: () => sweepOf(seed) })),
  ...WITH_GIT.map((seed) => ({ of: 'chance, with a repository', seed, plan: () => planOf(seed, true) })),
])('a history of $of, seed $seed, breaks no promise', async ({ plan }) => {
  const { violations, steps } = await new History(plan()).run();
  expect(violations).toEqual([]);
  expect(steps).toBeGreaterThan(20);
});
