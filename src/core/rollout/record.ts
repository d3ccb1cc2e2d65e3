import { isFinalNodePhase, type NodeOpStatus, type NodeStatus } from '../../api/nodeop.ts';
import { stampUp } from './node-status.ts';

/**
 * Decisions work with times on the steady clock, which nobody sets; what is on record has those of the wall clock, for
 * people and for the next process. `offset` is how far the wall clock is ahead.
 */

const TIMES = /^(?:\w+At|since|lastUpdated|lastTransitionTime)$/;

/** Of a process whose clocks began alike, and that of a wall clock that is only kept exact, it is 0. */
export function wallOffset(wall: number, steady: number): number {
  return Math.round((wall - steady) / 1000) * 1000;
}

/** A status, or a patch of one, as it is put on record. */
export function toRecord<T extends object>(value: T, offset: number): T {
  return offset === 0 ? value : withTimes(value, (at) => at + offset);
}

/**
 * A status as it was recorded, by whichever process. What is recorded as yet to come counts as now, and so does when a node
 * came into its phase where a cluster keeps no such field.
 */
export function fromRecord(status: NodeOpStatus, offset: number, now: number): NodeOpStatus {
  let same = true;
  // Times are recorded in whole seconds, none of them too early.
  const latest = Math.ceil(now / 1000) * 1000;
  const known = withTimes(status, (at) => {
    const then = Math.min(at - offset, latest);
    same &&= then === at;
    return then;
  });
  return dated(same ? status : known, stampUp(now));
}

function dated(status: NodeOpStatus, now: string): NodeOpStatus {
  const lacks = ({ phase, phaseStartedAt, startedAt }: NodeStatus) =>
    phase !== 'Pending' && !isFinalNodePhase(phase) && (phaseStartedAt ?? startedAt) === undefined;
  const undated = Object.entries(status.nodeStatuses ?? {}).filter(([, it]) => lacks(it));
  if (undated.length === 0) return status;
  const mended = undated.map(([name, it]) => [name, { ...it, phaseStartedAt: now }] as const);
  return { ...status, nodeStatuses: { ...status.nodeStatuses, ...Object.fromEntries(mended) } };
}

function withTimes<T>(value: T, move: (at: number) => number): T {
  if (Array.isArray(value)) return value.map((it: unknown) => withTimes(it, move)) as T;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, it]: [string, unknown]) => [
    key,
    TIMES.test(key) && typeof it === 'string' ? moved(it, move) : withTimes(it, move),
  ]);
  return Object.fromEntries(entries) as T;
}

function moved(time: string, move: (at: number) => number): string {
  const at = Date.parse(time);
  return Number.isNaN(at) ? time : stampUp(move(at));
}
