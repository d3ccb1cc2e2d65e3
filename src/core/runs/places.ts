import { ANNOTATION_HOLD, ANNOTATION_RUN } from '../../api/labels.ts';
import { isFinalPhase, type NodeOp, type NodeOpSpec } from '../../api/nodeop.ts';

/** Why a rollout that has no node in flight starts none: it waits, for a time, for others or for people. */
const IDLE: ReadonlySet<string> = new Set(['Waiting', 'Held']);

/** A NodeOp as far as it is known: one that somebody saved to a file may lack its spec. */
type Standing = Pick<NodeOp, 'metadata' | 'status'> & { spec?: Pick<NodeOpSpec, 'suspend'> };

/**
 * Whether a run's NodeOp takes one of the places there are (`runs.maxConcurrent`): when it has a node in flight, or is about
 * to start one. One that is suspended, held, soaks or waits takes none, so that it keeps nobody else from working.
 */
export function takesPlace({ metadata, spec, status }: Standing): boolean {
  if (isFinalPhase(status?.phase)) return false;
  if ((status?.summary?.inFlight ?? 0) > 0) return true;
  if (spec?.suspend === true || metadata.annotations?.[ANNOTATION_HOLD] !== undefined) return false;
  const reconciling = status?.conditions?.find(({ type }) => type === 'Reconciling');
  return !IDLE.has(reconciling?.reason ?? '');
}

/**
 * Of a run that had given its place away: why it may not start a node again now.
 * @param others each of them as it stands and as it is on record: the next process goes on with what is in flight by that
 * @param isAnyUnseen of some of them only the record is known: a node may have been begun of which nothing is written there
 */
export function placeHeld(
  own: NodeOp,
  { others, isAnyUnseen }: { others: Iterable<readonly NodeOp[]>; isAnyUnseen: boolean },
  maxConcurrent: number,
): string | undefined {
  if (!isOfRun(own) || hasNodesInFlight(own)) return undefined;
  if (isAnyUnseen && maxConcurrent < Infinity)
    return 'waiting until it is seen what other runs have in flight';
  let taken = 0;
  for (const other of others) if (other.some((it) => isOfRun(it) && hasNodesInFlight(it))) taken += 1;
  return taken < maxConcurrent ? undefined : 'waiting for its turn: other runs have nodes in flight';
}

function isOfRun({ metadata }: Pick<NodeOp, 'metadata'>): boolean {
  return metadata.annotations?.[ANNOTATION_RUN] !== undefined;
}

function hasNodesInFlight({ status }: Pick<NodeOp, 'status'>): boolean {
  return (status?.summary?.inFlight ?? 0) > 0 && !isFinalPhase(status?.phase);
}
