import type { ClusterName, Event, Plan } from '../plan.ts';
import type { Place } from './sieve.ts';

/** Longer than from one poll to the next. */
const LONG = { startMs: 300, runMs: 40_000, exitCode: 0 };
const MINUTE_MS = 60_000;
/** Given up for good, though it could be made later on. */
const NOTHING_BEGAN = 'node-1 ; node-2 ';

const over = { mark: 'NodeOp over', nth: 1 } as const;
const begun = { mark: 'command starts', nth: 1 } as const;
const cleanedUp: Event = { at: 90_000, after: over, kind: 'people', what: 'delete', on: 'op-1', ms: 0 };
const restarted: Event[] = [0, 1].map((replica) => ({
  at: 150_000,
  after: over,
  kind: 'kill',
  replica: replica === 0 ? 0 : 1,
  ms: 1_000,
}));

const REFUSED = 'no NodeOp may be made';
/** What people, hosts and mirrors do to a repository while a run goes on, or after it. */
const HISTORIES: Readonly<Record<string, Event[]>> = {
  undisturbed: [],
  'the NodeOp is cleaned up, the report edited, the agent started anew': [
    cleanedUp,
    { at: 91_000, after: over, kind: 'git', what: 'reports edited', replica: 0, ms: 0 },
    ...restarted,
  ],
  'the report is edited as if all were well, while the run goes on and again after it': [
    { at: 100, after: begun, kind: 'git', what: 'reports edited', replica: 0, ms: 1_000 },
    { at: 60_000, after: over, kind: 'git', what: 'reports edited', replica: 0, ms: 3_000 },
    { at: 91_000, after: over, kind: 'git', what: 'reports edited', replica: 0, ms: 1_000 },
  ],
  'the reports are removed, the NodeOp cleaned up, the clone lost': [
    cleanedUp,
    { at: 120_000, after: over, kind: 'git', what: 'results removed', replica: 0, ms: 0 },
    { at: 149_000, after: over, kind: 'git', what: 'clone lost', replica: 0, ms: 0 },
    { at: 149_000, after: over, kind: 'git', what: 'clone lost', replica: 1, ms: 0 },
    ...restarted,
  ],
  'the NodeOp is deleted while nothing can be pushed': [
    { at: 100, after: begun, kind: 'git', what: 'away', replica: 0, ms: 180_000 },
    { at: 2_000, after: begun, kind: 'people', what: 'delete', on: 'op-1', ms: 0 },
  ],
  'pushes are refused from before the start on': [
    { at: 1_500, kind: 'git', what: 'refused', replica: 0, ms: 180_000 },
  ],
  [REFUSED]: [{ at: 500, kind: 'api', what: 'no NodeOps', ms: 20 * MINUTE_MS, share: 1 }],
  'a mirror lags behind what was merged': [
    { at: 500, after: begun, kind: 'git', what: 'went back', replica: 0, ms: 90_000 },
  ],
  'history is rewritten, and the report is not in it any more': [
    { at: 60_000, after: over, kind: 'git', what: 'rewritten', replica: 0, ms: 0 },
  ],
  'history is rewritten while the run goes on': [
    { at: 100, after: begun, kind: 'git', what: 'rewritten', replica: 0, ms: 0 },
  ],
  'the repository is away twice at a time, and comes back as it was earlier': [
    { at: 100, after: begun, kind: 'git', what: 'away', replica: 0, ms: 90_000 },
    { at: 20_000, after: begun, kind: 'git', what: 'away', replica: 0, ms: 30_000 },
    { at: 30_000, after: begun, kind: 'git', what: 'went back', replica: 0, ms: 100_000 },
  ],
  'the run is taken back': [{ at: 500, after: begun, kind: 'people', what: 'revert', on: 'op-1', ms: 0 }],
};

export function repositoryPlaces(): Place[] {
  const single = Object.entries(HISTORIES).map(([name, events]) => ({
    name: `repository: ${name}`,
    plan: planWith(events),
    ...(name === REFUSED ? { end: NOTHING_BEGAN } : {}),
  }));
  return [...single, ...clusterPlaces()];
}

/** Two clusters, whose agents push at the same time; one run is of both, and one of each of them alone. */
function clusterPlaces(): Place[] {
  const { ops, ...rest } = planWith([]);
  const { nodes } = rest;
  const [op] = ops;
  if (op === undefined) return [];
  const shared = { ...rest, ops: [op, { ...op, name: 'op-2', at: 1_500 }], second: { nodes, events: [] } };
  const own = (name: string, at: number, cluster: ClusterName) => ({ ...op, name, at, clusters: [cluster] });
  const apart = [op, own('op-2', 1_500, 'east'), own('op-3', 2_000, 'west')];
  return [
    { name: 'two clusters: both carry out both runs', plan: shared },
    {
      name: 'two clusters: both carry out both runs, on a host that knows no filters',
      plan: { ...shared, knowsNoFilters: true },
    },
    { name: 'two clusters: one run is of both, one of each', plan: { ...shared, seed: 8, ops: apart } },
    {
      name: 'two clusters: history is rewritten while both push',
      plan: {
        ...shared,
        seed: 10,
        events: [{ at: 500, after: begun, kind: 'git', what: 'rewritten', replica: 0, ms: 0 }],
      },
    },
    {
      name: 'two clusters: an agent is gone for a while',
      plan: {
        ...shared,
        seed: 9,
        events: [{ at: 100, after: begun, kind: 'kill', replica: 'leader', ms: 60_000 }],
      },
    },
  ];
}

function planWith(events: Event[]): Plan {
  const nodes = [1, 2].map((i) => ({
    name: `node-${i}`,
    zone: 'zone-1',
    make: { bootMs: 5_000, lagMs: 10, reboots: 'once' as const, endMs: 500 },
    command: LONG,
    preflight: LONG,
    workload: false,
  }));
  const spec = { image: 'alpine:3.20', command: ['flash'], concurrency: 1, backoffLimit: 0, cordon: true };
  return { seed: 7, repository: true, nodes, ops: [{ at: 1_000, name: 'op-1', spec }], events };
}
