import type { PodFacts } from './facts.ts';

/** How a pod ended, for people: exit code, reason, and what the container or the kubelet said. */
export function podReason(pod: PodFacts): string {
  const code = pod.exitCode === undefined ? undefined : `exit code ${pod.exitCode}`;
  const reason = pod.reason === 'Error' ? undefined : pod.reason;
  const text = [code, reason].filter((part) => part !== undefined).join(', ');
  const message = pod.message?.trim();
  return [text, message].filter((part) => part !== undefined && part !== '').join(': ') || 'no reason given';
}

/** What a pod that has not started waits for; undefined when that is nothing out of the ordinary. */
export function waitingReason(pod: PodFacts): string | undefined {
  if (pod.state !== 'waiting' || pod.reason === undefined || pod.reason === 'ContainerCreating')
    return undefined;
  return pod.message === undefined ? pod.reason : `${pod.reason}: ${pod.message}`;
}
