import type { NodeOpSpec } from '../../api/nodeop.ts';
import { REST } from '../../api/steps.ts';
import { idleIntervals } from '../checks/idle-intervals.ts';
import { amountsOf } from '../rollout/amounts.ts';
import { spoken } from '../text/table.ts';
import { tooManyNodes } from '../rollout/capacity.ts';
import { whyNoMatch } from '../rollout/near-labels.ts';
import type { Resolved } from '../runs/parameters/environment.ts';
import type { Manifest } from '../runs/prepare.ts';
import type { DrainPreview } from './drain.ts';
import { stepPreviews, type StepPreview } from './steps.ts';
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
  /** Each is passed before the next begins; absent where the rollout has none. */
  steps?: StepPreview[];
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
  /** Where the rollout has steps: the one it is in. */
  step?: string;
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
  const names = places.map(({ name }) => name);
  const steps = stepPreviews(spec, names, facts);
  const tooMany = tooManyNodes({ name: metadata.name, uid: '', spec }, names);
  const none = places.length === 0 ? [`no node matches the selector: the run would fail; ${why()}`] : [];
  return {
    run,
    nodeOp: `${metadata.namespace}/${metadata.name}`,
    cluster,
    blockers: [...input.blockers, ...none, ...(tooMany === undefined ? [] : [tooMany])],
    notes: [...input.notes, ...notesOf(spec, nodes, steps), ...sharedBudgets(places, drains)],
    parameters: input.parameters ?? [],
    ...(steps.length > 0 && { steps }),
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
  { name, batch, reason, waitsFor, step }: Place,
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
    ...(step !== undefined && { step }),
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

function notesOf(spec: NodeOpSpec, nodes: readonly NodePreview[], steps: readonly StepPreview[]): string[] {
  const notes: string[] = [];
  const { drainOptions } = spec;
  if (spec.suspend) notes.push('suspended: no node is started before suspend is taken out');
  notes.push(...amountNotes(spec, nodes.length, steps));
  const empty = steps.filter((it) => it.nodes.length === 0);
  notes.push(...empty.map(({ name }) => `step ${name} takes no node: it is passed at once`));
  notes.push(...idleIntervals(spec.steps ?? []).map(({ message }) => message));
  if (spec.rebootOnSuccess && !drainOptions.enabled) {
    notes.push('nodes reboot without a drain: their pods go down with them');
  }
  if (drainOptions.enabled && drainOptions.timeoutSeconds > 0) {
    notes.push(`a drain that is held up for ${spoken(drainOptions.timeoutSeconds)} fails its node`);
  }
  if (drainOptions.force) notes.push('pods without a controller are evicted too, and are gone for good');
  if (drainOptions.deleteEmptyDirData) notes.push('data in emptyDir volumes of evicted pods is lost');
  return notes;
}

/** What shares come to, and bounds that are not there. */
function amountNotes(spec: NodeOpSpec, count: number, steps: readonly StepPreview[]): string[] {
  const { concurrency, maxFailures, stopOnFailure } = spec;
  const notes: string[] = [];
  const { concurrency: atATime, maxFailures: most } = amountsOf(spec, count) ?? {};
  // Of a step its own line tells.
  if (atATime !== undefined && steps.length === 0) {
    notes.push(`concurrency: ${concurrency} of ${count} nodes is ${atATime}`);
  }
  if (most !== undefined) notes.push(`maxFailures: ${maxFailures} of ${count} nodes is ${most}`);
  if (concurrency === 0 && count > 1 && steps.length === 0) {
    notes.push(`all ${count} nodes at once: concurrency is not set`);
  }
  if (count <= 1 || maxFailures !== undefined || stopOnFailure) return notes;
  if (steps.length === 0) {
    notes.push('a failure does not stop it: neither stopOnFailure nor maxFailures is set');
  } else if (steps.some(({ name }) => name === REST)) {
    notes.push(`a failure in step ${REST} does not stop it: neither stopOnFailure nor maxFailures is set`);
  }
  return notes;
}
