import { isFinalNodePhase, isFinalPhase, type NodeOp } from '../../api/nodeop.ts';
import { inFlightNodes } from '../../core/rollout/status.ts';
import { someNodes } from '../../core/rollout/words.ts';
import { counted, countsText } from '../../core/text/counts.ts';
import { oneLine } from '../../core/text/table.ts';
import { heldText } from '../held.ts';
import type { Known } from '../look-up.ts';
import type { Verb } from './verbs.ts';

/** What a merged edit comes to in a cluster that knows of the run, in a sentence or two. */
export function outlook(verb: Verb, known: Known): string {
  switch (known.kind) {
    case 'passedOver':
      return 'In this cluster it was passed over and never begins: nothing changes there.';
    case 'waiting': {
      const { reason, message } = known.run;
      return `In this cluster it waits (${oneLine(reason, 60)}: ${oneLine(message, 200)}): ${BEFORE[verb]}.`;
    }
    case 'nodeOp':
      return ofRun(verb, known.nodeOp);
  }
}

const BEFORE: Record<Verb, string> = {
  suspend: 'it does not begin before it is resumed',
  resume: 'nothing but that keeps it from beginning',
  cancel: 'it never begins',
};

function ofRun(verb: Verb, nodeOp: NodeOp): string {
  const { status = {} } = nodeOp;
  const { phase = 'Pending', nodeStatuses = {} } = status;
  const counts = countsText(status.summary ?? {});
  if (isFinalPhase(phase)) return `In this cluster it is over, ${phase}: ${counts}. Nothing changes there.`;
  const flying = inFlightNodes(status);
  const left = Object.values(nodeStatuses).filter((it) => !isFinalNodePhase(it.phase)).length;
  const stands = `In this cluster it is ${phase}: ${counts}`;
  if (verb === 'resume') {
    const held = heldText(nodeOp);
    return held === undefined ? `${stands}.` : `${stands}. But what the file says does not count: ${held}.`;
  }
  const finish = flying.length === 0 ? 'no node is in flight' : `in flight: ${someNodes(flying)}`;
  const rest = left - flying.length;
  return `${stands}; ${finish}; ${counted(rest, 'more node')} would ${verb === 'cancel' ? 'never begin' : 'wait'}.`;
}
