import type { KubeObject } from '../api/kubernetes.ts';
import type { NodeOp, NodeOpStatus } from '../api/nodeop.ts';
import type { NodeOpReport } from '../api/report.ts';
import type { CheckKind } from './checks/news.ts';
import type { LedgerPart } from './runs/ledger.ts';

/**
 * Time, and the chance that only ever varies how long is waited. Whatever waits or tells the time takes one, so that the
 * agent as a whole can be run on another time than the machine's.
 */
export interface Clock {
  /** Epoch milliseconds as the machine is set. For what people wrote, and for what is put on record; never for waits. */
  wall: () => number;
  /**
   * Milliseconds that pass, whatever becomes of the wall clock: for waits, gaps and time-outs. They count from the epoch as
   * it was when the process began, so that they are of the size of a stamp.
   */
  steady: () => number;
  /** Calls once, that many milliseconds later; a wait may be of any length. Returns the way to cancel. */
  after: (ms: number, call: () => void) => () => void;
  /** From 0 to less than 1. */
  random: () => number;
}

/**
 * Calls at the times of a cron expression with seconds, each up to `jitterMs` later, and never before the last call is over.
 * Returns the way to stop.
 */
export type Timetable = (expression: string, jitterMs: number, task: () => Promise<void>) => () => void;

/**
 * What the repository loop needs of the cluster. Implemented in `kube/`; tests may use the embedded
 * cluster through the same implementation.
 */
export interface NodeOpStore {
  readonly ledger: LedgerStore;
  /** Why none may be made here now. */
  obstacle?(): string | undefined;
  /** All NodeOps of the watched namespaces, from the synced cache. */
  list(): NodeOp[];
  /** Fresh from the API server; undefined when it does not exist. */
  get(namespace: string, name: string): Promise<NodeOp | undefined>;
  /** Creates it, or answers 'exists' when the name is taken. */
  create(manifest: KubeObject & { spec: unknown }): Promise<NodeOp | 'exists'>;
  /** JSON merge patch of metadata and spec. */
  patch(namespace: string, name: string, patch: object): Promise<NodeOp>;
  /** Replaces the status of the very object that was read; fails when somebody has changed it since. */
  putStatus(nodeOp: NodeOp, status: NodeOpStatus): Promise<NodeOp>;
  /** Called after any NodeOp was added, changed or removed. Returns the way to stop listening. */
  onChange(listener: () => void): () => void;
  /** The last lines of a node's newest container log, of them the first bytes; undefined when it is gone. */
  log(nodeOp: NodeOp, node: string, limit: { lines: number; bytes: number }): Promise<string | undefined>;
}

/** Where a cluster remembers what began in it. Each throws InvalidError when a right is missing. */
export interface LedgerStore {
  /** What no other cluster has, and this one never loses: the UID of its namespace kube-system. */
  identity(): Promise<string>;
  /** All parts, fresh from the API server. */
  read(): Promise<LedgerPart[]>;
  /** Makes it, or writes the keys that are given; answers how it is now, or 'conflict' when it is not as it was read. */
  write(part: LedgerPart): Promise<LedgerPart | 'conflict'>;
  remove(name: string): Promise<void>;
}

/** Where a cluster remembers what receivers of notifications were told: a part a receiver, by its name. */
export interface NotifyStore {
  /** The part of a receiver, fresh from the API server. Throws InvalidError when a right is missing. */
  read(name: string): Promise<LedgerPart | undefined>;
  /** Makes it, or writes the keys that are given (null removes one); answers how it is now, or 'conflict' when it is not as it was read. */
  write(part: {
    name: string;
    version?: string | undefined;
    data: Readonly<Record<string, string | null>>;
  }): Promise<LedgerPart | 'conflict'>;
}

/**
 * Told of reports once they are in the repository: when the loop first reads it, of those that are not final and the
 * newest others; then of each one that was pushed, and, as `Waiting`, of those that the host does not take. Must not throw, nor keep the loop waiting.
 */
export type ReportListener = (reports: readonly NodeOpReport[]) => void;

/** What the loops count as it happens. Implemented by the metrics; ignored where nobody asks for them. */
export interface Telemetry {
  /** The API server answered with that status code, or not at all (0). */
  apiRequest: (verb: string, code: number) => void;
  /** A node's drain ended, however it ended. */
  drained: (seconds: number) => void;
  /** A node came back from a reboot, or did not. */
  rebooted: (seconds: number) => void;
  /** A run became a NodeOp after it had been seen for so long. */
  queued: (seconds: number) => void;
  /** A push was refused because somebody else was first. */
  pushRetried: () => void;
  polled: (ok: boolean) => void;
  /** A notification was sent to that target, was not (an attempt of several), or is given up. */
  notified: (target: string, result: 'sent' | 'failed' | 'dropped') => void;
  /** A try of a check ended; it took so long, where that is known. */
  checkTried: (kind: CheckKind, result: CheckResult, seconds: number | undefined) => void;
  /** An evaluation of a check ended, of one or several tries. */
  checkJudged: (kind: CheckKind, verdict: CheckResult) => void;
}

type CheckResult = 'passed' | 'failed';

export const NO_TELEMETRY: Telemetry = {
  apiRequest: () => {},
  drained: () => {},
  rebooted: () => {},
  queued: () => {},
  pushRetried: () => {},
  polled: () => {},
  notified: () => {},
  checkTried: () => {},
  checkJudged: () => {},
};
