import type { NodeOpSpec } from '../../api/nodeop.ts';
import { spoken } from '../text/table.ts';
import type { NodeFacts } from '../rollout/facts.ts';
import { atOnce } from '../rollout/amounts.ts';
import { stepShares } from '../rollout/steps/split.ts';
import { inOrder, isControlPlane, targetsOf, topologyValue } from '../rollout/targets.ts';

/** What is known of a cluster before a rollout begins. */
export interface ClusterFacts {
  nodes: ReadonlyMap<string, NodeFacts>;
  /** Nodes that NodeOps under way hold, and which. */
  claims: ReadonlyMap<string, string>;
  /** Where the acting agent runs, as far as known; its node comes last and its pod is never evicted. */
  agentNode: string | undefined;
  /** `<namespace>/<name>`. */
  agentPod: string | undefined;
}

/** A target's place in the rollout. */
export interface Place {
  name: string;
  /** Counts from 1: the nodes of one batch run side by side. Absent when it cannot be told: it comes when it can. */
  batch: number | undefined;
  /** Why it comes here. */
  reason: string;
  /** What keeps it from starting. */
  waitsFor: string | undefined;
  /** Where the rollout has steps: the one it is in. */
  step?: string;
}

/**
 * The targets in the order they are started, by the very rules of the rollout: step by step, and in each those that can
 * start now first. Nodes that cannot (busy, not Ready) hold up no other of their step.
 */
export function previewOrder(spec: NodeOpSpec, facts: ClusterFacts): Place[] {
  const { nodes, agentNode } = facts;
  const targets = targetsOf(spec, nodes);
  const steps = stepShares(spec, targets, nodes, agentNode);
  if (steps.length === 0) {
    const names = inOrder(targets, nodes, spec, agentNode);
    return placesOf({ names, concurrency: atOnce(spec.concurrency, names.length), after: 0 }, spec, facts);
  }
  let after = 0;
  return steps.flatMap(({ name: step, nodes: names, concurrency }) => {
    const places = placesOf({ names, concurrency, after }, spec, facts);
    after = Math.max(after, ...places.map(({ batch }) => batch ?? 0));
    return places.map((place) => ({ ...place, step }));
  });
}

/** @param after number of the batch before the first */
function placesOf(
  { names, concurrency, after }: { names: readonly string[]; concurrency: number; after: number },
  spec: NodeOpSpec,
  { nodes, claims, agentNode }: ClusterFacts,
): Place[] {
  const isReady = (name: string) => nodes.get(name)?.ready === true;
  const free = names.filter((name) => isReady(name) && !claims.has(name));
  const busy = names.filter((name) => isReady(name) && claims.has(name));
  const notReady = names.filter((name) => !isReady(name));
  const reason = (name: string) => reasonOf(spec, nodes.get(name), agentNode);
  return [
    ...batches(free, spec, nodes, concurrency).map(({ name, batch }) => {
      return { name, batch: after + batch, reason: reason(name), waitsFor: undefined };
    }),
    ...busy.map((name) => {
      const waitsFor = `busy with NodeOp ${claims.get(name) ?? ''}`;
      return { name, batch: undefined, reason: 'comes when it is free', waitsFor };
    }),
    ...notReady.map((name) => {
      const waitsFor = `not Ready; fails when it is still so ${spoken(spec.nodeReadyTimeoutSeconds)} after the others`;
      return { name, batch: undefined, reason: 'not Ready, so last', waitsFor };
    }),
  ];
}

/** Nodes side by side: as many as `concurrency` allows, of one topology value at a time. */
function batches(
  names: readonly string[],
  spec: NodeOpSpec,
  nodes: ReadonlyMap<string, NodeFacts>,
  limit: number,
): { name: string; batch: number }[] {
  let batch = 0;
  let size = Infinity;
  let group: string | undefined;
  return names.map((name) => {
    const own = topologyValue(spec, nodes.get(name));
    if (size >= limit || own !== group) {
      batch += 1;
      size = 0;
    }
    group = own;
    size += 1;
    return { name, batch };
  });
}

function reasonOf(spec: NodeOpSpec, node: NodeFacts | undefined, agentNode: string | undefined): string {
  if (node === undefined) return '';
  if (node.name === agentNode) return 'the agent runs here, so last of all';
  const group = spec.topologyKey === undefined ? '' : topologyValue(spec, node);
  const where = spec.topologyKey === undefined ? [] : [group === '' ? `no ${spec.topologyKey}` : group];
  return [...where, isControlPlane(node) ? 'control plane first' : 'by name'].join(', ');
}

/**
 * The shortest time the rollout can take, in seconds, when one node takes `nodeSeconds`: batches follow each other, each slot
 * is held until its soak is over, and each step ends with a soak of its own.
 */
export function shortestSeconds(places: readonly Place[], spec: NodeOpSpec, nodeSeconds: number): number {
  const rules = new Map(spec.steps?.map((it) => [it.name, it]));
  let seconds = 0;
  let before = { soakSeconds: 0, held: 0 };
  for (const [name = '', members] of Map.groupBy(places, ({ step }) => step)) {
    const rule = rules.get(name);
    const batchSizes = Map.groupBy(
      members.filter(({ batch }) => batch !== undefined),
      ({ batch }) => batch,
    );
    const count = batchSizes.size;
    // Nodes of the step before that soak have all the slots of this one, or leave it some to begin with.
    const isFull = before.held >= atOnce(rule?.concurrency ?? spec.concurrency, members.length);
    seconds += Math.max(before.soakSeconds, isFull ? spec.soakSeconds : 0);
    if (count > 0) seconds += (count - 1) * (nodeSeconds + spec.soakSeconds) + nodeSeconds;
    const held = [...batchSizes.values()].at(-1)?.length ?? 0;
    before = { soakSeconds: rule?.soakSeconds ?? 0, held };
  }
  return seconds + before.soakSeconds;
}
