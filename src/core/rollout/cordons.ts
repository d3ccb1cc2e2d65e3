import type { StepPhase } from '../../api/steps.ts';
import {
  isFinalNodePhase,
  isFinalPhase,
  type NodeOpSpec,
  type NodeOpStatus,
  type NodeStatus,
} from '../../api/nodeop.ts';
import { type NodeFacts, ownerMark, ownerUid, type WorkFacts } from './facts.ts';
import { own } from '../../api/own.ts';

/**
 * Whose a node is, and whose its cordon. A NodeOp holds a node by its status, by its mark on the node, and by what it has
 * made there: whichever is there, since a crash may have kept the others from being written. It lets a node go only once the
 * API server has the verdict: whoever leads next goes by the record, and would work on the node again.
 */

/** One NodeOp as the others see it. */
export interface Holder {
  namespace: string;
  name: string;
  uid: string;
  /** The spec it carries out; undefined when it carries out none. */
  spec: NodeOpSpec | undefined;
  status: NodeOpStatus;
  /** As the API server has it. */
  persisted: NodeOpStatus;
  deleted: boolean;
}

export interface Holders {
  all: () => Iterable<Holder>;
  byUid: (uid: string) => Holder | undefined;
  /** Those that may have a node in flight. */
  unfinished: readonly Holder[];
  /** UIDs of NodeOps, also of those that are gone, of which something goes on on the node. */
  running: (node: string) => Iterable<string>;
  /** What there is on the node of the NodeOp with that UID, whether or not it has ended. */
  work: (uid: string, node: string) => WorkFacts | undefined;
}

type Marked = Pick<NodeFacts, 'name' | 'cordonedBy'>;

/** Who keeps a NodeOp from starting on a node, for people; undefined when nobody does. */
export function claimant(node: Marked, self: string, holders: Holders): string | undefined {
  for (const uid of holders.running(node.name)) {
    if (uid === self) continue;
    const holder = holders.byUid(uid);
    return holder ? labelOf(holder) : 'what a NodeOp that is gone has left running';
  }
  const other = holders.unfinished.find(
    (it) => it.uid !== self && (worksOn(it, node.name, holders) || watchesNode(it, node.name)),
  );
  return other ? labelOf(other) : marker(node, self, holders);
}

/** A mark that is about to be undone, or of which nobody has written yet why it is there. */
function marker(node: Marked, self: string, { byUid }: Holders): string | undefined {
  const uid = node.cordonedBy === undefined ? undefined : ownerUid(node.cordonedBy);
  if (uid === undefined || uid === self) return undefined;
  const owner = byUid(uid);
  if (owner === undefined) return `the cordon of ${node.cordonedBy?.split('@')[0]}, which is gone`;
  return keepsCordon(owner, node.name) ? undefined : labelOf(owner);
}

/**
 * Who takes a cordon over when its owner lets it go, by the mark: a NodeOp that works on the node, or one that has failed on
 * it under this very cordon and would have left it cordoned. `owner`: undefined when it is gone.
 */
export function heirOf(node: string, mark: string, holders: Holders): string | undefined {
  const uid = ownerUid(mark);
  const running = new Set(holders.running(node));
  const failedAt = Date.parse(own(holders.byUid(uid ?? '')?.status.nodeStatuses, node)?.finishedAt ?? '');
  let heir: Holder | undefined;
  for (const holder of holders.all()) {
    if (holder.uid === uid || holder.spec === undefined) continue;
    if (worksOn(holder, node, holders) || running.has(holder.uid)) return ownerMark(holder);
    const began = Date.parse(own(holder.status.nodeStatuses, node)?.startedAt ?? '');
    if (keepsCordon(holder, node) && began >= failedAt) heir = holder;
  }
  return heir && ownerMark(heir);
}

/** Whether its cordon stays on a node for a reason that its status tells. */
export function keepsCordon({ spec, status, deleted }: Holder, node: string): boolean {
  const entry = own(status.nodeStatuses, node);
  return spec !== undefined && !deleted && entry !== undefined && isKept(spec, entry);
}

/** A failed node stays cordoned, unless people want otherwise, or nothing was done to it. */
export function isKept(spec: NodeOpSpec, status: NodeStatus): boolean {
  if (status.phase !== 'Failed') return false;
  if (status.outcomeUnknown === true) return true;
  const cordons = spec.cordon || spec.drainOptions.enabled;
  return cordons && !spec.uncordonOnFailure && status.jobName !== undefined;
}

/** Whether it has begun the node, or the next process would find that it has, and no verdict is on record yet. */
function worksOn(holder: Holder, node: string, { work }: Holders): boolean {
  const { spec, uid, status, persisted } = holder;
  if (spec === undefined) return false;
  const entry = own(status.nodeStatuses, node);
  if (isInFlight(entry)) return true;
  const record = own(persisted.nodeStatuses, node);
  if (isFinal(record)) return false;
  if (isInFlight(record) || (isFinal(entry) && entry?.startedAt !== undefined)) return true;
  // It goes on with what it finds on its targets; before they are on record any node may be one.
  const isTarget = record !== undefined || persisted.nodeStatuses === undefined;
  return isTarget && !isFinal(entry) && isMade(work(uid, node));
}

/** Whether a NodeOp has begun a node of which nothing is on record. */
function isMade({ job, preflight, reboot, postflight }: WorkFacts = {}): boolean {
  return (job ?? preflight ?? reboot ?? postflight) !== undefined;
}

function isInFlight(entry: NodeStatus | undefined): boolean {
  return entry !== undefined && entry.phase !== 'Pending' && !isFinal(entry);
}

function isFinal(entry: NodeStatus | undefined): boolean {
  return entry !== undefined && isFinalNodePhase(entry.phase);
}

/** What was done to a node is being watched, so that nothing else is done to it meanwhile. */
function watchesNode({ spec, status, persisted }: Holder, node: string): boolean {
  if (spec?.steps === undefined) return false;
  return [status, persisted].some((it) => {
    const entry = own(it.nodeStatuses, node);
    return watches(it) && isFinal(entry) && entry?.startedAt !== undefined;
  });
}
const WATCHES: ReadonlySet<StepPhase> = new Set(['Soaking', 'Checking']);

/** Whether others may have a node now that it held until then, by what is on record: one is done, or is not watched any more. */
export function letsGo(before: NodeOpStatus, after: NodeOpStatus): boolean {
  if (watches(before) && !watches(after)) return true;
  if (before.nodeStatuses === after.nodeStatuses) return false;
  const { nodeStatuses: known = {} } = before;
  return Object.entries(after.nodeStatuses ?? {}).some(
    ([node, entry]) => entry !== own(known, node) && isFinal(entry) && !isFinal(own(known, node)),
  );
}

/** A rollout that was stopped while a step soaked says so for good, and watches nothing any more. */
function watches({ phase, steps = [] }: NodeOpStatus): boolean {
  return !isFinalPhase(phase) && steps.some((step) => WATCHES.has(step.phase));
}

function labelOf({ namespace, name }: Holder): string {
  return `${namespace}/${name}`;
}
