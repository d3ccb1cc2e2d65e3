import type { Action } from '../actions.ts';
import type { PodFacts } from '../facts.ts';
import { since } from '../node-status.ts';
import { waitingReason } from '../words.ts';
import { isConfirmed, type NodeView } from './phase.ts';

/** What does not begin for so long is told of. */
const LONG_MS = 60_000;

export interface Silence {
  /** For people; undefined while that is nothing out of the ordinary. */
  waitsFor: string | undefined;
  actions: Action[];
  lookAgainAt?: number;
}

/**
 * What waits without a word of its own: the volume, Secret or network that a kubelet lacks, and why a Job gets no pod, are told
 * in Events alone. They are asked for after a minute, and again each time after twice as long.
 */
export function silence({ ctx, node, work }: NodeView, from: number, what: string, object: string): Silence {
  const { now } = ctx;
  let asked = from + LONG_MS;
  if (now < asked) return { waitsFor: undefined, actions: [], lookAgainAt: asked };
  let next = from + 2 * LONG_MS;
  while (next <= now) [asked, next] = [next, from + 2 * (next - from)];
  const ask: Action = { type: 'confirm', node: node.name, reason: `why has ${what}?` };
  const why = work.warning ?? `kubectl describe ${object} says why`;
  return {
    waitsFor: `${what}; ${why}`,
    actions: isConfirmed(work, asked) ? [] : [ask],
    lookAgainAt: next,
  };
}

/** What a pod waits for, by the state of its container or, where that says nothing, by its Events. */
export function podWait(view: NodeView, pod: PodFacts): Silence {
  const waitsFor = waitingReason(pod);
  const isSilent = waitsFor === undefined && pod.state === 'waiting' && !pod.deleting;
  if (!isSilent) return { waitsFor, actions: [] };
  const from = Math.max(pod.createdAt, since(view.status));
  return silence(view, from, `pod ${pod.name} has not begun`, 'pod');
}

/** A pod has ended before its container had begun, and nobody has asked yet why it had not. */
export function isUnexplained({ work }: NodeView, pod: PodFacts): boolean {
  return pod.state === 'failed' && !pod.started && work.confirmedAt === undefined;
}

/** Why a pod that has ended had never begun, as far as its Events tell. */
export function whyUnbegun({ work }: NodeView, pod: PodFacts | undefined): string {
  return pod?.started === true || work.warning === undefined ? '' : `; it had not begun: ${work.warning}`;
}
