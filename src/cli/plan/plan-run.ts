import { createHash } from 'node:crypto';
import { relative, resolve } from 'node:path';
import type { AgentConfig } from '../../api/config.ts';
import { InvalidError } from '../../api/errors.ts';
import type { NodeOp } from '../../api/nodeop.ts';
import type { LocatedProblem } from '../../api/documents.ts';
import { ANNOTATION_RUN } from '../../api/labels.ts';
import { isFinalPhase, type NodeOpSpec, NodeOpSpecSchema } from '../../api/nodeop.ts';
import { meantOtherwise } from '../../core/external/spec.ts';
import { previewDrain, type DrainPreview } from '../../core/preview/drain.ts';
import { previewOrder, type Place } from '../../core/preview/order.ts';
import { assemble, type RunPreview } from '../../core/preview/preview.ts';
import { copyProblem } from '../../core/rollout/identity.ts';
import type { Definition } from '../../core/runs/definitions.ts';
import { unguardedText } from '../../core/rollout/retries.ts';
import { askedBy, namesakeText } from '../../core/runs/namesakes.ts';
import { nameTaken } from '../../core/runs/name-taken.ts';
import { isRunFile, runId, type Layout } from '../../core/runs/paths.ts';
import { takesPlace } from '../../core/runs/places.ts';
import { type Manifest, prepareRun, type Preparation } from '../../core/runs/prepare.ts';
import { reasonOf } from '../system-error.ts';
import { readStored } from '../stored.ts';
import { readNamesakes, standingOf } from '../namesakes.ts';
import { type Past, pastOf, underWay } from './past.ts';
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
  maxConcurrent: number;
  definitions: readonly Definition[];
  nodeSeconds: number;
}

export interface ReadRun {
  /** Path in the repository. */
  run: string;
  prepared: Preparation;
  /** The checkout shows another text than git stores, which is the one that is carried out. */
  differs?: boolean;
}

const DIFFERS =
  'the checkout shows another text than git stores (.gitattributes); this is what git stores, and what is carried out';

/** Pods of so many nodes are asked for at a time. */
const PARALLEL = 8;

export async function readRun(file: string, context: PlanContext): Promise<ReadRun> {
  const run = relative(resolve(context.root), resolve(file));
  const refuse = (message: string): ReadRun => ({
    run,
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
    return {
      run,
      prepared: prepareRun({ path: run, mode, blob: blobId(bytes), commit: '', content: bytes }, context),
      differs: differs === true,
    };
  } catch (error) {
    const way = `run files are named from ${process.cwd()}`;
    throw new InvalidError(`cannot read ${file}: ${reasonOf(error)}; ${way}`, [], { cause: error });
  }
}

/** The object id git gives this content, since names derived from it must be those of the real run. */
function blobId(bytes: Uint8Array): string {
  return createHash('sha1').update(`blob ${bytes.byteLength}\0`).update(bytes).digest('hex');
}

export async function planRun(
  { run, prepared, differs }: ReadRun,
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
  const judged = await judge(run, prepared, context, view);
  const preview = assemble({
    run,
    manifest,
    cluster: context.layout.cluster,
    facts: view.facts,
    places,
    drains,
    nodeSeconds: context.nodeSeconds,
    blockers: judged.blockers,
    notes: [
      ...(differs === true ? [DIFFERS] : []),
      ...judged.notes,
      ...othersOf(context, prepared.manifest.spec),
      ...timesOf(prepared),
      ...retriesOf(context, manifest.spec, view),
      ...queueOf(context, view),
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

/** What keeps the agent from starting this run at all, and what it does instead with one that is under way. */
async function judge(
  run: string,
  prepared: Valid,
  context: PlanContext,
  view: ClusterView,
): Promise<{ blockers: string[]; notes: string[] }> {
  const { manifest, notAfter } = prepared;
  const { layout, results } = context;
  const past = results === undefined ? {} : await pastOf(results, layout, run, manifest);
  const { name, namespace } = manifest.metadata;
  const twin = view.nodeOps.find((it) => it.metadata.name === name && it.metadata.namespace === namespace);
  const here = twin === undefined ? {} : twinOf(twin, runId(layout, run), manifest);
  const sharing = twin === undefined ? await sharedName(run, prepared, context) : {};
  const late = notAfter !== undefined && Date.parse(notAfter) < Date.now() && past.note === undefined;
  // What the cluster and the repository both say is said once, as the cluster says it.
  const known = [
    ...(here.note === undefined ? [past] : []),
    here,
    ...(past.blocker === undefined ? [sharing] : []),
  ];
  return {
    blockers: [
      ...known.flatMap((it) => it.blocker ?? []),
      ...(late ? [`its time is over: not after ${notAfter}`] : []),
    ],
    notes: known.flatMap((it) => it.note ?? []),
  };
}

/** Another run file asks for the same NodeOp: it is the later one's fault, as far as it can be told which that is. */
async function sharedName(run: string, prepared: Valid, context: PlanContext): Promise<Past> {
  const asked = askedBy(run, prepared);
  if (asked === undefined) return {};
  const folder = { root: context.root, context, results: context.results };
  const others = await readNamesakes([asked], folder, new Set([run]));
  const standing = await Promise.all(others.map((it) => standingOf(it, folder)));
  // The NodeOp of one that is over is there or is not, which the cluster says.
  const open = standing.filter(({ isOver }) => !isOver);
  const first = open.find(({ path, isSeen }) => isSeen || path < run);
  if (first) return { blocker: namesakeText(asked, first) };
  return open[0] ? { note: namesakeText(asked, open[0]) } : {};
}

/** What a NodeOp of that name that is there already means for the run. */
function twinOf(twin: NodeOp, id: string, { spec }: Manifest): Past {
  if (twin.metadata.annotations?.[ANNOTATION_RUN] !== id) return { blocker: nameTaken(twin) };
  const label = `NodeOp ${twin.metadata.namespace}/${twin.metadata.name}`;
  if (!isFinalPhase(twin.status?.phase)) return underWay(label, twin.spec, spec);
  return { blocker: `it was started before as ${label} and is never repeated; add another file instead` };
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

function timesOf({ notBefore, notAfter, window }: Valid): string[] {
  return [
    ...(notBefore === undefined ? [] : [`starts not before ${notBefore}`]),
    ...(notAfter === undefined ? [] : [`starts not after ${notAfter}`]),
    ...(window === undefined
      ? []
      : [`starts nodes only for ${window.duration} from "${window.schedule}" on (${window.timeZone})`]),
  ];
}

function queueOf({ maxConcurrent }: PlanContext, { nodeOps, held }: ClusterView): string[] {
  const brake = held === undefined ? [] : [`nothing begins before the hold is taken away: ${held}`];
  const open = nodeOps.filter(
    (it) =>
      it.metadata.annotations?.[ANNOTATION_RUN] !== undefined &&
      copyProblem(it) === undefined &&
      takesPlace(it),
  );
  if (open.length < maxConcurrent) return brake;
  const names = open.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  return [...brake, `waits for runs under way, of which there may be ${maxConcurrent}: ${names.join(', ')}`];
}
