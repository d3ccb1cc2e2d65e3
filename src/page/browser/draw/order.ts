import type { NodeRow } from '../../../api/page.ts';
import { naturally } from '../../../core/text/order.ts';

/** Where each name comes among all of them. Comparing numbers is a hundred times as fast as comparing names, at every change. */
export function ranks(names: Iterable<string>): ReadonlyMap<string, number> {
  return new Map([...names].toSorted(naturally).map((name, i) => [name, i]));
}

export interface NodeGroupOf {
  name: string;
  nodes: NodeRow[];
}

/** Nodes by step or zone, in the order of the steps, zones by name; nodes of a group by name. */
export function grouped(
  rows: Iterable<NodeRow>,
  by: 'step' | 'zone' | undefined,
  steps: readonly string[],
  rank: ReadonlyMap<string, number>,
): NodeGroupOf[] {
  const of = (row: NodeRow) => (by === undefined ? '' : (row[by] ?? (by === 'zone' ? 'no zone' : 'no step')));
  const groups = [...Map.groupBy(rows, of)].map(([name, nodes]) => ({ name, nodes }));
  for (const { nodes } of groups) nodes.sort((a, b) => (rank.get(a.key) ?? 0) - (rank.get(b.key) ?? 0));
  const place = ({ name }: NodeGroupOf) => (by === 'step' ? steps.indexOf(name) + 1 || steps.length + 1 : 0);
  return groups.toSorted((a, b) => place(a) - place(b) || naturally(a.name, b.name));
}
