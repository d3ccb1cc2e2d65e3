import type { NotifyEventName } from '../../api/notify.ts';
import { isEnded, type Standing } from './standing.ts';

/** One thing that people are told of a run. */
export interface NotifyEvent {
  name: NotifyEventName;
  /** The run as it was then. */
  standing: Standing;
  /** When it happened, in epoch milliseconds. */
  at: number;
  /** Of a wait that was told: since when. */
  since?: number | undefined;
}

/** What one receiver was told of one run. */
export interface Told {
  started?: boolean;
  firstFailure?: boolean;
  /** The edition whose end was told. */
  ended?: string;
  /** Since when it waits, and whether that was told. */
  wait?: { since: number; told: boolean };
}

export interface Now {
  /** Epoch milliseconds, as stamps are. */
  wall: number;
  /** Milliseconds that pass: waits are measured by these. */
  steady: number;
}

/**
 * What is to be told now, given what was told before, in the order in which it came about. Of one and the same standing nothing
 * comes twice once `told` says so. The wait in `told` is one on the steady clock.
 */
export function eventsOf(standing: Standing, told: Told, now: Now, waitingAfterMs: number): NotifyEvent[] {
  const events: NotifyEvent[] = [];
  const { failure, startedAt, endedAt, waitsFor } = standing;
  const add = (name: NotifyEventName, at: number = now.wall, since?: number) =>
    events.push({ name, standing, at, ...(since !== undefined && { since }) });
  if (standing.hasBegun && told.started !== true) add('started', startedAt);
  if (failure && told.firstFailure !== true) add('firstFailure', Math.min(failure.at, now.wall));
  const waited = told.wait === undefined ? 0 : now.steady - told.wait.since;
  if (told.wait?.told === false && waitsFor !== undefined && waited >= waitingAfterMs)
    add('waiting', now.wall, now.wall - waited);
  if (told.wait?.told === true && waitsFor === undefined) add('resumed', now.wall, now.wall - waited);
  if (isEnded(standing) && told.ended !== standing.edition) add('ended', endedAt);
  return events;
}

/** How the wait of a run goes on: it begins when it is first seen, and one that was not told ends without a word. */
export function waitOf({ waitsFor }: Standing, { wait }: Told, { steady }: Now): Told['wait'] {
  if (waitsFor !== undefined) return wait ?? { since: steady, told: false };
  return wait?.told === true ? wait : undefined;
}

/** What was told, once an event is. */
export function after<T extends Told>(told: T, { name, standing, since = 0 }: NotifyEvent): T {
  switch (name) {
    case 'started':
      return { ...told, started: true };
    case 'firstFailure':
      return { ...told, firstFailure: true };
    case 'waiting':
      return { ...told, wait: { since: told.wait?.since ?? since, told: true } };
    case 'resumed':
      return withWait(told, undefined);
    case 'ended':
      return { ...told, ended: standing.edition };
  }
}

export function withWait<T extends Told>(told: T, wait: Told['wait']): T {
  const { wait: _, ...rest } = told;
  return { ...rest, ...(wait && { wait }) } as T;
}
