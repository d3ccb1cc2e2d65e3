import type { NodePlan, Plan } from '../plan.ts';
import { Random } from '../random.ts';
import { eventPlan } from './events.ts';
import { type Feature, type Mix, mixOf } from './mix.ts';
import { opPlan } from './operations.ts';

/** @param repository whether runs come from Git, which is much slower to simulate */
export function planOf(seed: number, repository = false): Plan {
  const random = new Random(seed);
  const mix = mixOf(random, repository);
  const { features, troubles } = mix;
  const nodes = Array.from({ length: nodeCount(random) }, (_, i) => nodePlan(random, i + 1, features));
  const howMany = features.has('others') ? random.pick([2, 2, 3]) : 1;
  const ops = Array.from({ length: howMany }, (_, i) => opPlan(random, i, nodes, features));
  const names = { nodes: nodes.map(({ name }) => name), ops: ops.map(({ name }) => name) };
  const length = troubles.length === 0 ? 0 : random.pick([1, 2, 3, 4, 6, 10]);
  const events = Array.from({ length }, () => eventPlan(random, mix, names));
  events.sort((a, b) => a.at - b.at);
  const replicas = random.pick([1, 2, 2] as const);
  const plan = { seed, repository, replicas, nodes, ops, events };
  return repository && random.chance(0.4) ? withSecond(plan, random.fork(), mix) : plan;
}

/** One more cluster with nodes of the same names, where the same things may happen; each run is one of both, or of one. */
function withSecond(plan: Plan, random: Random, mix: Mix): Plan {
  const count = random.pick([1, 2, 3]);
  const nodes = Array.from({ length: count }, (_, i) => nodePlan(random, i + 1, mix.features));
  const names = { nodes: nodes.map(({ name }) => name), ops: plan.ops.map(({ name }) => name) };
  const length = mix.troubles.length === 0 ? 0 : random.pick([0, 1, 2, 4]);
  const events = Array.from({ length }, () => eventPlan(random, mix, names)).toSorted((a, b) => a.at - b.at);
  const hangs = nodes.some(({ command }) => command.hangs === true);
  const ops = plan.ops.map((drawn) => {
    // What hangs there too has to end by itself some time.
    const op = hangs ? { ...drawn, spec: { activeDeadlineSeconds: 60, ...drawn.spec } } : drawn;
    const on = random.pick(['both', 'both', 'both', 'east', 'west'] as const);
    return on === 'both' ? op : { ...op, clusters: [on] };
  });
  return { ...plan, ops, second: { nodes, events }, knowsNoFilters: random.chance(0.5) };
}

/** Most mistakes show on a few nodes; a large cluster takes as long as many small ones. */
function nodeCount(random: Random): number {
  return random.chance(0.005) ? random.between(10, 40) : random.pick([1, 2, 2, 3, 3, 4, 6]);
}

function nodePlan(random: Random, index: number, features: ReadonlySet<Feature>): NodePlan {
  const fails = features.has('bad commands');
  const odd = features.has('odd machines');
  const image = features.has('bad images') ? 0.25 : 0;
  return {
    name: `node-${index}`,
    zone: `zone-${index % 2}`,
    make: {
      bootMs: random.pick([500, 5_000, 20_000, 60_000]),
      lagMs: features.has('slow kubelets') ? random.pick([0, 10, 200, 3_000, 20_000]) : 10,
      reboots: odd ? random.pick(['once', 'once', 'never', 'twice']) : 'once',
      endMs: random.pick(features.has('slow ends') ? [8_000, 20_000, 90_000] : [0, 500, 8_000]),
    },
    command: {
      startMs: random.pick([0, 300, 5_000]),
      runMs: random.pick(features.has('long commands') ? [8_000, 15_000, 30_000] : [0, 100, 2_000, 15_000]),
      exitCode: fails && random.chance(0.4) ? 3 : 0,
      message: 'flashing\nwrite-protected',
      neverStarts: random.chance(image),
      hangs: fails && random.chance(0.15),
      reboots: odd && random.chance(0.2),
      ...(odd && random.chance(0.2) ? { breaksMs: random.pick([60_000, 400_000, 1_500_000]) } : {}),
    },
    preflight: {
      startMs: 100,
      runMs: random.pick([0, 1_000, 10_000]),
      exitCode: fails && random.chance(0.2) ? 1 : 0,
      message: random.chance(0.2) ? 'up to date' : '',
      neverStarts: random.chance(image / 3),
    },
    reboot: {
      startMs: random.pick([0, 300, 5_000]),
      runMs: 1_000,
      exitCode: 0,
      neverStarts: random.chance(image),
    },
    postflight: {
      startMs: 100,
      runMs: random.pick([0, 1_000, 10_000]),
      exitCode: fails && random.chance(0.2) ? 1 : 0,
      neverStarts: random.chance(image / 3),
    },
    workload: random.chance(0.5),
    visitor: random.chance(0.1),
  };
}
