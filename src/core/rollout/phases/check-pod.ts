import type { Action } from '../actions.ts';
import type { PodFacts } from '../facts.ts';
import { since } from '../node-status.ts';
import { atNode, waitingReason } from '../words.ts';
import { startBound } from './bounds.ts';
import type { Bound, Going, NodeView } from './phase.ts';
import { isUnexplained, podWait } from './silence.ts';

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
      const waits = atNode(waitingReason(pod) ?? (pod.started ? undefined : view.work.warning), view.node);
      const text = `${kind} pod ${name} did not end within its deadline`;
      return waits === undefined ? text : `${text}: ${waits}`;
    },
  };
  return pod.started ? [lost] : [lost, startBound(view, began, `the ${kind}`, pod)];
}

/** What the pod of a check waits for, and what is asked about it. */
export function checkGoing(view: NodeView, pod: PodFacts): Going {
  const { node, status } = view;
  const ask: Action = { type: 'confirm', node: node.name, reason: 'why had its pod not begun?' };
  if (isUnexplained(view, pod)) return { status, actions: [ask], waitsFor: status.message };
  const wait = podWait(view, pod);
  return { ...wait, status, waitsFor: atNode(wait.waitsFor, node) };
}
