import type { Clock } from '../core/ports.ts';
import type { Check } from '../http/health.ts';

/**
 * A change of role and a stop take no longer: what is under way ends when what it waits for is stopped. Less than the 30 s
 * after which Kubernetes kills a pod that is to stop.
 */
export const ROLE_MS = 25_000;
/** A pass over the repository takes no longer; the first clone of a large one is the longest. */
const PASS_MS = 3_600_000;
/** The leader, whom the API server answers, knows the state of the cluster by then. */
const SYNC_MS = 10 * 60_000;

/** What was waited for did not come: the process is of no use any more, and another one will be. */
export class StuckError extends Error {
  constructor(what: string, ms: number) {
    super(`${what} took longer than ${ms / 1000} s`);
    this.name = 'StuckError';
  }
}

/** What comes of the work; rejects with StuckError when nothing does in time. */
export async function within<T>(clock: Clock, ms: number, what: string, work: Promise<T>): Promise<T> {
  const over = Promise.withResolvers<never>();
  const cancel = clock.after(ms, () => over.reject(new StuckError(what, ms)));
  try {
    return await Promise.race([work, over.promise]);
  } finally {
    cancel();
  }
}

/** Times on the steady clock, undefined where nothing of the kind is under way. */
export interface Progress {
  now: number;
  /** Why the process gave itself up. */
  stuck: string | undefined;
  changingSince: number | undefined;
  /** When the election last did something, and how long that may take. */
  election: { triedAt: number; patience: number } | undefined;
  /** Since when a pass over the repository is under way. */
  passSince: number | undefined;
  /** Since when the leader, elected by way of the API server, has not known the state of the cluster. */
  unsyncedSince: number | undefined;
}

/** Whether the process gets on with what it is there for, whatever may be away outside. */
export function checkProgress(progress: Progress): Check[] {
  const { now, stuck, changingSince, election, passSince, unsyncedSince } = progress;
  const late = (since: number | undefined, ms: number) => since !== undefined && now - since > ms;
  const minutes = (since = now) => Math.round((now - since) / 60_000);
  const role = late(changingSince, ROLE_MS) ? 'a change of role does not end' : undefined;
  return [
    { name: 'role', missing: stuck ?? role },
    {
      name: 'election',
      missing:
        election && late(election.triedAt, election.patience)
          ? 'the lease is neither read nor written any more'
          : undefined,
    },
    {
      name: 'repository',
      missing: late(passSince, PASS_MS)
        ? `one pass has been under way for ${minutes(passSince)} min`
        : undefined,
    },
    {
      name: 'cluster',
      missing: late(unsyncedSince, SYNC_MS)
        ? `leads, and its state is not known after ${minutes(unsyncedSince)} min`
        : undefined,
    },
  ];
}
