import type { NodeOpSpec } from '../../api/nodeop.ts';
import { spoken } from '../text/table.ts';
import { whyNoMatch } from '../rollout/near-labels.ts';
import type { Resolved } from '../runs/parameters/environment.ts';
import type { Manifest } from '../runs/prepare.ts';
import type { DrainPreview } from './drain.ts';
import { type ClusterFacts, type Place, shortestSeconds } from './order.ts';

/** What merging one run file would do, on the cluster as it is now. */
export interface RunPreview {
  /** Path of the run file. */
  run: string;
  /** `<namespace>/<name>` of the NodeOp that would be created. */
  nodeOp: string;
  cluster: string | undefined;
  /** What would keep the whole run from being carried out. */
  blockers: string[];
  /** What else a reviewer should know. */
  notes: string[];
  /** As they come out; none where the definition declares none. */
  parameters: readonly Resolved[];
  /** Nodes side by side count as one batch. */
  batches: number;
  shortestSeconds: number;
  /** In the order they are started. */
  nodes: NodePreview[];
  /** As it would be carried out, after merge and defaults. */
  spec: NodeOpSpec;
}

export interface NodePreview {
  name: string;
  batch: number | undefined;
  reason: string;
  /** Pods that would be evicted, `<namespace>/<name>`; absent when they are not known. */
  evict: string[] | undefined;
  blockers: string[];
  notes: string[];
}

export interface PreviewInput {
  run: string;
  manifest: Manifest;
  cluster: string | undefined;
  facts: ClusterFacts;
  places: readonly Place[];
  /** By node; empty when nothing is drained. */
  drains: ReadonlyMap<string, DrainPreview>;
  /** Seconds one node is expected to take. */
  nodeSeconds: number;
  blockers: string[];
  notes: string[];
  parameters?: readonly Resolved[];
}

/** Puts the parts together. */
export function assemble(input: PreviewInput): RunPreview {
  const { run, manifest, cluster, facts, places, drains, nodeSeconds } = input;
  const { metadata, spec } = manifest;
  const nodes = places.map((place) => nodePreview(place, spec, facts, drains.get(place.name)));
  const labels = () => [...facts.nodes.values()].map((it) => it.labels);
  const why = () => whyNoMatch(spec.nodeSelector, labels());
  const none = places.length === 0 ? [`no node matches the selector: the run would fail; ${why()}`] : [];
  return {
    run,
    nodeOp: `${metadata.namespace}/${metadata.name}`,
    cluster,
    blockers: [...input.blockers, ...none],
    notes: [...input.notes, ...notesOf(spec, nodes), ...sharedBudgets(places, drains)],
    parameters: input.parameters ?? [],
    batches: Math.max(0, ...places.map(({ batch }) => batch ?? 0)),
    shortestSeconds: shortestSeconds(places, spec, nodeSeconds),
    nodes,
    spec,
  };
}

export function isBlocked(preview: RunPreview): boolean {
  return preview.blockers.length > 0 || preview.nodes.some(({ blockers }) => blockers.length > 0);
}

function nodePreview(
  { name, batch, reason, waitsFor }: Place,
  spec: NodeOpSpec,
  facts: ClusterFacts,
  drain: DrainPreview | undefined,
): NodePreview {
  const node = facts.nodes.get(name);
  const by = node?.cordonedBy === undefined ? '' : ` by ${node.cordonedBy.split('@')[0]}`;
  const cordoned = node?.unschedulable ? [`already cordoned${by}, stays so afterwards`] : [];
  return {
    name,
    batch,
    reason,
    evict: spec.drainOptions.enabled ? drain?.evict : [],
    blockers: [...(waitsFor === undefined ? [] : [waitsFor]), ...(drain?.blockers ?? [])],
    notes: [...cordoned, ...(drain?.notes ?? [])],
  };
}

/** Budgets that nodes of one batch draw on together, beyond what they allow at a time. */
function sharedBudgets(places: readonly Place[], drains: ReadonlyMap<string, DrainPreview>): string[] {
  const most = new Map<string, { nodes: number; pods: number; allowed: number }>();
  for (const batch of Map.groupBy(places, (place) => place.batch).values()) {
    const sums = new Map<string, { nodes: number; pods: number; allowed: number }>();
    for (const { budget, allowed, pods } of batch.flatMap(({ name }) => drains.get(name)?.shares ?? [])) {
      const sum = sums.get(budget) ?? { nodes: 0, pods: 0, allowed };
      sums.set(budget, { nodes: sum.nodes + 1, pods: sum.pods + pods, allowed });
    }
    for (const [budget, sum] of sums) {
      const over = sum.nodes > 1 && sum.pods > sum.allowed;
      if (over && sum.pods > (most.get(budget)?.pods ?? 0)) most.set(budget, sum);
    }
  }
  return [...most].map(([budget, { nodes, pods, allowed }]) => {
    return `budget ${budget} allows ${allowed} at a time, and ${nodes} nodes drained side by side evict ${pods} of its pods: they wait for each other`;
  });
}

function notesOf(spec: NodeOpSpec, nodes: readonly NodePreview[]): string[] {
  const notes: string[] = [];
  const { drainOptions, concurrency } = spec;
  if (spec.suspend) notes.push('suspended: no node is started before suspend is taken out');
  if (concurrency === 0 && nodes.length > 1)
    notes.push(`all ${nodes.length} nodes at once: concurrency is not set`);
  if (spec.rebootOnSuccess && !drainOptions.enabled) {
    notes.push('nodes reboot without a drain: their pods go down with them');
  }
  const tolerated = spec.maxFailures ?? (spec.stopOnFailure ? 0 : undefined);
  if (tolerated === undefined && nodes.length > 1) {
    notes.push('a failure does not stop it: neither stopOnFailure nor maxFailures is set');
  }
  if (drainOptions.enabled && drainOptions.timeoutSeconds > 0) {
    notes.push(`a drain that is held up for ${spoken(drainOptions.timeoutSeconds)} fails its node`);
  }
  if (drainOptions.force) notes.push('pods without a controller are evicted too, and are gone for good');
  if (drainOptions.deleteEmptyDirData) notes.push('data in emptyDir volumes of evicted pods is lost');
  return notes;
}
