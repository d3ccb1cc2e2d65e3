import type { LabelSelector } from '../../api/selector.ts';
import { nearest } from '../../api/schema.ts';
import { matches } from './targets.ts';
import { own } from '../../api/own.ts';
import { counted } from '../text/counts.ts';

type Labels = Readonly<Record<string, string>>;
const MOST = 5;

/** Why a selector selects no node, naming the labels that come near; for people who mistyped one. */
export function whyNoMatch(selector: LabelSelector | undefined, nodes: readonly Labels[]): string {
  if (nodes.length === 0) return 'the cluster has no nodes';
  const parts = requirements(selector).filter(({ one }) => !nodes.some((labels) => matches(one, labels)));
  const why = parts.slice(0, MOST).map((it) => explain(it, nodes));
  if (why.length === 0) why.push('each requirement is met by some node, and no node meets all of them');
  return why.join('; ');
}

interface Requirement {
  key: string;
  /** What would satisfy it; undefined when it is not about values. */
  values: readonly string[] | undefined;
  text: string;
  /** A selector of this requirement alone. */
  one: LabelSelector;
}

function requirements(selector: LabelSelector | undefined): Requirement[] {
  const exact = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => {
    return { key, values: [value], text: `${key}=${value}`, one: { matchLabels: { [key]: value } } };
  });
  const others = (selector?.matchExpressions ?? []).map((it) => {
    const list = it.values ?? [];
    const text = `${it.key} ${it.operator}${list.length > 0 ? ` (${list.join(', ')})` : ''}`;
    const values = it.operator === 'In' ? list : undefined;
    return { key: it.key, values, text, one: { matchExpressions: [it] } };
  });
  return [...exact, ...others];
}

function explain({ key, values, text }: Requirement, nodes: readonly Labels[]): string {
  const found = nodes.flatMap((labels) => own(labels, key) ?? []);
  if (found.length === 0) return `no node has the label ${key}${nearKeys(key, nodes)}`;
  if (values === undefined) return `${text} is met by no node`;
  const counts = new Map<string, number>();
  for (const value of found) counts.set(value, (counts.get(value) ?? 0) + 1);
  const listed = [...counts].toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, MOST);
  const there = listed.map(([value, count]) => `"${value}" (${counted(count, 'node')})`);
  return `no node has ${text}; values of ${key} are ${there.join(', ')}`;
}

/** Keys that are written nearly so, or else share what stands before the "/", or the name after it. */
function nearKeys(key: string, nodes: readonly Labels[]): string {
  const known = [...new Set(nodes.flatMap((labels) => Object.keys(labels)))].toSorted();
  const guess = nearest(key, known);
  const [prefix, name] = split(key);
  const kin = known.filter((it) => {
    const [otherPrefix, otherName] = split(it);
    return (prefix !== '' && otherPrefix === prefix) || nearest(name, [otherName]) !== undefined;
  });
  const near = [...new Set([...(guess === undefined ? [] : [guess]), ...kin])].slice(0, MOST);
  return near.length === 0 ? '' : `; near to it: ${near.join(', ')}`;
}

function split(key: string): [prefix: string, name: string] {
  const slash = key.indexOf('/');
  return [key.slice(0, Math.max(0, slash)), key.slice(slash + 1)];
}
