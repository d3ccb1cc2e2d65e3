import { isFinalPhase, type NodeOp } from '../../api/nodeop.ts';
import { LACKS_FIELDS } from '../definition.ts';
import { nodeOpHoldText } from '../holds.ts';
import type { WaitingRun } from './ledger.ts';

/** Waits that end when somebody does something, and never by themselves. */
const FOR_PEOPLE: ReadonlySet<string> = new Set(['Held', 'SignaturesUnknown', LACKS_FIELDS]);

/**
 * Why nothing goes on before people do something: all that is left is held, suspended, or cannot be judged. Undefined while
 * there is anything that goes on by itself, such as a node in flight, one that soaks, or a window that opens.
 * @param held by whom the whole cluster is held
 */
export function standstill(
  nodeOps: readonly NodeOp[],
  waiting: readonly Pick<WaitingRun, 'run' | 'reason' | 'message'>[],
  held: string | undefined,
): string | undefined {
  const open = nodeOps.filter(({ status }) => !isFinalPhase(status?.phase));
  const stops = open.map((it) => stoppedBy(it, held));
  if (stops.includes(undefined)) return undefined;
  const waits = waiting.filter(({ reason }) => FOR_PEOPLE.has(reason));
  return stops[0] ?? waits[0]?.message;
}

function stoppedBy(nodeOp: NodeOp, held: string | undefined): string | undefined {
  if ((nodeOp.status?.summary?.inFlight ?? 0) > 0) return undefined;
  return held ?? nodeOpHoldText(nodeOp) ?? (nodeOp.spec.suspend ? 'suspended by the run file' : undefined);
}
