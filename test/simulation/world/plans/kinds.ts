import { windowOf } from '../oracles/windows.ts';
import type { Behaviour, Make } from '../machine.ts';
import type { Event, NodePlan, OpPlan, Plan } from '../plan.ts';

const MAKE: Make = { bootMs: 5_000, lagMs: 10, reboots: 'once', endMs: 500 };
const QUICK: Behaviour = { startMs: 300, runMs: 1_000, exitCode: 0 };
/** Long enough that no agent that was lost makes any of them run out. */
const PATIENT = {
  image: 'alpine:3.20',
  command: ['flash'],
  concurrency: 1,
  backoffLimit: 0,
  rebootTimeoutSeconds: 600,
  startTimeoutSeconds: 600,
};
const DRAIN = { drainOptions: { enabled: true, timeoutSeconds: 600 } };
const PREFLIGHT = { preflight: { command: ['check'], activeDeadlineSeconds: 600 } };

interface Kind {
  spec?: Record<string, unknown>;
  window?: string;
  /** When it is asked for. */
  at?: number;
  node?: (index: number) => Partial<NodePlan>;
  others?: OpPlan[];
  events?: Event[];
  /** It may end otherwise when it is disturbed: another one comes first, people do something at another moment of it, or what was too late is in time. */
  varies?: boolean;
}

const on1 = (plan: Partial<NodePlan>) => (index: number) => (index === 1 ? plan : {});
const people = (what: 'cancel' | 'delete' | 'hold' | 'suspend', ms = 60_000): Event => {
  const after = { mark: 'command starts', nth: 1 } as const;
  return { at: 200, after, kind: 'people', what, on: 'op-1', ms };
};

/** Undisturbed rollouts of each kind: two nodes, one after the other. */
export const KINDS: Readonly<Record<string, Kind>> = {
  plain: {},
  cordon: { spec: { cordon: true } },
  drain: { spec: DRAIN },
  'not drained': {
    spec: { drainOptions: { enabled: true, timeoutSeconds: 10 } },
    node: on1({ make: { ...MAKE, endMs: 45_000 } }),
    varies: true,
  },
  preflight: { spec: { ...PREFLIGHT, cordon: true } },
  skipped: { spec: PREFLIGHT, node: on1({ preflight: { ...QUICK, message: 'up to date' } }) },
  reboot: { spec: { rebootOnSuccess: true } },
  'not back': {
    spec: { rebootOnSuccess: true, rebootTimeoutSeconds: 60 },
    node: on1({ make: { ...MAKE, reboots: 'never' } }),
  },
  postflight: {
    spec: { cordon: true, postflight: { command: ['check'], activeDeadlineSeconds: 600 } },
    node: on1({ postflight: { ...QUICK, exitCode: 1 } }),
  },
  steps: { spec: { cordon: true, steps: [{ name: 'canary', upTo: 1, soakSeconds: 10 }] } },
  'watched to the end': {
    spec: {
      steps: [
        { name: 'canary', upTo: 1, soakSeconds: 30 },
        { name: 'all', upTo: '100%', soakSeconds: 30 },
      ],
    },
  },
  whole: { spec: { ...PREFLIGHT, ...DRAIN, rebootOnSuccess: true, soakSeconds: 5 } },
  failing: { spec: { cordon: true }, node: on1({ command: { ...QUICK, exitCode: 3 } }) },
  stopping: {
    spec: { ...DRAIN, stopOnFailure: true, uncordonOnFailure: true },
    node: on1({ command: { ...QUICK, exitCode: 3 } }),
  },
  refused: { spec: { ...PREFLIGHT, ...DRAIN }, node: on1({ preflight: { ...QUICK, exitCode: 1 } }) },
  retried: { spec: { backoffLimit: 2 }, node: on1({ command: { ...QUICK, exitCode: 3 } }) },
  'reboots itself': { spec: { cordon: true }, node: on1({ command: { ...QUICK, reboots: true } }) },
  cancelled: { spec: { ...DRAIN, rebootOnSuccess: true }, events: [people('cancel')] },
  deleted: { spec: { cordon: true }, events: [people('delete')] },
  held: { spec: { cordon: true }, events: [people('hold')] },
  suspended: { spec: DRAIN, events: [people('suspend')] },
  'one after another': {
    spec: { cordon: true },
    node: on1({ command: { ...QUICK, exitCode: 3 } }),
    others: [{ at: 1_500, name: 'op-2', spec: { ...PATIENT, cordon: true } }],
    varies: true,
  },
  'handed over': {
    spec: { cordon: true },
    node: on1({ command: { ...QUICK, runMs: 10_000, exitCode: 3 } }),
    others: [{ at: 1_500, name: 'op-2', spec: { ...PATIENT, cordon: true } }],
    varies: true,
    // The first has failed on the node and left it cordoned; the second works there.
    events: [
      {
        at: 3_000,
        after: { mark: 'command starts', nth: 2 },
        kind: 'people',
        what: 'delete',
        on: 'op-1',
        ms: 0,
      },
      {
        at: 3_000,
        after: { mark: 'command starts', nth: 3 },
        kind: 'people',
        what: 'delete',
        on: 'op-1',
        ms: 0,
      },
    ],
  },
  'deleted under another': {
    spec: { cordon: true },
    node: on1({ command: { ...QUICK, runMs: 3_000, exitCode: 3 } }),
    others: [{ at: 8_000, name: 'op-2', spec: { ...PATIENT, cordon: true } }],
    varies: true,
    events: [3, 4].map((nth) => ({
      at: 500,
      after: { mark: 'command starts', nth },
      kind: 'people',
      what: 'delete',
      on: 'op-1',
      ms: 0,
    })),
  },
  'stopped in mid-drain': {
    spec: DRAIN,
    varies: true,
    events: [
      { at: 0, after: { mark: 'cordon', nth: 1 }, kind: 'api', what: 'away', ms: 60_000, share: 1 },
      { at: 6_000, after: { mark: 'cordon', nth: 1 }, kind: 'stop', replica: 'leader', ms: 1_000 },
    ],
  },
  'not Ready in short windows': {
    spec: { nodeReadyTimeoutSeconds: 300 },
    window: windowOf(3, 1),
    at: 45_000,
    varies: true,
    events: [{ at: 0, kind: 'node', what: 'down', node: 'node-2', ms: 8 * 3_600_000 }],
  },
  restored: {
    spec: { cordon: true },
    events: [
      {
        at: 5_000,
        after: { mark: 'NodeOp over', nth: 1 },
        kind: 'people',
        what: 'restore',
        on: 'op-1',
        ms: 60_000,
      },
    ],
  },
};

/** Two NodeOps of these kinds on the same nodes, the second asked for while the first is at work; people leave that one alone. */
export function planOfBoth(first: string, second: string): Plan {
  const plan = planOfKind(first);
  const { spec, window } = KINDS[second] ?? {};
  const name = `op-${plan.ops.length + 1}`;
  const other = {
    at: 2_000,
    name,
    spec: { ...PATIENT, ...spec },
    ...(window === undefined ? {} : { window }),
  };
  return { ...plan, ops: [...plan.ops, other] };
}

export function planOfKind(kind: string): Plan {
  const { spec, window, at = 1_000, node, others = [], events = [] } = KINDS[kind] ?? {};
  const nodes = [1, 2].map((i) => ({
    name: `node-${i}`,
    zone: 'zone-1',
    make: MAKE,
    // On the second the image is there already: nothing is left of the time in which an agent could take it back.
    command: { ...QUICK, startMs: i === 2 ? 0 : QUICK.startMs, runMs: 3_000 },
    preflight: QUICK,
    workload: true,
    visitor: true,
    ...node?.(i),
  }));
  const first = { at, name: 'op-1', spec: { ...PATIENT, ...spec } };
  const ops = [window === undefined ? first : { ...first, window }, ...others];
  return { seed: 1, repository: false, nodes, ops, events };
}
