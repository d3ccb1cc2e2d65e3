import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeOp } from '../../api/nodeop.ts';
import type { LocatedProblem } from '../../api/documents.ts';
import { ANNOTATION_RUN } from '../../api/labels.ts';
import { NodeOpSpecSchema } from '../../api/nodeop.ts';
import { previewDrain, type DrainPreview } from '../../core/preview/drain.ts';
import { previewOrder, type Place } from '../../core/preview/order.ts';
import { type Known, type Outlook, outlooks } from '../../core/preview/outlook.ts';
import { assemble, type RunPreview } from '../../core/preview/preview.ts';
import { copyProblem } from '../../core/rollout/identity.ts';
import { askedBy, namesakeText } from '../../core/runs/namesakes.ts';
import { nodeOpsByRun } from '../../core/runs/own.ts';
import { runId } from '../../core/runs/paths.ts';
import type { RunFacts } from '../../core/runs/plan.ts';
import { type Manifest, prepareRun } from '../../core/runs/prepare.ts';
import { blobId } from '../stored.ts';
import { readNamesakes, standingOf } from '../namesakes.ts';
import { runFacts } from './run-facts.ts';
import type { ClusterView } from './view.ts';
import type { PlanContext } from './context.ts';
import { notesOf } from './notes.ts';
import type { ReadRun, Valid } from './read-run.ts';

export type Planned =
  | { kind: 'preview'; preview: RunPreview }
  | { kind: 'invalid'; run: string; problems: readonly LocatedProblem[] }
  /** `cluster`: which one it was planned for; undefined when nobody said. */
  | { kind: 'elsewhere'; run: string; cluster: string | undefined; clusters: readonly string[] };

/** Pods of so many nodes are asked for at a time. */
const PARALLEL = 8;

/** Plans run files as if all of them were merged together. */
export async function planAll(
  runs: readonly ReadRun[],
  context: PlanContext,
  view: ClusterView,
): Promise<Planned[]> {
  const judged = await judge(runs, context, view);
  const planned: Planned[] = [];
  // oxlint-disable-next-line no-await-in-loop -- each asks the API server for pods in parallel already
  for (const it of runs) planned.push(await planRun(it, judged.get(it.run), context, view));
  return planned;
}

async function planRun(
  { run, prepared, differs, imageNotes = [] }: ReadRun,
  outlook: Outlook = { blockers: [], notes: [] },
  context: PlanContext,
  view: ClusterView,
): Promise<Planned> {
  if (!prepared.ok) return { kind: 'invalid', run, problems: prepared.problems };
  if (!prepared.here) {
    const { clusters = [] } = prepared;
    return { kind: 'elsewhere', run, cluster: context.layout.cluster, clusters };
  }
  const manifest = whole(prepared.manifest, context);
  const places = previewOrder(manifest.spec, view.facts);
  const { drainOptions } = manifest.spec;
  const drains = drainOptions.enabled
    ? await drainsOf(places, drainOptions, view)
    : new Map<string, DrainPreview>();
  const gaps = [...view.gaps, ...(drainOptions.enabled ? view.podGaps : [])];
  const sharing =
    outlook.blockers.length > 0 ? { blockers: [], notes: [] } : await sharedName(run, prepared, context);
  const preview = assemble({
    run,
    manifest,
    cluster: context.layout.cluster,
    facts: view.facts,
    places,
    drains,
    nodeSeconds: context.nodeSeconds,
    blockers: [...outlook.blockers, ...sharing.blockers],
    ...(prepared.parameters && { parameters: prepared.parameters }),
    notes: notesOf(
      { prepared, differs, imageNotes, spec: manifest.spec },
      { outlook, sharing, gaps },
      context,
      view,
    ),
  });
  return { kind: 'preview', preview };
}

async function drainsOf(
  places: readonly Place[],
  options: Parameters<typeof previewDrain>[2],
  view: ClusterView,
): Promise<Map<string, DrainPreview>> {
  const budgets = await view.budgets();
  const drains = new Map<string, DrainPreview>();
  const todo = places.map(({ name }) => name)[Symbol.iterator]();
  // Workers share one iterator; a node's pods are let go of as soon as they are judged.
  const work = async (): Promise<void> => {
    for (const name of todo) {
      // oxlint-disable-next-line no-await-in-loop -- that is what a worker does
      const pods = await view.podsOf(name);
      if (pods) drains.set(name, previewDrain(pods, budgets, options, view.facts.agentPod));
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return drains;
}

/** What the agent would make of all of them when they are merged together. By path. */
async function judge(
  runs: readonly ReadRun[],
  context: PlanContext,
  view: ClusterView,
): Promise<Map<string, Outlook>> {
  const { layout, maxConcurrent, maxAgeMs, executor } = context;
  const nodeOps = nodeOpsByRun(layout, view.nodeOps ?? []);
  const cluster = { nodeOps: view.nodeOps && nodeOps, began: view.record?.began };
  const known: Known[] = [];
  for (const { run, blob, prepared } of runs) {
    if (!prepared.ok || !prepared.here) continue;
    // oxlint-disable-next-line no-await-in-loop -- each may read of the history
    const it = await runFacts({ path: run, blob, prepared }, context, cluster);
    known.push({ ...it, nameHolder: nameHolderOf(prepared.manifest, runId(layout, run), view) });
  }
  const wanted = new Set(runs.map(({ run }) => run));
  const others: RunFacts[] = [...nodeOps]
    .filter(([path]) => !wanted.has(path))
    .map(([path, nodeOp]) => ({ path, nodeOp, passedOver: false, judged: false }));
  others.push(...waitingRuns(view, context, new Set([...wanted, ...nodeOps.keys()])));
  const obstacle = executor === 'agent' ? view.obstacle : undefined;
  return outlooks(known, others, new Date(), { maxConcurrent, maxAgeMs, obstacle });
}

/** Those that wait in the cluster have their files here as a rule, and come before what is not merged yet. */
function waitingRuns({ record }: ClusterView, context: PlanContext, skip: ReadonlySet<string>): RunFacts[] {
  const paths = (record?.waiting ?? []).map(({ run }) => run).filter((it) => !skip.has(it));
  return paths.flatMap((path, order): RunFacts[] => {
    const content = readIfThere(join(context.root, path));
    if (content === undefined) return [];
    const source = { path, mode: '100644', blob: blobId(context.root, content), commit: '', content };
    const prepared = prepareRun(source, context);
    const file = { blob: source.blob, order, prepare: () => prepared };
    return [{ path, file, passedOver: false, judged: false }];
  });
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}

/** Who has the name it asks for and is not its own: the agent would refuse the run. */
function nameHolderOf({ metadata }: Manifest, id: string, { nodeOps = [] }: ClusterView): NodeOp | undefined {
  const { name, namespace } = metadata;
  const twin = nodeOps.find((it) => it.metadata.name === name && it.metadata.namespace === namespace);
  const isOwn = twin?.metadata.annotations?.[ANNOTATION_RUN] === id && copyProblem(twin) === undefined;
  return isOwn ? undefined : twin;
}

/** Another run file asks for the same NodeOp: it is the later one's fault, as far as it can be told which that is. */
async function sharedName(run: string, prepared: Valid, context: PlanContext): Promise<Outlook> {
  const nothing = { blockers: [], notes: [] };
  const asked = askedBy(run, prepared);
  if (asked === undefined) return nothing;
  const folder = { root: context.root, context, results: context.results };
  const others = await readNamesakes([asked], folder, new Set([run]));
  const standing = await Promise.all(others.map((it) => standingOf(it, folder)));
  // The NodeOp of one that is over is there or is not, which the cluster says.
  const open = standing.filter(({ isOver }) => !isOver);
  const first = open.find(({ path, isSeen }) => isSeen || path < run);
  if (first) return { blockers: [namesakeText(asked, first)], notes: [] };
  return open[0] ? { blockers: [], notes: [namesakeText(asked, open[0])] } : nothing;
}

/** What another controller is given has no defaults; it drains only what it cordons. */
function whole(manifest: Manifest, { executor }: PlanContext): Manifest {
  if (executor === 'agent') return manifest;
  const spec = NodeOpSpecSchema.parse(manifest.spec);
  const enabled = spec.drainOptions.enabled && spec.cordon;
  return { ...manifest, spec: { ...spec, drainOptions: { ...spec.drainOptions, enabled } } };
}
