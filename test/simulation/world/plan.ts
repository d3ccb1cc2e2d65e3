import type { Behaviour, Make } from './machine.ts';
import type { GitFault } from './repository.ts';
import { Random } from './random.ts';

/** A history as data, so that it can be printed, repeated and made shorter. All times in milliseconds from its beginning. */
export interface Plan {
  seed: number;
  /** Runs come from a repository; otherwise people create NodeOps themselves. */
  repository: boolean;
  nodes: readonly NodePlan[];
  ops: readonly OpPlan[];
  events: readonly Event[];
}

export interface NodePlan {
  name: string;
  zone: string;
  make: Make;
  command: Behaviour;
  preflight: Behaviour;
  /** A pod with a controller runs on it. */
  workload: boolean;
  /** Somebody looks at the node while the command runs, with a pod that no drain would take away (`kubectl debug node`). */
  visitor?: boolean;
}

export interface OpPlan {
  at: number;
  name: string;
  spec: Record<string, unknown>;
}

export type Event = { at: number } & (
  | { kind: 'kill' | 'pause'; replica: number; ms: number }
  | { kind: 'stop'; replica: number; ms: number }
  /** Killed right after so many of its writes took effect. */
  | { kind: 'write'; replica: number; count: number; ms: number }
  | { kind: 'clock'; replica: number; byMs: number }
  | { kind: 'api'; what: ApiFault; ms: number; share: number }
  | { kind: 'git'; what: GitFault; replica: number; ms: number }
  | { kind: 'watches'; what: 'cut' | 'lag' | 'silent'; ms: number }
  | { kind: 'node'; what: 'down' | 'gone' | 'replaced' | 'reboot'; node: string; ms: number }
  | {
      kind: 'people';
      what: 'cordon' | 'uncordon' | 'delete' | 'cancel' | 'suspend' | 'hold' | 'copy' | 'revert';
      on: string;
      ms: number;
    }
);

export type ApiFault =
  | 'away'
  | 'error'
  | 'slow'
  | 'answer lost'
  | 'conflict'
  | 'throttled'
  | 'queued'
  | 'unauthorized';

const API_FAULTS: readonly ApiFault[] = [
  'away',
  'error',
  'slow',
  'answer lost',
  'conflict',
  'throttled',
  'queued',
  'unauthorized',
];

const GIT_FAULTS: readonly GitFault[] = [
  'away',
  'refused',
  'rewritten',
  'results removed',
  'clone lost',
  'clone corrupt',
  'locked',
];

/** Faults begin within this time. */
const TROUBLE_MS = 10 * 60_000;

/** @param repository whether runs come from Git, which is much slower to simulate */
export function planOf(seed: number, repository = false): Plan {
  const random = new Random(seed);
  const count = random.pick([1, 2, 3, 3, 4, 5, 8]);
  const nodes = Array.from({ length: count }, (_, i) => nodePlan(random, i + 1));
  const ops = Array.from({ length: random.pick([1, 1, 1, 2, 2, 3]) }, (_, i) => opPlan(random, i, nodes));
  const names = { nodes: nodes.map(({ name }) => name), ops: ops.map(({ name }) => name) };
  const events = Array.from({ length: random.pick([0, 1, 2, 4, 8, 16]) }, () =>
    eventPlan(random, names, repository),
  );
  events.sort((a, b) => a.at - b.at);
  return { seed, repository, nodes, ops, events };
}

/** More than the agent makes for two nodes. */
const WRITES = 24;
const QUICK: Behaviour = { startMs: 300, runMs: 1_000, exitCode: 0 };

/** Rollouts of all kinds in which the agent is killed after one write: `index` counts kinds and writes, and from then on the same with requests that are lost. */
export function sweepOf(index: number): Plan {
  const specs = [
    {},
    { cordon: true, preflight: { command: ['check'] } },
    { drainOptions: { enabled: true, timeoutSeconds: 120 } },
    {
      drainOptions: { enabled: true, timeoutSeconds: 120 },
      rebootOnSuccess: true,
      rebootTimeoutSeconds: 120,
    },
  ];
  const kind = index % specs.length;
  const count = 1 + (Math.floor(index / specs.length) % WRITES);
  const kill: Event = { at: 500, kind: 'write', replica: 0, count, ms: 500 };
  const away: Event = { at: 2_000, kind: 'api', what: 'away', ms: 120_000, share: 0.3 };
  const nodes = [1, 2].map((i) => ({
    name: `node-${i}`,
    zone: 'zone-1',
    make: { bootMs: 5_000, lagMs: 10, reboots: 'once' as const, endMs: 500 },
    command: {
      ...QUICK,
      runMs: index % 3 === 0 ? 60_000 : 1_000,
      ...(index % 7 === 6 ? { breaksMs: 200_000 } : {}),
    },
    preflight: QUICK,
    workload: true,
    visitor: true,
  }));
  const spec = { image: 'alpine:3.20', command: ['flash'], concurrency: 1, backoffLimit: 0, ...specs[kind] };
  const ops = [{ at: 1_000, name: 'op-1', spec }];
  return {
    seed: index,
    repository: false,
    nodes,
    ops,
    events: index < specs.length * WRITES ? [kill] : [kill, away],
  };
}

function nodePlan(random: Random, index: number): NodePlan {
  return {
    name: `node-${index}`,
    zone: `zone-${index % 2}`,
    make: {
      bootMs: random.pick([500, 5_000, 20_000, 60_000]),
      lagMs: random.pick([0, 0, 10, 200, 3_000]),
      reboots: random.pick(['once', 'once', 'once', 'once', 'never', 'twice']),
      endMs: random.pick([0, 500, 8_000]),
    },
    command: {
      startMs: random.pick([0, 300, 5_000]),
      runMs: random.pick([0, 100, 2_000, 30_000]),
      exitCode: random.chance(0.2) ? 3 : 0,
      message: 'flashing\nwrite-protected',
      neverStarts: random.chance(0.05),
      hangs: random.chance(0.04),
      reboots: random.chance(0.05),
      ...(random.chance(0.05) ? { breaksMs: random.pick([60_000, 400_000, 1_500_000]) } : {}),
    },
    preflight: {
      startMs: 100,
      runMs: random.pick([0, 1_000]),
      exitCode: random.chance(0.1) ? 1 : 0,
      message: random.chance(0.2) ? 'up to date' : '',
    },
    workload: random.chance(0.5),
    visitor: random.chance(0.1),
  };
}

function opPlan(random: Random, index: number, nodes: readonly NodePlan[]): OpPlan {
  const drain = random.chance(0.4);
  const hangs = nodes.some(({ command }) => command.hangs === true);
  return {
    at: index === 0 ? 1_000 : random.between(0, 120_000),
    name: `op-${index + 1}`,
    spec: {
      image: 'alpine:3.20',
      command: ['sh', '-c', 'flash'],
      concurrency: random.between(0, Math.min(3, nodes.length)),
      stopOnFailure: random.chance(0.3),
      rebootOnSuccess: random.chance(0.4),
      rebootTimeoutSeconds: random.pick([30, 120, 600]),
      startTimeoutSeconds: random.pick([60, 600]),
      ...(hangs || random.chance(0.7) ? { activeDeadlineSeconds: random.pick([60, 600]) } : {}),
      nodeReadyTimeoutSeconds: random.pick([60, 300]),
      backoffLimit: random.pick([0, 0, 2]),
      soakSeconds: random.pick([0, 0, 10]),
      uncordonOnFailure: random.chance(0.3),
      ...(drain ? { drainOptions: { enabled: true, timeoutSeconds: 120 } } : { cordon: random.chance(0.5) }),
      ...(random.chance(0.3) ? { preflight: { command: ['check'], activeDeadlineSeconds: 60 } } : {}),
      ...(random.chance(0.2) ? { topologyKey: 'zone' } : {}),
    },
  };
}

function eventPlan(
  random: Random,
  { nodes, ops }: { nodes: string[]; ops: string[] },
  repository: boolean,
): Event {
  const at = random.between(0, TROUBLE_MS);
  const replica = random.between(0, 1);
  const short = random.pick([10, 500, 5_000, 30_000]);
  const long = random.pick([5_000, 20_000, 90_000, 400_000]);
  switch (random.between(0, repository ? 9 : 7)) {
    case 0:
      if (random.chance(0.5)) return { at, kind: 'write', replica, count: random.between(1, 8), ms: short };
      return { at, kind: 'kill', replica, ms: short };
    case 1:
      return { at, kind: 'pause', replica, ms: long };
    case 2:
      return { at, kind: 'stop', replica, ms: short };
    case 3:
      return { at, kind: 'clock', replica, byMs: random.pick([-3_600_000, -90_000, 90_000, 3_600_000]) };
    case 4:
      return { at, kind: 'api', what: random.pick(API_FAULTS), ms: long, share: random.pick([0.1, 0.5, 1]) };
    case 5:
      return { at, kind: 'watches', what: random.pick(['cut', 'lag', 'silent']), ms: long };
    case 6:
      return {
        at,
        kind: 'node',
        what: random.pick(['down', 'gone', 'replaced', 'reboot']),
        node: random.pick(nodes),
        ms: long,
      };
    case 8:
      return { at, kind: 'git', what: random.pick(GIT_FAULTS), replica, ms: long };
    case 9:
      return { at, kind: 'people', what: 'revert', on: random.pick(ops), ms: long };
    default:
      return people(random, at, nodes, ops, long);
  }
}

function people(random: Random, at: number, nodes: string[], ops: string[], ms: number): Event {
  const what = random.pick(['cordon', 'uncordon', 'delete', 'cancel', 'suspend', 'hold', 'copy'] as const);
  const on = what === 'cordon' || what === 'uncordon' ? random.pick(nodes) : random.pick(ops);
  return { at, kind: 'people', what, on, ms };
}
