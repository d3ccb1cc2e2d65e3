import type { NodeOpSpec, NodeOpStatus } from '../../../api/nodeop.ts';
import { REST, type Step } from '../../../api/steps.ts';
import { atOnce, resolved } from '../amounts.ts';
import type { NodeFacts } from '../facts.ts';
import { inOrder, matches } from '../targets.ts';

/** One step of a rollout with its nodes, for whoever shows it. */
export interface StepShare {
  name: string;
  /** In the order in which they are started. */
  nodes: string[];
  /** Nodes at the same time; Infinity without a bound. */
  concurrency: number;
  /** Infinity where only the bound of the whole rollout counts. */
  maxFailures: number;
  soakSeconds: number;
  checks: NonNullable<Step['checks']>;
}

type Chosen = (readonly [name: string, step: number])[];

/**
 * Which target is in which step, in the order in which they are started: each step takes the first that match of those that
 * are in none before. An `upTo` that is a share is rounded down.
 */
function chosen(
  spec: NodeOpSpec,
  names: readonly string[],
  nodes: ReadonlyMap<string, NodeFacts>,
  agentNode: string | undefined,
): Chosen {
  const { steps = [] } = spec;
  const order = inOrder(names, nodes, spec, agentNode);
  const taken = new Map<string, number>();
  for (const [i, { nodeSelector, upTo }] of steps.entries()) {
    const most = upTo === undefined ? Infinity : resolved(upTo, names.length);
    for (const name of order) {
      if (taken.size >= most) break;
      if (!taken.has(name) && matches(nodeSelector, nodes.get(name)?.labels ?? {})) taken.set(name, i);
    }
  }
  return order.map((name) => [name, taken.get(name) ?? steps.length]);
}

/** `status.stepOf`: one character a target, in the byte order of their names. Undefined without steps. */
export function stepOf(
  spec: NodeOpSpec,
  names: readonly string[],
  nodes: ReadonlyMap<string, NodeFacts>,
  agentNode: string | undefined,
): string | undefined {
  if (spec.steps === undefined) return undefined;
  const steps = new Map(chosen(spec, names, nodes, agentNode));
  return inByteOrder(names)
    .map((name) => (steps.get(name) ?? 0).toString(36))
    .join('');
}

/** The same from the names of steps; undefined without steps, and where one is not known. */
export function stepOfNamed(
  spec: Partial<Pick<NodeOpSpec, 'steps'>>,
  named: ReadonlyMap<string, string | undefined>,
): string | undefined {
  if (spec.steps === undefined) return undefined;
  const places = new Map([...spec.steps.map(({ name }) => name), REST].map((name, i) => [name, i]));
  const found = inByteOrder([...named.keys()]).map((name) => places.get(named.get(name) ?? ''));
  return found.includes(undefined) ? undefined : found.map((it) => (it ?? 0).toString(36)).join('');
}

/** The step of each of the names, in the order they are given; undefined where that is not on record. */
export function readStepOf(text: string | undefined, names: readonly string[]): number[] | undefined {
  if (text?.length !== names.length) return undefined;
  const steps = new Map(inByteOrder(names).map((name, i) => [name, Number.parseInt(text.charAt(i), 36)]));
  return names.map((name) => steps.get(name) ?? 0);
}

/** The name of the step that each node is in, as far as that is on record. */
export function stepsByNode({
  nodeStatuses = {},
  stepOf: text,
  steps = [],
}: NodeOpStatus): Map<string, string> {
  const names = Object.keys(nodeStatuses);
  const found = readStepOf(text, names) ?? [];
  return new Map(found.map((step, i) => [names[i] ?? '', steps[step]?.name ?? REST]));
}

/** Names of nodes are ASCII. */
function inByteOrder(names: readonly string[]): string[] {
  return names.toSorted();
}

/** The steps as a rollout over these targets would have them; the rest is among them when it has nodes. */
export function stepShares(
  spec: NodeOpSpec,
  names: readonly string[],
  nodes: ReadonlyMap<string, NodeFacts>,
  agentNode: string | undefined,
): StepShare[] {
  const members = Map.groupBy(chosen(spec, names, nodes, agentNode), ([, step]) => step);
  const inStep = (i: number) => (members.get(i) ?? []).map(([name]) => name);
  return rulesOf(spec, (i) => members.get(i)?.length ?? 0).map((rules, i) => ({
    ...rules,
    nodes: inStep(i),
  }));
}

/** What holds for one step, with its amounts as they come out. */
export type StepRules = Omit<StepShare, 'nodes'> & { size: number; soakGraceSeconds: number };

/** Of all steps in their order; none for a spec without. */
export function rulesOf(spec: NodeOpSpec, sizeOf: (step: number) => number): StepRules[] {
  const { steps = [], concurrency: whole } = spec;
  const rules = steps.map((step, i): StepRules => {
    const { name, maxFailures, soakSeconds, soakGraceSeconds, checks = [] } = step;
    const size = sizeOf(i);
    const concurrency = atOnce(step.concurrency ?? whole, size);
    const most = resolved(maxFailures, size);
    return { name, size, concurrency, maxFailures: most, soakSeconds, soakGraceSeconds, checks };
  });
  const size = sizeOf(steps.length);
  if (steps.length === 0 || size === 0) return rules;
  // Only what holds for the whole rollout holds for the rest.
  const concurrency = atOnce(whole, size);
  const nothing = { maxFailures: Infinity, soakSeconds: 0, soakGraceSeconds: 0, checks: [] };
  return [...rules, { name: REST, size, concurrency, ...nothing }];
}
