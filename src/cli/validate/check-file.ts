import { z } from 'zod';
import { AGENT_API_VERSION, AgentConfigSchema } from '../../api/config.ts';
import { type Content, type Kind, type LocatedProblem, parseDocument } from '../../api/documents.ts';
import { NODEOP_API_VERSION, NODEOP_KIND, NodeOpManifestSchema } from '../../api/nodeop.ts';
import { NODEOPRUN_KIND, NodeOpRunSchema, RecurringRunSchema } from '../../api/nodeoprun.ts';
import { formatProblem, type Problem } from '../../api/schema.ts';
import type { Loaded } from '../../api/yaml.ts';
import { ownParts, parseDefinition } from '../../core/runs/definitions.ts';
import { isObject } from '../../core/runs/merge.ts';
import { type Asked, askedBy } from '../../core/runs/namesakes.ts';
import type { Declarations } from '../../core/runs/parameters/declared.ts';
import { refusal } from '../../core/runs/paths.ts';
import { type PrepareContext, prepareRun } from '../../core/runs/prepare.ts';
import { formatScheduled, type Schedule } from '../../core/runs/schedules.ts';
import { warningsIn } from './warnings.ts';

const DEFINITION: Kind = { apiVersion: NODEOP_API_VERSION, kind: NODEOP_KIND, schema: NodeOpManifestSchema };
/** In the folder of the definitions, where it may say when it is due. */
const OWN_DEFINITION: Kind = {
  ...DEFINITION,
  schema: z.preprocess(
    (it) => (isObject(it) && 'spec' in it ? { ...it, spec: ownParts(it['spec']).spec } : it),
    NodeOpManifestSchema,
  ),
};
const RECURRING: Kind = { apiVersion: AGENT_API_VERSION, kind: NODEOPRUN_KIND, schema: RecurringRunSchema };
const OTHERS: Kind[] = [
  { apiVersion: AGENT_API_VERSION, kind: NODEOPRUN_KIND, schema: NodeOpRunSchema },
  { apiVersion: AGENT_API_VERSION, kind: 'AgentConfig', schema: AgentConfigSchema },
];

/** With line and column. */
export function located(bytes: Uint8Array, problem: Problem): LocatedProblem[] {
  const parsed = parseDocument(bytes, [DEFINITION, ...OTHERS]);
  return parsed.ok ? parsed.locate([problem]) : [problem];
}

/** `runs`: whether a file lies in the folder of the runs, where nothing else may. */
export type Context = Required<PrepareContext> & {
  runs: (file: string) => boolean;
  onAsked: (asked: Asked) => void;
};

/** A file that is parsed, whatever came of it. */
export interface LoadedFile {
  file: string;
  content: Loaded;
  /** Whether it lies in the folder of the definitions. */
  isDefinition: boolean;
  mode: string;
  problem: string | undefined;
}

/** Of a file with problems no warnings are told: those come first. */
export interface Findings {
  problems: LocatedProblem[];
  warnings: LocatedProblem[];
}

export function checkFile(loaded: LoadedFile, context: Context): Findings {
  const problems = problemsOf(loaded, context);
  return { problems, warnings: problems.length === 0 ? warningsIn(loaded.content) : [] };
}

function problemsOf(
  { file, content, isDefinition, mode, problem }: LoadedFile,
  context: Context,
): LocatedProblem[] {
  const refused = problem ?? refusal('', mode);
  // A link among the definitions is passed over.
  if (refused !== undefined) {
    return isDefinition && mode !== '100644' ? [] : [{ path: [], message: refused }];
  }
  // As nearly all run files are.
  const ofRun = isDefinition ? [] : problemsOfRun(file, content, context);
  if (!isDefinition && (ofRun.length === 0 || context.runs(file))) return ofRun;
  const parsed = parseDocument(content, isDefinition ? [OWN_DEFINITION, RECURRING] : [DEFINITION, ...OTHERS]);
  const definition = isDefinition ? parseDefinition(file, content) : undefined;
  if (!parsed.ok) return distinct([...parsed.problems, ...problemsBeside(definition)]);
  if (definition) {
    if ('run' in definition) return parsed.locate(problemsOfSchedule(definition, context));
    const outline = definition.result;
    if (!outline.ok) return outline.problems;
    const { declares, recurring } = outline;
    if (!declares.ok) return declares.problems;
    const needed = recurring ? neededBySchedule(declares.value) : [];
    if (needed.length > 0) return parsed.locate(needed);
    const twins = context.definitions.filter(({ result }) => result.ok && result.name === outline.name);
    if (twins.length < 2) return [];
    const message = `"${outline.name}" is defined more than once: ${twins.map((it) => it.path).join(', ')}`;
    return parsed.locate([{ path: ['metadata', 'name'], message }]);
  }
  if (parsed.kind !== NODEOPRUN_KIND && parsed.kind !== NODEOP_KIND) return [];
  return problemsOfRun(file, content, context);
}

/** What is wrong with what a definition says of its times and its runs, which the schema of NodeOps does not know. */
function problemsBeside(definition: ReturnType<typeof parseDefinition> | undefined): LocatedProblem[] {
  if (!definition || !('result' in definition)) return [];
  const { result } = definition;
  if (!result.ok) return result.problems;
  return result.declares.ok ? [] : result.declares.problems;
}

/** The schedule of a definition itself gives no values. */
function neededBySchedule({ parameters }: Declarations): Problem[] {
  return parameters.flatMap(({ name, required }, i) => {
    const message = `the schedule of this definition gives ${name} no value: give it a default, or schedule it by a NodeOpRun`;
    return required ? [{ path: ['spec', 'parameters', i, 'required'], message }] : [];
  });
}

function distinct(problems: readonly LocatedProblem[]): LocatedProblem[] {
  return [...new Map(problems.map((it) => [formatProblem(it), it])).values()].toSorted(
    (a, b) => (a.line ?? 0) - (b.line ?? 0),
  );
}

function problemsOfRun(path: string, content: Content, context: Context): LocatedProblem[] {
  const prepared = prepareRun({ path, mode: '100644', blob: '', commit: '', content }, context);
  const asked = askedBy(path, prepared);
  if (asked && context.runs(path)) context.onAsked(asked);
  return prepared.ok ? [] : prepared.problems;
}

/** Those that each of its runs would have; their paths are the same in both. */
function problemsOfSchedule(schedule: Schedule, context: Context): Problem[] {
  const run = new TextEncoder().encode(formatScheduled(schedule, 0));
  return problemsOfRun(schedule.path, run, context).map(({ path, message }) => ({ path, message }));
}
