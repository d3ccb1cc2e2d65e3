import { createHash } from 'node:crypto';
import { AGENT_API_VERSION, type AgentConfig } from '../../api/config.ts';
import { parseDocument, unreadable, type Content, type LocatedProblem } from '../../api/documents.ts';
import type { KubeObject, ObjectMeta } from '../../api/kubernetes.ts';
import {
  ANNOTATION_RUN,
  ANNOTATION_RUN_BLOB,
  ANNOTATION_RUN_COMMIT,
  ANNOTATION_WINDOW,
  isOwnMark,
} from '../../api/labels.ts';
import {
  NODEOP_API_VERSION,
  NODEOP_KIND,
  NO_IMAGE,
  NodeOpManifestSchema,
  type NodeOpManifest,
  type NodeOpSpec,
  withImage,
} from '../../api/nodeop.ts';
import { NODEOPRUN_KIND, NodeOpRunSchema, type NodeOpRun, type Window } from '../../api/nodeoprun.ts';
import { check, objectName, type Problem } from '../../api/schema.ts';
import { trimBoth } from '../../api/trim.ts';
import { inCommonWords, NOT_CARRIED_OUT, unknownToOthers } from '../external/spec.ts';
import { findDefinition, type Definition } from './definitions.ts';
import { holds, isObject, mergePatch } from './merge.ts';
import { refusal, runId, type Layout } from './paths.ts';

/** Made once: to make a schema takes longer than to check a name. */
const OBJECT_NAME = objectName();

export type Manifest = KubeObject & {
  metadata: ObjectMeta & { name: string; namespace: string };
  spec: NodeOpSpec;
};

/** What a run file asks for, ready to be carried out. */
interface Prepared {
  ok: true;
  manifest: Manifest;
  /** False when the run is for other clusters only. */
  here: boolean;
  /** Those it is for; absent or empty when for all. */
  clusters?: readonly string[];
  notBefore?: string;
  notAfter?: string;
  /** Nodes start only inside it. */
  window?: Window;
  /** The one it names. */
  definition?: { name: string; path: string };
}
export type Preparation =
  | Prepared
  /** `definition`: the name of the one it asks for, as far as that can be told. */
  | { ok: false; reason?: string; problems: LocatedProblem[]; definition?: string };

export interface RunSource {
  path: string;
  mode: string;
  blob: string;
  /** Id of the commit that added the file. */
  commit: string;
  content: Content;
}

export interface PrepareContext {
  layout: Layout;
  /** Namespace of runs that name none. */
  namespace: string;
  definitions: readonly Definition[];
  /** Who carries out the NodeOp; the agent when absent. */
  executor?: AgentConfig['rollout']['executor'];
  /** For specs that name no image; without it they are refused. */
  defaultImage?: string | undefined;
}

/** Turns a run file into the NodeOp to create, or says everything that is wrong with it. Never throws. */
export function prepareRun(source: RunSource, context: PrepareContext): Preparation {
  try {
    return prepare(source, context);
  } catch (error) {
    return unreadable(error);
  }
}

function prepare(source: RunSource, context: PrepareContext): Preparation {
  const refused = refusal(source.path, source.mode);
  if (refused !== undefined) return { ok: false, problems: [{ path: [], message: refused }] };
  const parsed = parseDocument<NodeOpManifest | NodeOpRun>(source.content, [
    { apiVersion: NODEOP_API_VERSION, kind: NODEOP_KIND, schema: NodeOpManifestSchema },
    { apiVersion: AGENT_API_VERSION, kind: NODEOPRUN_KIND, schema: NodeOpRunSchema },
  ]);
  if (!parsed.ok) return parsed;
  const document = parsed.value;
  const claimed = ownMarks(document.metadata);
  if (claimed.length > 0) return { ok: false, problems: parsed.locate(claimed) };
  const external = context.executor === 'external';
  if (document.kind === NODEOP_KIND) {
    const flaws = external ? unknownToOthers(document.spec) : [];
    const spec = carriedOut(document.spec, rawSpec(parsed.raw), context);
    if (spec === undefined) flaws.push({ path: ['image'], message: NO_IMAGE });
    const problems = flaws.map((it) => ({ ...it, path: ['spec', ...it.path] }));
    if (problems.length > 0 || spec === undefined) return { ok: false, problems: parsed.locate(problems) };
    return finish(source, context, document.metadata, spec, {});
  }
  const merged = mergeRun(document, context.definitions);
  if (!merged.ok) {
    const { nodeOp: definition } = document.spec;
    return { ok: false, problems: parsed.locate(merged.problems), definition };
  }
  const { window, notBefore, notAfter, clusters = [] } = document.spec;
  const flaws = external ? unknownToOthers(merged.spec).map((it) => atItsSource(it, document)) : [];
  if (external && window) flaws.push({ path: ['spec', 'window'], message: NOT_CARRIED_OUT });
  const spec = carriedOut(merged.spec, merged.written, context);
  if (spec === undefined) flaws.push(atItsSource({ path: ['image'], message: NO_IMAGE }, document));
  if (flaws.length > 0 || spec === undefined) {
    return { ok: false, problems: parsed.locate(flaws), definition: document.spec.nodeOp };
  }
  const { cluster } = context.layout;
  return finish(source, context, { ...merged.metadata, ...document.metadata }, spec, {
    definition: { name: document.spec.nodeOp, path: merged.path },
    clusters,
    here: clusters.length === 0 || (cluster !== undefined && clusters.includes(cluster)),
    ...(window && { window }),
    ...(notBefore !== undefined && { notBefore }),
    ...(notAfter !== undefined && { notAfter }),
  });
}

function rawSpec(raw: unknown): unknown {
  return isObject(raw) ? raw['spec'] : undefined;
}

/**
 * The spec as whoever carries it out is given it: here with every default, elsewhere as people wrote it, so that the defaults
 * are those of the other controller. Undefined when no image is known.
 */
function carriedOut(spec: NodeOpSpec, written: unknown, context: PrepareContext): NodeOpSpec | undefined {
  return context.executor === 'external' ? inCommonWords(written) : withImage(spec, context.defaultImage);
}

/** What the agent believes of a NodeOp because it alone writes it, labels and annotations to come among them. */
function ownMarks(metadata: unknown): Problem[] {
  return ['annotations', 'labels'].flatMap((field) => {
    const marks = isObject(metadata) ? metadata[field] : undefined;
    const own = isObject(marks) ? Object.keys(marks).filter(isOwnMark) : [];
    return own.map((it) => ({ path: ['metadata', field, it], message: 'is for the agent alone to write' }));
  });
}

type Merged =
  | { ok: true; path: string; spec: NodeOpSpec; written: unknown; metadata: { namespace?: string } }
  | { ok: false; problems: Problem[] };

function mergeRun(run: NodeOpRun, definitions: readonly Definition[]): Merged {
  const found = findDefinition(definitions, run.spec.nodeOp);
  if (!found.ok) return { ok: false, problems: [found.problem] };
  const merged = mergePatch(found.spec, run.spec.overrides ?? {});
  const spec = isObject(merged) ? { ...merged } : {};
  const { env, suspend } = run.spec;
  if (suspend !== undefined) spec['suspend'] = suspend;
  if (env !== undefined) {
    const names = new Set(env.map((it) => it.name));
    const own: unknown[] = Array.isArray(spec['env']) ? spec['env'] : [];
    const kept = own.filter((it) => !isObject(it) || !names.has(String(it['name'])));
    spec['env'] = [...kept, ...env];
  }
  const result = check(NodeOpManifestSchema.shape.spec, spec);
  if (!result.ok) return { ok: false, problems: result.problems.map((it) => atItsSource(it, run)) };
  const namespace = found.metadata['namespace'];
  return {
    ok: true,
    path: found.path,
    spec: result.value,
    written: spec,
    metadata: typeof namespace === 'string' ? { namespace } : {},
  };
}

/** A problem of the merged spec belongs to the run or its overrides when they hold it, else to the definition. */
function atItsSource(problem: Problem, run: NodeOpRun): Problem {
  if (holds(run.spec, problem.path)) return { ...problem, path: ['spec', ...problem.path] };
  if (holds(run.spec.overrides, problem.path)) {
    return { ...problem, path: ['spec', 'overrides', ...problem.path] };
  }
  const where = ['spec', ...problem.path].join('.');
  return {
    path: ['spec', 'nodeOp'],
    message: `definition "${run.spec.nodeOp}" is not valid here: ${where}: ${problem.message}`,
  };
}

interface Extras {
  here?: boolean;
  clusters?: readonly string[];
  window?: Window;
  definition?: { name: string; path: string };
  notBefore?: string;
  notAfter?: string;
}

function finish(
  source: RunSource,
  context: PrepareContext,
  metadata: {
    name?: string | undefined;
    generateName?: string | undefined;
    namespace?: string | undefined;
  } & {
    labels?: unknown;
    annotations?: unknown;
  },
  spec: NodeOpSpec,
  { here = true, window, ...rest }: Extras,
): Preparation {
  const name = metadata.name ?? derivedName(source, context, metadata.generateName);
  const named = OBJECT_NAME.safeParse(name);
  if (!named.success) {
    const message = `does not begin an object name: ${JSON.stringify(metadata.generateName)}`;
    return { ok: false, problems: [{ path: ['metadata', 'generateName'], message }] };
  }
  const manifest: Manifest = {
    apiVersion: NODEOP_API_VERSION,
    kind: NODEOP_KIND,
    metadata: {
      name,
      namespace: metadata.namespace ?? context.namespace,
      ...(isObject(metadata.labels) && { labels: texts(metadata.labels) }),
      annotations: {
        ...(isObject(metadata.annotations) ? texts(metadata.annotations) : {}),
        ...(window && { [ANNOTATION_WINDOW]: JSON.stringify(window) }),
        [ANNOTATION_RUN]: runId(context.layout, source.path),
        [ANNOTATION_RUN_BLOB]: source.blob,
        [ANNOTATION_RUN_COMMIT]: source.commit,
      },
    },
    spec,
  };
  return { ok: true, manifest, here, ...(window && { window }), ...rest };
}

function texts(values: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]));
}

/** The same file on the same cluster always gets the same name, so creating it twice is impossible. */
function derivedName(source: RunSource, context: PrepareContext, prefix: string | undefined): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([context.layout.cluster ?? '', source.path, source.blob]))
    .digest('hex')
    .slice(0, 10);
  if (prefix !== undefined) return `${prefix.slice(0, 200)}${hash}`;
  const file = source.path.slice(source.path.lastIndexOf('/') + 1).replace(/\.ya?ml$/i, '');
  const stem = trimBoth(
    file
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .slice(0, 50),
    '-',
  );
  return `${stem === '' ? 'run' : stem}-${hash}`;
}
