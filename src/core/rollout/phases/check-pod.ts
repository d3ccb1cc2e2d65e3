import type { PodFacts } from '../facts.ts';
import { since } from '../node-status.ts';
import { atNode, waitingReason } from '../words.ts';
import { startBound } from './bounds.ts';
import type { Bound, NodeView } from './phase.ts';

/** How long past its own deadline a pod may linger, its kubelet being slow, before it counts as lost. */
const GRACE_MS = 60_000;

/** How long the pod of a check may take; the kubelet keeps its deadline. */
export function checkBounds(
  view: NodeView,
  pod: PodFacts,
  { kind, name, seconds }: { kind: string; name: string; seconds: number },
): Bound[] {
  // By the later of two clocks, the server's and this agent's: one that is off fails no node.
  const began = Math.max(pod.createdAt, since(view.status));
  const lost: Bound = {
    at: began + seconds * 1000 + GRACE_MS,
    why: () => {
      const waits = atNode(waitingReason(pod), view.node);
      const text = `${kind} pod ${name} did not end within its deadline`;
      return waits === undefined ? text : `${text}: ${waits}`;
    },
  };
  return pod.started ? [lost] : [lost, startBound(view, began, `the ${kind}`, pod)];
}
