import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Plan } from './world/plan.ts';
import { planOf } from './world/plans/chance.ts';
import { restoredPlanOf } from './world/plans/restored.ts';
import { placesOfAll } from './world/plans/sieve.ts';
import { judge, type Trial } from './world/trial.ts';

/** The same ones always; `npm run test:simulation` tries others. */
const SEEDS = Array.from({ length: 15 }, (_, i) => i + 1);
const RESTORED = [5, 6, 7, 61];
const WITH_GIT = [1];
/** Of the places where something may go wrong in a rollout one in so many. */
const EVERY = 197;

/** What was a mistake once, or was brought back to see whether it is found: `npm run test:faults` shows that it breaks a promise then. */
const KEPT = readdirSync(join(import.meta.dirname, 'histories')).map((file) => {
  const text = readFileSync(join(import.meta.dirname, 'histories', file), 'utf8');
  const { what, plan, end } = JSON.parse(text) as { what: string; plan: Plan; end?: string };
  return { name: `${file}: ${what}`, plan, ...(end === undefined ? {} : { end }) };
});

const trials: Trial[] = [
  ...KEPT,
  ...SEEDS.map((seed) => ({ name: `by chance, seed ${seed}`, plan: planOf(seed) })),
  ...RESTORED.map((seed) => ({ name: `restored, seed ${seed}`, plan: restoredPlanOf(seed) })),
  ...(await placesOfAll()).filter((_, i) => i % EVERY === 0),
  ...WITH_GIT.map((seed) => ({ name: `with a repository, seed ${seed}`, plan: planOf(seed, true) })),
];

test.each(trials)('$name: no promise is broken', async (trial) => {
  const { violations, steps } = await judge(trial);
  expect(violations).toEqual([]);
  expect(steps).toBeGreaterThan(20);
});
