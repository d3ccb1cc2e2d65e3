import { DISK_FAULTS } from './disks.ts';
import type { Behaviour, Make } from './machine.ts';
import type { Mark } from './moments.ts';
import type { GitFault } from './repository.ts';

/** A history as data, so that it can be printed, repeated and made shorter. All times in milliseconds from its beginning. */
export interface Plan {
  seed: number;
  /** Runs come from a repository; otherwise people create NodeOps themselves. */
  repository: boolean;
  /** How many agents there are; two when absent. */
  replicas?: 1 | 2;
  nodes: readonly NodePlan[];
  ops: readonly OpPlan[];
  events: readonly Event[];
  /** Its host sends everything, so that clones lack nothing. */
  knowsNoFilters?: boolean;
  /** Another cluster that follows the same repository. */
  second?: SecondPlan;
  /** The operation that has to succeed whatever came before it. */
  wayBack?: string;
}

export interface SecondPlan {
  nodes: readonly NodePlan[];
  events: readonly Event[];
}

/** What one cluster has to know of a plan. */
export interface SitePlan {
  /** Its name, where there are several. */
  cluster?: ClusterName;
  replicas: number;
  nodes: readonly NodePlan[];
  ops: readonly OpPlan[];
  events: readonly Event[];
  /** Names of operations that people in another cluster take back. */
  reverted: readonly string[];
}

const CLUSTERS = ['east', 'west'] as const;
export type ClusterName = (typeof CLUSTERS)[number];

/** The clusters of a plan. */
export function sitesOf(plan: Plan): SitePlan[] {
  const { repository, nodes, ops, events, second } = plan;
  const replicas = repository ? 2 : (plan.replicas ?? 2);
  if (second === undefined) return [{ replicas, nodes, ops, events, reverted: [] }];
  const [east, west] = CLUSTERS;
  return [
    { cluster: east, replicas, nodes, ops, events, reverted: revertsIn(second.events) },
    { cluster: west, replicas, nodes: second.nodes, ops, events: second.events, reverted: revertsIn(events) },
  ];
}

function revertsIn(events: readonly Event[]): string[] {
  return events.flatMap((event) => (event.kind === 'people' && event.what === 'revert' ? [event.on] : []));
}

/** Whether the run is one of that cluster. */
export function isFor({ clusters }: Pick<OpPlan, 'clusters'>, cluster: ClusterName | undefined): boolean {
  return cluster === undefined || clusters === undefined || clusters.includes(cluster);
}

export interface NodePlan {
  name: string;
  zone: string;
  make: Make;
  command: Behaviour;
  preflight: Behaviour;
  postflight?: Behaviour;
  reboot?: Behaviour;
  /** A pod with a controller runs on it. */
  workload: boolean;
  /** Somebody looks at the node while the command runs, with a pod that no drain would take away (`kubectl debug node`). */
  visitor?: boolean;
}

export interface OpPlan {
  at: number;
  /** Asked for `at` milliseconds after all before it are over. */
  next?: boolean;
  name: string;
  spec: Record<string, unknown>;
  /** On which clusters it is to be carried out; all when absent. */
  clusters?: readonly ClusterName[];
  /** The annotation with the window in which its nodes may be started. */
  window?: string;
}

/** Something happens `at` milliseconds after the beginning, or after the moment where there is one. */
export type Event = { at: number; after?: Moment } & EventKind;

/** The so-manieth time that something was seen. */
export interface Moment {
  mark: Mark;
  nth: number;
}

export type EventKind =
  | { kind: 'kill' | 'pause' | 'stop'; replica: Who; ms: number }
  /** One write of an agent, counted from then on. */
  | { kind: 'write'; replica: Who; count: number; how: WriteFault; ms: number }
  | { kind: 'clock'; replica: Who; byMs: number }
  | { kind: 'api'; what: ApiFault; ms: number; share: number }
  | { kind: 'git'; what: GitFault; replica: number; ms: number }
  | { kind: 'watches'; what: WatchFault; ms: number; of?: Watched }
  /** The API server is away for `ms`, and comes back as things were `ageMs` before it went. */
  | { kind: 'etcd'; ageMs: number; ms: number }
  | { kind: 'node'; what: NodeFault; node: string; ms: number }
  | { kind: 'people'; what: Deed; on: string; ms: number };

export type Who = 0 | 1 | 'leader';

/** In place of the name of a node: the one that a NodeOp works on by then. */
export const IN_FLIGHT = 'in flight';

/**
 * `after` and `before` it takes effect the agent is killed; `held`: it waits in the server while its sender is killed, paused, or told to
 * stop, or while the connection between them is cut.
 */
export type WriteFault =
  | 'killed after'
  | 'killed before'
  | 'answer lost'
  | 'held and killed'
  | 'held and paused'
  | 'held and stopped'
  | 'held and cut';

/**
 * `gap`: they are cut, and nothing is told until all is listed anew: what came between is never seen. `expired`: they are cut, and
 * the server remembers nothing of what was before (410). `bookmarks`: nothing else comes for a while, and they say nothing new.
 */
export type WatchFault = 'cut' | 'lag' | 'silent' | 'gap' | 'expired' | 'bookmarks';
export type Watched = 'pods' | 'jobs' | 'nodes' | 'nodeops';

/** `kubelet`: it does not do or tell anything for a while, though what runs goes on. */
export type NodeFault = 'down' | 'gone' | 'replaced' | 'reboot' | 'kubelet' | 'flapping';

/** `old lists`: they arrive late, and say how things were. `no NodeOps`: none may be made, by a quota or a webhook. */
export const API_FAULTS = [
  'away',
  'error',
  'slow',
  'answer lost',
  'conflict',
  'throttled',
  'queued',
  'old lists',
  'unauthorized',
] as const;
export type ApiFault = (typeof API_FAULTS)[number] | 'no NodeOps';

export const GIT_FAULTS: readonly GitFault[] = [
  'away',
  'refused',
  'rewritten',
  'results removed',
  ...DISK_FAULTS,
  'went back',
  'reports edited',
  'answer lost',
];

/** What people do to a node, to what runs on it, or to a NodeOp. */
export const DEEDS = {
  node: ['cordon', 'uncordon', 'delete pod', 'delete job'],
  op: ['delete', 'cancel', 'suspend', 'hold', 'copy'],
} as const;
export type Deed = (typeof DEEDS)['node' | 'op'][number] | 'revert' | 'restore';
