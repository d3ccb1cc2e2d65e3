import type { CheckAccess } from '../../api/check-access.ts';
import { readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import type { AgentConfig } from '../../api/config.ts';
import { InvalidError } from '../../api/errors.ts';
import type { NodeOp } from '../../api/nodeop.ts';
import type { LocatedProblem } from '../../api/documents.ts';
import { ANNOTATION_RUN } from '../../api/labels.ts';
import { type NodeOpSpec, NodeOpSpecSchema } from '../../api/nodeop.ts';
import { meantOtherwise } from '../../core/external/spec.ts';
import { previewDrain, type DrainPreview } from '../../core/preview/drain.ts';
import { previewOrder, type Place } from '../../core/preview/order.ts';
import { type Known, type Outlook, outlooks } from '../../core/preview/outlook.ts';
import { assemble, type RunPreview } from '../../core/preview/preview.ts';
import { copyProblem } from '../../core/rollout/identity.ts';
import type { Definition } from '../../core/runs/definitions.ts';
import { unguardedText } from '../../core/rollout/retries.ts';
import { askedBy, namesakeText } from '../../core/runs/namesakes.ts';
import { nodeOpsByRun } from '../../core/runs/own.ts';
import { isRunFile, runId, type Layout } from '../../core/runs/paths.ts';
import type { RunFacts } from '../../core/runs/plan.ts';
import { type Manifest, prepareRun, type Preparation } from '../../core/runs/prepare.ts';
import { reasonOf } from '../system-error.ts';
import { blobId, readStored } from '../stored.ts';
import { readNamesakes, standingOf } from '../namesakes.ts';
import { imageNotes } from './images.ts';
import { runFacts } from './run-facts.ts';
import type { ClusterView } from './view.ts';

export type Planned =
  | { kind: 'preview'; preview: RunPreview }
  | { kind: 'invalid'; run: string; problems: readonly LocatedProblem[] }
  /** `cluster`: which one it was planned for; undefined when nobody said. */
  | { kind: 'elsewhere'; run: string; cluster: string | undefined; clusters: readonly string[] };

/** The repository a run file lies in, and what the agent there is configured to. */
export interface PlanContext {
  root: string;
  /** Where reports lie; absent when that is not in `root` and was not told. */
  results: string | undefined;
  layout: Layout;
  namespace: string;
  executor: AgentConfig['rollout']['executor'];
  defaultImage: string | undefined;
  checkAccess?: CheckAccess | undefined;
  maxConcurrent: number;
  maxAgeMs: number;
  /** The agent asks for signatures. */
  verifies: boolean;
  definitions: readonly Definition[];
  nodeSeconds: number;
}

export interface ReadRun {
  /** Path in the repository. */
  run: string;
  blob: string;
  prepared: Preparation;
  /** The checkout shows another text than git stores, which is the one that is carried out. */
  differs?: boolean;
  /** Of its images that are named by tag. */
  imageNotes?: readonly string[];
}

const DIFFERS =
  'the checkout shows another text than git stores (.gitattributes); this is what git stores, and what is carried out';

/** Pods of so many nodes are asked for at a time. */
const PARALLEL = 8;

export async function readRun(file: string, context: PlanContext): Promise<ReadRun> {
  const run = relative(resolve(context.root), resolve(file));
  const refuse = (message: string): ReadRun => ({
    run,
    blob: '',
    prepared: { ok: false, problems: [{ path: [], message }] },
  });
  try {
    const {
      mode = '',
      bytes = new Uint8Array(),
      differs,
      problem,
    } = readStored(context.root, [file]).get(file) ?? {};
    if (problem !== undefined) return refuse(problem);
    if (mode === '160000') return refuse('is not a file; name run files');
    const { layout } = context;
    if (!isRunFile(layout, run, mode)) {
      return refuse(
        `is not a run file: it would have to be a YAML file under ${layout.runs}/ of ${context.root}`,
      );
    }
    const blob = blobId(context.root, bytes);
    const prepared = prepareRun({ path: run, mode, blob, commit: '', content: bytes }, context);
    const named = prepared.ok ? imageNotes(prepared, { file, bytes }, context.root) : [];
    return { run, blob, prepared, differs: differs === true, imageNotes: named };
  } catch (error) {
    const way = `run files are named from ${process.cwd()}`;
    throw new InvalidError(`cannot read ${file}: ${reasonOf(error)}; ${way}`, [], { cause: error });
  }
}

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
  { run, prepared, differs, imageNotes: images = [] }: ReadRun,
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
    notes: [
      ...(differs === true ? [DIFFERS] : []),
      ...brakeOf(view),
      ...outlook.notes,
      ...sharing.notes,
      ...othersOf(context, prepared.manifest.spec),
      ...timesOf(prepared),
      ...retriesOf(context, manifest.spec, view),
      ...signaturesOf(context),
      ...images,
      ...gaps,
      ...pastGapOf(context),
    ],
  });
  return { kind: 'preview', preview };
}

function pastGapOf({ results }: PlanContext): string[] {
  if (results !== undefined) return [];
  return ['whether it was carried out before is not known: --results names a checkout with the reports'];
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

type Valid = Extract<Preparation, { ok: true }>;

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

function othersOf({ executor }: PlanContext, written: NodeOpSpec): string[] {
  if (executor === 'agent') return [];
  const said =
    'another controller carries it out: order, drains and times are what this agent would make of it';
  return [said, ...meantOtherwise(written)];
}

/** What another controller is given has no defaults; it drains only what it cordons. */
function whole(manifest: Manifest, { executor }: PlanContext): Manifest {
  if (executor === 'agent') return manifest;
  const spec = NodeOpSpecSchema.parse(manifest.spec);
  const enabled = spec.drainOptions.enabled && spec.cordon;
  return { ...manifest, spec: { ...spec, drainOptions: { ...spec.drainOptions, enabled } } };
}

function retriesOf({ executor }: PlanContext, spec: NodeOpSpec, { minor }: ClusterView): string[] {
  const text = executor === 'agent' ? unguardedText(spec, minor) : undefined;
  return text === undefined ? [] : [text];
}

function timesOf({ notAfter, window }: Valid): string[] {
  return [
    ...(notAfter === undefined ? [] : [`starts not after ${notAfter}`]),
    ...(window === undefined
      ? []
      : [`starts nodes only for ${window.duration} from "${window.schedule}" on (${window.timeZone})`]),
  ];
}

function brakeOf({ held }: ClusterView): string[] {
  return held === undefined ? [] : [`nothing begins before the hold is taken away: ${held}`];
}

function signaturesOf({ verifies }: PlanContext): string[] {
  return verifies
    ? [
        'signatures are asked for (git.verify) and not judged here: unless an allowed key signed its commits, it is Invalid',
      ]
    : [];
}
