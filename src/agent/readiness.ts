import { spoken } from '../core/text/table.ts';
import type { Check } from '../http/health.ts';
import type { PollState } from './repository/loop.ts';

/** A remote that is away is no reason to be called unready at once: it comes back, and nothing is lost. */
const REPOSITORY_PATIENCE_MS = 5 * 60_000;

/** `now` and `lookedAt` are on the monotonic clock, `patience` in milliseconds. */
export function checkLease(lease: {
  now: number;
  lookedAt: number | undefined;
  problem: string | undefined;
  patience: number;
  role: string;
}): Check {
  const { now, lookedAt, problem, patience, role } = lease;
  const since = lookedAt === undefined ? Infinity : now - lookedAt;
  if (since <= patience) return { name: 'lease', detail: role };
  return { name: 'lease', missing: `neither read nor written for too long: ${problem ?? 'no answer yet'}` };
}

export function checkCluster(synced: boolean): Check {
  if (synced) return { name: 'cluster', detail: 'its state is known' };
  return { name: 'cluster', missing: 'its nodes, Jobs, pods and NodeOps are not all listed yet' };
}

/** Of what the cluster has on record; absent as long as nothing is wrong with it. */
export function checkRecord({ blocked }: PollState): Check[] {
  return blocked === undefined ? [] : [{ name: 'record', missing: `no run is started: ${blocked}` }];
}

/** `obstacle`: why no NodeOp is begun here. */
export function checkDefinition(obstacle: string | undefined): Check {
  const name = 'definition';
  return obstacle === undefined ? { name, detail: 'keeps what is needed' } : { name, missing: obstacle };
}

export function checkRepository({ tip, lastPoll, problem }: PollState, now: number): Check {
  const name = 'repository';
  if (lastPoll === undefined) return { name, missing: problem ?? 'not fetched yet' };
  const seconds = Math.max(0, Math.round((now - lastPoll) / 1000));
  const asked = `fetched ${spoken(seconds)} ago`;
  if (tip === undefined) return { name, missing: `${asked}: ${problem ?? 'the remote has no such branch'}` };
  const known = `${asked}, at ${tip}`;
  if (problem === undefined) return { name, detail: known };
  if (now - lastPoll <= REPOSITORY_PATIENCE_MS) return { name, detail: `${known}; since then: ${problem}` };
  return { name, missing: `${known}; since then: ${problem}` };
}
