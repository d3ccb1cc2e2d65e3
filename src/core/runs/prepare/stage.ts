import type { CheckAccess } from '../../../api/check-access.ts';
import type { AgentConfig } from '../../../api/config.ts';
import type { Content, LocatedProblem } from '../../../api/documents.ts';
import type { KubeObject, ObjectMeta } from '../../../api/kubernetes.ts';
import type { NodeOpSpec } from '../../../api/nodeop.ts';
import type { NodeOpRun, Window } from '../../../api/nodeoprun.ts';
import type { Problem } from '../../../api/schema.ts';
import type { Locate, Spelled } from '../../../api/yaml.ts';
import type { Definition } from '../definitions.ts';
import type { Resolved } from '../parameters/environment.ts';
import type { Layout } from '../paths.ts';

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
  /** Where checks may send requests; not asked where nobody knows the agent's configuration. */
  checkAccess?: CheckAccess | undefined;
}

export type Manifest = KubeObject & {
  metadata: ObjectMeta & { name: string; namespace: string };
  spec: NodeOpSpec;
};

/** What a run file asks for, ready to be carried out. */
export interface Prepared {
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
  /** As they come out; absent where the definition declares none. */
  parameters?: readonly Resolved[];
}

/** Everything that is wrong. */
export interface Refused {
  ok: false;
  reason?: string;
  problems: LocatedProblem[];
  /** Name of the definition the run asks for, as far as that can be told. */
  definition?: string;
}

export type Preparation = Prepared | Refused;

/** One step on the way from a run file to its NodeOp: pure, and the only one that knows what it is about. */
export type Stage<In, Out> = (input: In, context: PrepareContext) => Out | Refused;

/** Stages one after the other; the first that finds something wrong is the last. */
export interface Stages<In, Out> {
  run: Stage<In, Out>;
  next: <After>(stage: Stage<Out, After>) => Stages<In, After>;
}

export function stages<In, Out>(run: Stage<In, Out>): Stages<In, Out> {
  return {
    run,
    next: (stage) =>
      stages((input, context) => {
        const output = run(input, context);
        return isRefused(output) ? output : stage(output, context);
      }),
  };
}

function isRefused(output: unknown): output is Refused {
  return typeof output === 'object' && output !== null && 'ok' in output && output.ok === false;
}

/** What was read of a run file: each stage adds to it. */
export interface Draft {
  source: RunSource;
  /** Where in the file a problem stands. */
  locate: Locate;
  spelled: Spelled;
  metadata: Metadata;
  /** Absent of a NodeOp, which names no definition. */
  run?: NodeOpRun;
}

export interface Metadata {
  name?: string | undefined;
  generateName?: string | undefined;
  namespace?: string | undefined;
  labels?: unknown;
  annotations?: unknown;
}

/** Says of a run file what is wrong with it, each with its place. */
export function refuse({ locate, run }: Draft, problems: readonly Problem[]): Refused {
  const refused: Refused = { ok: false, problems: locate(problems) };
  return run ? { ...refused, definition: run.spec.nodeOp } : refused;
}
