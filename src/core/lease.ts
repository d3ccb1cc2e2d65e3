import type { LeaseSpec } from '../api/kubernetes.ts';

/** What to do about the lease now. `until` is on the same clock as the `now` it was asked with. */
export type LeaseStep = { type: 'take' } | { type: 'renew' } | { type: 'wait'; until: number };

/**
 * Whose turn it is, by the rules of coordination.k8s.io/v1. A lease is over when its record has not
 * changed for its whole duration on *this* process' monotonic clock (`seenAt` is when it was first seen
 * in this form): the times written in it come from another machine's clock and do not count.
 */
export function leaseStep(
  lease: LeaseSpec | undefined,
  identity: string | undefined,
  seenAt: number,
  now: number,
): LeaseStep {
  const holder = lease?.holderIdentity ?? '';
  if (lease === undefined || holder === '') return { type: 'take' };
  if (holder === identity) return { type: 'renew' };
  const until = seenAt + (lease.leaseDurationSeconds ?? 0) * 1000;
  return now >= until ? { type: 'take' } : { type: 'wait', until };
}

/** A replica that goes is followed within seconds. */
const UNTENDED_MS = 60_000;

/**
 * Whether nobody has led for a while, or ever, as far as clocks of two machines tell. The lease of a cluster that comes from a
 * backup is as old as that, or from a time that has not come yet.
 */
export function isUntended(lease: LeaseSpec | undefined, wall: number): boolean {
  const renewed = Date.parse(lease?.renewTime ?? '');
  return Number.isNaN(renewed) || Math.abs(wall - renewed) > UNTENDED_MS;
}

/**
 * Whether a record is earlier than one that was there before. Nobody writes such a one but a holder whose clock was set back; a
 * cluster that comes back from a backup has it.
 */
export function isBefore(lease: LeaseSpec | undefined, known: LeaseSpec | undefined): boolean {
  if (lease === undefined || known === undefined) return false;
  const [is, was] = [lease, known].map(({ leaseTransitions = 0 }) => leaseTransitions) as [number, number];
  if (is !== was) return is < was;
  return Date.parse(lease.renewTime ?? '') < Date.parse(known.renewTime ?? '');
}

/** The record of a lease just taken (from `before`, if there was one) or renewed. */
export function heldLease(
  before: LeaseSpec | undefined,
  identity: string,
  durationMs: number,
  wallClock: Date,
): LeaseSpec {
  const time = microTime(wallClock);
  const renewed = before?.holderIdentity === identity;
  const transitions = before?.leaseTransitions ?? 0;
  return {
    holderIdentity: identity,
    leaseDurationSeconds: Math.ceil(durationMs / 1000),
    acquireTime: renewed ? (before.acquireTime ?? time) : time,
    renewTime: time,
    leaseTransitions: before === undefined || renewed ? transitions : transitions + 1,
  };
}

/** The record of a lease given up: nobody has to wait for it. */
export function releasedLease(before: LeaseSpec, wallClock: Date): LeaseSpec {
  const time = microTime(wallClock);
  return { ...before, holderIdentity: '', leaseDurationSeconds: 1, acquireTime: time, renewTime: time };
}

/** Kubernetes' MicroTime: RFC 3339 with exactly six digits of the second. */
function microTime(date: Date): string {
  return date.toISOString().replace(/\.(\d{3})Z$/, '.$1000Z');
}
