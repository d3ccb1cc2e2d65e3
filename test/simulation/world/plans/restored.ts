import { MARKS } from '../moments.ts';
import type { Event, Plan } from '../plan.ts';
import { Random } from '../random.ts';
import { planOf } from './chance.ts';

/** By the same chance as without, and etcd comes back from a backup in the middle of it. */
export function restoredPlanOf(seed: number): Plan {
  const random = new Random(seed ^ 0xe7cd);
  const plan = planOf(seed);
  const restored: Event = {
    at: random.pick([0, 500, 3_000, 20_000]),
    after: { mark: random.pick(MOMENTS), nth: random.pick([1, 1, 2, 3]) },
    kind: 'etcd',
    ageMs: random.pick([100, 1_000, 5_000, 15_000, 60_000, 300_000]),
    ms: random.pick([2_000, 10_000, 60_000]),
  };
  return { ...plan, events: [...plan.events, restored] };
}

/** Those that nearly each history has. */
const MOMENTS = MARKS.filter((mark) => /^(command|Running|Completed|NodeOp)/.test(mark));
