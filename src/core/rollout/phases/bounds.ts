import { spoken } from '../../text/table.ts';
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
