import type { Job, Pod } from '../api/kubernetes.ts';
import { ANNOTATION_NODE, LABEL_NODEOP_UID } from '../api/labels.ts';
import { waitingReason } from '../core/rollout/words.ts';
import { newestOf, podFacts } from './facts.ts';

/**
 * Of one NodeOp's Job and pods on a node that which does not begin without saying why in its own status: a Job without a pod, or a
 * pod whose container waits, or was never started. Events are all that tells.
 */
export function silentOf(job: Job | undefined, pods: readonly Pod[]): Job | Pod | undefined {
  const newest = newestOf(pods.filter((pod) => isAttempt(pod)));
  const helpers = pods.filter((pod) => !isAttempt(pod));
  if (job !== undefined && newest === undefined) return job;
  return [...helpers, ...(newest === undefined ? [] : [newest])].find((pod) => isSilent(pod));
}

/** Whether a pod is of that NodeOp's work on the node. */
export function isOn({ metadata: { labels, annotations } }: Pod, uid: string, node: string): boolean {
  return labels?.[LABEL_NODEOP_UID] === uid && annotations?.[ANNOTATION_NODE] === node;
}

/** The Job controller made it. */
function isAttempt({ metadata: { labels = {} } }: Pod): boolean {
  return 'job-name' in labels;
}

function isSilent(pod: Pod): boolean {
  const facts = podFacts(pod);
  if (facts.started) return false;
  return facts.state === 'failed' || (facts.state === 'waiting' && waitingReason(facts) === undefined);
}
