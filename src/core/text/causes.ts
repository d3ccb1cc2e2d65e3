import type { NodeStatus } from '../../api/nodeop.ts';
import { naturally } from './order.ts';

/** Nodes that say the same, in the order people expect. */
export interface Group {
  text: string;
  nodes: string[];
}

/** What a status and a report alike say of a node. */
type Entry = readonly [
  name: string,
  said: Pick<NodeStatus, 'phase'> & { message?: string | undefined; exitCode?: number | undefined },
];

/** Failed nodes by their cause, most nodes first: a fleet that fails mostly fails alike. */
export function byCause(entries: readonly Entry[]): Group[] {
  return grouped(
    entries.filter(([, { phase }]) => phase === 'Failed').map(([name, it]) => [name, causeText(name, it)]),
  );
}

/** What nodes in flight wait for, as far as it is on record. */
export function waitsIn(
  entries: readonly (readonly [name: string, Pick<NodeStatus, 'phase'> & { message?: string | undefined }])[],
): NodeWait[] {
  return entries.filter(([, { phase }]) => !OVER.has(phase)).map(([name, { message }]) => [name, message]);
}

/** What a node waits for; '' or undefined when that is nothing. */
export type NodeWait = readonly [node: string, waitsFor: string | undefined];

/** Nodes in flight that wait for something, by what that is. */
export function byWait(entries: readonly Entry[]): Group[] {
  return groupWaits(waitsIn(entries));
}

/** The same of what is not on record; budgets are named, not each of their pods, and no Job by its name. */
export function groupWaits(waits: readonly NodeWait[]): Group[] {
  return grouped(waits.flatMap(([name, it = '']) => (it === '' ? [] : [[name, waitText(it)] as const])));
}

const OVER = new Set<NodeStatus['phase']>(['Pending', 'Completed', 'Failed', 'Cancelled']);

function causeText(name: string, { message = '', exitCode }: Entry[1]): string {
  const text = message.replace(/; the node stays cordoned$/, '').replace(/^command failed: /, '');
  if (text === '') return exitCode === undefined ? 'no reason on record' : `exit code ${exitCode}`;
  return text.replaceAll(name, 'NODE');
}

function waitText(message: string): string {
  const names = [...new Set(message.startsWith('eviction blocked') ? budgetsIn(message) : [])];
  if (names.length === 0) return message.replace(/\b(Job|pod) \S+ has (no pod|not begun);/, 'its $1 has $2;');
  return `held up by ${names.length === 1 ? 'budget' : 'budgets'} ${names.toSorted(naturally).join(', ')}`;
}

/** From `shop/web-1 (The disruption budget web needs …)`, as the eviction API words it. */
function budgetsIn(message: string): string[] {
  const parts = message.split(' (The disruption budget ');
  return parts.slice(1).map((after, i) => {
    const before = parts[i] ?? '';
    const pod = before.slice(before.lastIndexOf(' ') + 1);
    return `${pod.slice(0, pod.indexOf('/'))}/${after.split(' ', 1)[0]}`;
  });
}

function grouped(said: readonly (readonly [name: string, text: string])[]): Group[] {
  const groups = [...Map.groupBy(said, ([, text]) => text)].map(([text, members]) => {
    return { text, nodes: members.map(([name]) => name).toSorted(naturally) };
  });
  return groups.toSorted((a, b) => b.nodes.length - a.nodes.length || naturally(a.text, b.text));
}
