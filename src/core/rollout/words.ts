import { isFinalPhase, type NodeOpStatus } from '../../api/nodeop.ts';
import { groupWaits, type NodeWait, waitsIn } from '../text/causes.ts';
import { naturally } from '../text/order.ts';
import { oneLine } from '../text/table.ts';
import type { NodeFacts, PodFacts } from './facts.ts';

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

/** The same of a node whose kubelet may be what it waits for. */
export function atNode(text: string | undefined, { ready }: Pick<NodeFacts, 'ready'>): string | undefined {
  const parts = [text ?? '', ready ? '' : 'the node is not Ready'].filter((part) => part !== '');
  return parts.length === 0 ? undefined : parts.join('; ');
}

/** So many things are named, each with so many nodes: there may be thousands. */
const THINGS = 3;
const NODES = 5;

/**
 * What is in the way of a rollout, by what each node in flight waits for: the one text of it for conditions, commands and
 * reports. Undefined when nothing is.
 */
export function waitsText(waits: readonly NodeWait[]): string | undefined {
  const groups = groupWaits(waits);
  if (groups.length === 0) return undefined;
  const said = groups.slice(0, THINGS).map(({ text, nodes }) => `${someNodes(nodes)}: ${oneLine(text, 256)}`);
  const more = groups.length - said.length;
  return `${said.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}

/** How a rollout stands, and while it goes on what is in the way of its nodes, as far as that is on record. */
export function standingText({
  phase,
  conditions = [],
  nodeStatuses = {},
}: NodeOpStatus): string | undefined {
  const ready = conditions.find(({ type }) => type === 'Ready')?.message;
  const waits = isFinalPhase(phase) ? undefined : waitsText(waitsIn(Object.entries(nodeStatuses)));
  const parts = [ready, waits].filter((text) => text !== undefined);
  return parts.length === 0 ? undefined : parts.join('; ');
}

/** Some of many nodes, in the order people expect. */
export function someNodes(nodes: readonly string[]): string {
  const more = nodes.length > NODES ? ` and ${nodes.length - NODES} more` : '';
  return `${nodes.toSorted(naturally).slice(0, NODES).join(', ')}${more}`;
}
