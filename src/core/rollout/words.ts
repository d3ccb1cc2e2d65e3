import type { PodFacts } from './facts.ts';

/** How a pod ended, for people: exit code, reason, and what the container or the kubelet said. */
export function podReason(pod: PodFacts): string {
  const code = pod.exitCode === undefined ? undefined : `exit code ${pod.exitCode}`;
  const reason = pod.reason === 'Error' ? undefined : pod.reason;
  const text = [code, reason].filter((part) => part !== undefined).join(', ');
  const parts = [text, causeOf(pod)].filter((part) => part !== undefined && part !== '');
  return parts.join(': ') || 'no reason given';
}

/** What a container said last: a log tells what was going on before it tells what went wrong. */
export function causeOf({ message = '' }: PodFacts): string | undefined {
  return linesOf(message).at(-1);
}

/** What it said altogether; undefined when the cause is all of it. */
export function saidBefore({ message = '' }: PodFacts): string | undefined {
  const lines = linesOf(message);
  return lines.length > 1 ? lines.join('\n') : undefined;
}

function linesOf(text: string): string[] {
  return text
    .split(/[\r\n]+/)
    .map((line) => line.trimEnd())
    .filter((line) => line.trim() !== '');
}

/** What a pod waits for; undefined when that is nothing out of the ordinary. */
export function waitingReason(pod: PodFacts): string | undefined {
  const kept = pod.keptBy?.join(', ') ?? '';
  if (kept !== '') return `the command has ended, but ${kept} keeps its pod alive`;
  if (pod.state !== 'waiting' || pod.reason === undefined || pod.reason === 'ContainerCreating')
    return undefined;
  return pod.message === undefined ? pod.reason : `${pod.reason}: ${pod.message}`;
}
