import { LABELS_CONTROL_PLANE } from '../../api/labels.ts';
import type { NodeOpSpec } from '../../api/nodeop.ts';
import type { LabelSelector } from '../../api/selector.ts';
import type { NodeFacts } from './facts.ts';
import { own } from '../../api/own.ts';

/** Whether labels satisfy a selector, by the rules of `metav1.LabelSelector`; no selector matches all. */
export function matches(
  selector: LabelSelector | undefined,
  labels: Readonly<Record<string, string>>,
): boolean {
  if (selector === undefined) return true;
  const exact = Object.entries(selector.matchLabels ?? {});
  if (!exact.every(([key, value]) => own(labels, key) === value)) return false;
  return (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
    const value = own(labels, key);
    switch (operator) {
      case 'In':
        return value !== undefined && values.includes(value);
      case 'NotIn':
        return value === undefined || !values.includes(value);
      case 'Exists':
        return value !== undefined;
      case 'DoesNotExist':
        return value === undefined;
    }
  });
}

export function isControlPlane(node: NodeFacts): boolean {
  return LABELS_CONTROL_PLANE.some((label) => label in node.labels);
}

/** Names of the nodes a rollout works on, sorted. */
export function targetsOf(spec: NodeOpSpec, nodes: ReadonlyMap<string, NodeFacts>): string[] {
  return [...nodes.values()]
    .filter((node) => matches(spec.nodeSelector, node.labels))
    .map((node) => node.name)
    .toSorted();
}

/** The value nodes are grouped by; '' without a topology key or the label. */
export function topologyValue(spec: NodeOpSpec, node: NodeFacts | undefined): string {
  return spec.topologyKey === undefined ? '' : (own(node?.labels, spec.topologyKey) ?? '');
}

/**
 * Names in the order nodes are started: by topology value, control plane first, then by name; the node
 * the agent runs on is last of all, so that its own drain or reboot interrupts nothing else.
 */
export function inOrder(
  names: readonly string[],
  nodes: ReadonlyMap<string, NodeFacts>,
  spec: NodeOpSpec,
  agentNode: string | undefined,
): string[] {
  const ranked = names.map((name) => {
    const node = nodes.get(name);
    return {
      name,
      own: name === agentNode ? 1 : 0,
      group: topologyValue(spec, node),
      worker: node && isControlPlane(node) ? 0 : 1,
    };
  });
  ranked.sort(
    (a, b) => a.own - b.own || compare(a.group, b.group) || a.worker - b.worker || compare(a.name, b.name),
  );
  return ranked.map(({ name }) => name);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
