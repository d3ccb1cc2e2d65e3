import { spoken } from '../../text/table.ts';
import { type Action, nodeKey } from '../actions.ts';
import type { PodFacts } from '../facts.ts';
import { waitingReason } from '../words.ts';
import type { Bound, NodeView } from './phase.ts';

/** How long a container may take to begin: image, admission, quota and kubelet together. */
export function startBound(
  { ctx, node, work }: NodeView,
  from: number,
  what: string,
  pod: PodFacts | undefined,
): Bound {
  const seconds = ctx.facts.spec.startTimeoutSeconds;
  return {
    at: from + seconds * 1000,
    why: () => {
      const own = pod === undefined ? undefined : waitingReason(pod);
      const seen = own ?? work.warning ?? (pod === undefined ? 'its Job has no pod' : 'no reason given');
      const where = node.ready ? '' : ', the node is not Ready';
      return `${what} did not start within ${spoken(seconds)}: ${seen}${where}`;
    },
  };
}

/**
 * How long the API server may refuse to make what a phase begins with: from the first time on, and only an answer from after that
 * ends it. A policy or a quota may be mended meanwhile.
 */
export function makingBounds(
  { ctx, node }: NodeView,
  type: Action['type'],
  what: string,
  object: string,
): Bound[] {
  const refusal = ctx.facts.refusal(nodeKey(type, node.name));
  if (refusal === undefined) return [];
  const seconds = ctx.facts.spec.startTimeoutSeconds;
  const at = refusal.since + seconds * 1000;
  if (ctx.now >= at && refusal.at < at) return [];
  const why = () => `${what} did not start within ${spoken(seconds)}: ${object} is refused: ${refusal.why}`;
  return [{ at, why, unbegun: type === 'create-job' }];
}
