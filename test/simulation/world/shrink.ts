import type { Plan, SecondPlan } from './plan.ts';
import { judge, type Trial } from './trial.ts';

/** What was broken, without names, times and counts: the same fault in another history reads the same. */
export function kindOfViolation(text: string): string {
  return text
    .replace(/^[\d.]+ s: /, '')
    .replace(/(node|op|app)-[\w-]+/g, '$1')
    .replace(/\d+/g, 'N')
    .split(':')[0] as string;
}

/** The shortest history found that breaks the same promise: parts of the plan are left out for as long as it does. */
export async function shrink(trial: Trial, kind: string, patienceMs = 60_000): Promise<Trial> {
  const end = performance.now() + patienceMs;
  let best = trial;
  for (let improved = true; improved;) {
    improved = false;
    for (const plan of smallerThan(best.plan, trial.end !== undefined)) {
      if (performance.now() > end) return best;
      const smaller = { ...trial, plan };
      // oxlint-disable-next-line no-await-in-loop -- each try starts from the best so far
      if (!(await breaks(smaller, kind))) continue;
      best = smaller;
      improved = true;
      break;
    }
  }
  return best;
}

async function breaks(trial: Trial, kind: string): Promise<boolean> {
  const { violations } = await judge(trial, true);
  return violations.some((text) => kindOfViolation(text) === kind);
}

/** @param onlyEvents where the end is compared with that of another rollout: all else has to stay as it is there */
function* smallerThan(plan: Plan, onlyEvents: boolean): Generator<Plan> {
  if (plan.second) yield* withoutSecond(plan, plan.second);
  const half = Math.ceil(plan.events.length / 2);
  if (half > 1) {
    yield { ...plan, events: plan.events.slice(half) };
    yield { ...plan, events: plan.events.slice(0, half) };
  }
  for (const part of ['events', 'ops', 'nodes'] as const) {
    if (onlyEvents && part !== 'events') continue;
    for (let i = 0; i < plan[part].length; i += 1) {
      const list: readonly unknown[] = plan[part];
      const rest = list.filter((_, at) => at !== i);
      if (part === 'events' || rest.length > 0) yield { ...plan, [part]: rest };
    }
  }
  if (!onlyEvents) yield* plainer(plan);
}

/** Of one cluster alone, or with less in the second. */
function* withoutSecond(plan: Plan, second: SecondPlan): Generator<Plan> {
  const { second: _, ...one } = plan;
  yield one;
  for (const part of ['events', 'nodes'] as const) {
    const list: readonly unknown[] = second[part];
    if (part === 'nodes' && list.length < 2) continue;
    for (const i of list.keys()) yield { ...plan, second: { ...second, [part]: list.toSpliced(i, 1) } };
  }
}

/** Without options of the operations and oddities of the nodes. */
function* plainer(plan: Plan): Generator<Plan> {
  for (const [i, op] of plan.ops.entries()) {
    for (const key of Object.keys(op.spec)) {
      if (key === 'image' || key === 'command') continue;
      const spec = Object.fromEntries(Object.entries(op.spec).filter(([name]) => name !== key));
      yield { ...plan, ops: plan.ops.with(i, { ...op, spec }) };
    }
  }
  for (const [i, node] of plan.nodes.entries()) {
    const plain = { ...node, make: { bootMs: 5_000, lagMs: 10, reboots: 'once', endMs: 500 } } as const;
    const quick = { startMs: 300, runMs: 1_000, exitCode: 0 };
    const { reboot: _, ...rest } = node;
    for (const simpler of [
      plain,
      rest,
      { ...node, command: quick },
      { ...node, preflight: quick },
      { ...node, workload: false },
      { ...node, visitor: false },
    ])
      if (JSON.stringify(simpler) !== JSON.stringify(node))
        yield { ...plan, nodes: plan.nodes.with(i, simpler) };
  }
  if (plan.replicas !== 1) yield { ...plan, replicas: 1 };
}
