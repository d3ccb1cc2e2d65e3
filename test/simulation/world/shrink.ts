import { History } from './history.ts';
import type { Plan } from './plan.ts';

/** What was broken, without names, times and counts: the same fault in another history reads the same. */
export function kindOfViolation(text: string): string {
  return text
    .replace(/^[\d.]+ s: /, '')
    .replace(/(node|op|app)-[\w-]+/g, '$1')
    .replace(/\d+/g, 'N')
    .split(':')[0] as string;
}

/** The shortest history found that breaks the same promise: parts of the plan are left out for as long as it does. */
export async function shrink(plan: Plan, kind: string, patienceMs = 60_000): Promise<Plan> {
  const end = performance.now() + patienceMs;
  let best = plan;
  for (let improved = true; improved;) {
    improved = false;
    for (const smaller of smallerThan(best)) {
      if (performance.now() > end) return best;
      // oxlint-disable-next-line no-await-in-loop -- each try starts from the best so far
      if (!(await breaks(smaller, kind))) continue;
      best = smaller;
      improved = true;
      break;
    }
  }
  return best;
}

async function breaks(plan: Plan, kind: string): Promise<boolean> {
  const { violations } = await new History(plan).run();
  return violations.some((text) => kindOfViolation(text) === kind);
}

function* smallerThan(plan: Plan): Generator<Plan> {
  const half = Math.ceil(plan.events.length / 2);
  if (half > 1) {
    yield { ...plan, events: plan.events.slice(half) };
    yield { ...plan, events: plan.events.slice(0, half) };
  }
  for (const part of ['events', 'ops', 'nodes'] as const) {
    for (let i = 0; i < plan[part].length; i += 1) {
      const list: readonly unknown[] = plan[part];
      const rest = list.filter((_, at) => at !== i);
      if (part === 'events' || rest.length > 0) yield { ...plan, [part]: rest };
    }
  }
  for (const [i, op] of plan.ops.entries()) {
    for (const key of Object.keys(op.spec)) {
      if (key === 'image' || key === 'command') continue;
      const spec = Object.fromEntries(Object.entries(op.spec).filter(([name]) => name !== key));
      yield { ...plan, ops: plan.ops.with(i, { ...op, spec }) };
    }
  }
}
