import type { CheckAccess } from '../api/check-access.ts';
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { Command, Option } from 'commander';
import { z } from 'zod';
import { type AgentConfig, AGENT_API_VERSION, AgentConfigSchema, clusterOf } from '../api/config.ts';
import { InvalidError } from '../api/errors.ts';
import { parseDocument, type Content, type Kind, type LocatedProblem } from '../api/documents.ts';
import { NODEOP_API_VERSION, NODEOP_KIND, NodeOpManifestSchema } from '../api/nodeop.ts';
import { NODEOPRUN_KIND, NodeOpRunSchema, RecurringRunSchema } from '../api/nodeoprun.ts';
import { formatProblem, type Problem } from '../api/schema.ts';
import { load } from '../api/yaml.ts';
import { parseDefinition, ownParts } from '../core/runs/definitions.ts';
import { isObject } from '../core/runs/merge.ts';
import type { Declarations } from '../core/runs/parameters/declared.ts';
import { fitted } from '../core/text/fit.ts';
import { json, line, screen, workflowMessage, workflowProperty } from '../core/text/output.ts';
import { areNamesakes, type Asked, askedBy, namesakeText } from '../core/runs/namesakes.ts';
import { type Layout, refusal } from '../core/runs/paths.ts';
import { type PrepareContext, prepareRun } from '../core/runs/prepare.ts';
import { formatScheduled, type Schedule } from '../core/runs/schedules.ts';
import { loadConfig } from './load-config.ts';
import { type Namesake, readNamesakes, standingOf } from './namesakes.ts';
import { readStored, type Stored } from './stored.ts';
import { reasonOf } from './system-error.ts';
import { readDefinitions, walk } from './repository-files.ts';
import { columns, prose } from './terminal.ts';

/** A problem of a file; line and column count from 1. */
export interface FileProblem extends LocatedProblem {
  file: string;
}

type Format = 'text' | 'json' | 'github';
interface Flags {
  format: Format;
  root: string;
  nodeops?: string;
  config?: string;
}
/** The repository, and what the agent there is configured to. */
interface Scope {
  root: string;
  nodeops: string;
  /** Where its folders are, and which cluster it is for, as far as that is configured. */
  layout?: Layout;
  namespace?: string;
  runs?: string;
  executor?: AgentConfig['rollout']['executor'];
  defaultImage?: string | undefined;
  checkAccess?: CheckAccess | undefined;
}
interface Io {
  print: (text: string) => void;
  setExitCode: (code: number) => void;
}

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

export function validateCommand(io: Io = standardIo): Command {
  return new Command('validate')
    .description('check run files and definitions, as a pull request should: every error with its place')
    .argument('[PATH...]', 'files, or folders that are walked; default: nodeops and runs of the root')
    .addOption(new Option('--format <format>', 'output').choices(['text', 'json', 'github']).default('text'))
    .option('--root <dir>', 'the repository', '.')
    .option('--config <file>', "the agent's configuration: folders, and who carries out rollouts")
    .option('--nodeops <folder>', 'folder of the definitions inside the repository (default: "nodeops")')
    .addHelpText(
      'after',
      prose(
        '\nExit status: 0, 1 when there is a problem, 2 when an option is invalid.\n\nExample:\n  nodeop-agent validate --format github runs nodeops',
      ),
    )
    .action(async (paths: string[], flags: Flags) => {
      const { files, problems } = await validatePaths(paths, await scopeOf(flags));
      const text = format(problems, files, flags.format);
      io.print(flags.format === 'text' ? fitted(text, columns()) : text);
      if (problems.length > 0) io.setExitCode(1);
    });
}

const standardIo: Io = {
  print: (text) => void process.stdout.write(text),
  setExitCode: (code) => {
    process.exitCode = code;
  },
};

async function scopeOf({ root, nodeops, config: file }: Flags): Promise<Scope> {
  if (file === undefined) return { root, nodeops: nodeops ?? 'nodeops' };
  const config = await loadConfig(file);
  const { git, rollout, defaults, kubernetes } = config;
  return {
    root,
    nodeops: nodeops ?? git.paths.nodeops,
    runs: git.paths.runs,
    layout: { ...git.paths, cluster: clusterOf(config) },
    namespace: kubernetes.namespace,
    executor: rollout.executor,
    defaultImage: defaults.image,
    checkAccess: config.checks,
  };
}

/** Checks everything under the paths; problems are in the order of the files, then of their lines. */
export async function validatePaths(
  paths: readonly string[],
  scope: Scope,
): Promise<{ files: number; problems: FileProblem[] }> {
  const folder = join(scope.root, scope.nodeops);
  const definitions = await readDefinitions(folder);
  const runs = join(scope.root, scope.runs ?? 'runs');
  const starts = paths.length > 0 ? [...paths] : await present([folder, runs]);
  const missing = [...paths, scope.root].filter((path) => !existsSync(path));
  if (missing.length > 0) {
    const from = `paths are taken from ${process.cwd()}, and --root names the repository`;
    throw new InvalidError(`there is no such file or folder: ${missing.join(', ')}; ${from}`);
  }
  const problems: FileProblem[] = [];
  const files = new Map<string, boolean>();
  if (starts.length === 0) {
    const message = `holds neither ${scope.nodeops}/ nor ${scope.runs ?? 'runs'}/: name the repository with --root, or files to check`;
    problems.push({ file: scope.root, path: [], message });
  }
  for (const start of starts) {
    const isDefinition = isBelow(folder, start);
    try {
      for (const file of await walk(start, true)) files.set(file, isDefinition(file));
    } catch (error) {
      problems.push({ file: start, path: [], message: reasonOf(error) });
    }
  }
  const asked: Asked[] = [];
  const context: Context = {
    runs: (file) => `${resolve(file)}${sep}`.startsWith(`${resolve(runs)}${sep}`),
    layout: { nodeops: 'nodeops', runs: 'runs', results: 'results' },
    onAsked: (it) => asked.push(it),
    namespace: scope.namespace ?? 'default',
    definitions,
    executor: scope.executor ?? 'agent',
    defaultImage: scope.defaultImage,
    checkAccess: scope.checkAccess,
  };
  const all = [...files];
  let stored = new Map<string, Stored>();
  for (let i = 0; i < all.length; i += PARSED_AHEAD) {
    if (i % READ_AHEAD === 0) {
      stored = readStored(
        scope.root,
        all.slice(i, i + READ_AHEAD).map(([file]) => file),
      );
    }
    // Of many small files most of the time would go by in waiting for each; a command has nothing else to do meanwhile.
    const some = all.slice(i, i + PARSED_AHEAD);
    const parsed = some.map(([file, isDefinition]) => {
      const { mode = '100644', bytes = new Uint8Array(), problem } = stored.get(file) ?? {};
      return { file, isDefinition, mode, problem, content: load(bytes) };
    });
    for (const it of parsed) {
      for (const problem of checkFile(it, context)) problems.push({ ...problem, file: it.file });
    }
  }
  problems.push(...(await problemsOfNames(asked, new Set(files.keys()), scope, context)));
  return { files: files.size, problems: inOrder(problems, starts.concat([...files.keys()])) };
}

/** Each problem with those of its file, in the order of the files. */
function inOrder(problems: readonly FileProblem[], files: readonly string[]): FileProblem[] {
  const places = new Map(files.map((file, i) => [file, i]));
  const place = ({ file }: FileProblem) => places.get(file) ?? -1;
  return problems.toSorted((a, b) => place(a) - place(b) || (a.line ?? 0) - (b.line ?? 0));
}

/** Of two run files that ask for one NodeOp the second is told, by path; of one that is over nothing is. */
async function problemsOfNames(
  asked: readonly Asked[],
  files: ReadonlySet<string>,
  scope: Scope,
  context: Context,
): Promise<FileProblem[]> {
  const { root } = scope;
  const layout = { ...context.layout, ...scope.layout };
  const folder = { root, context: { ...context, layout }, results: root };
  const own = asked.map((it) => ({ ...it, path: relative(root, it.path) }));
  const checked = new Set([...files].map((file) => relative(root, file)));
  const others = await readNamesakes(own, folder, checked);
  const byName = Map.groupBy([...own, ...others], ({ namespace, name }) => `${namespace}/${name}`);
  const problems: FileProblem[] = [];
  for (const group of byName.values()) {
    if (group.length < 2) continue;
    // oxlint-disable-next-line no-await-in-loop -- names that are there twice are few
    const standing = await Promise.all(group.map((it) => standingOf(it, folder)));
    for (const it of standing) {
      if (it.isOver || !checked.has(it.path)) continue;
      const isBefore = (other: Namesake) => other.isOver || !checked.has(other.path) || other.path < it.path;
      const other = standing.find((one) => areNamesakes(it, one) && isBefore(one));
      const file = other && asked.find(({ path }) => relative(root, path) === it.path)?.path;
      if (other === undefined || file === undefined) continue;
      const problem = { path: ['metadata', 'name'], message: namesakeText(it, other) };
      for (const located of locate(root, file, problem)) problems.push({ ...located, file });
    }
  }
  return problems;
}

/** With line and column, for which the file is parsed again: few have such problems. */
function locate(root: string, file: string, problem: Problem): LocatedProblem[] {
  const { bytes = new Uint8Array() } = readStored(root, [file]).get(file) ?? {};
  const parsed = parseDocument(bytes, [DEFINITION, ...OTHERS]);
  return parsed.ok ? parsed.locate([problem]) : [problem];
}

/** A processor does faster what it does over and over, so some are parsed before they are checked. */
const PARSED_AHEAD = 50;
/** Git is asked of so many at a time; a multiple of the other. */
const READ_AHEAD = 2000;

/** Tells of files found under a path whether they are in a folder; of most paths none or all are. */
function isBelow(folder: string, start: string): (file: string) => boolean {
  const inside = `${resolve(folder)}${sep}`;
  const from = `${resolve(start)}${sep}`;
  if (from.startsWith(inside)) return () => true;
  return inside.startsWith(from) ? (file) => resolve(file).startsWith(inside) : () => false;
}

/** `runs`: whether a file lies in the folder of the runs, where nothing else may. */
type Context = Required<PrepareContext> & {
  runs: (file: string) => boolean;
  onAsked: (asked: Asked) => void;
};

/** A file that is parsed, whatever came of it. */
interface LoadedFile {
  file: string;
  content: Content;
  /** Whether it lies in the folder of the definitions. */
  isDefinition: boolean;
  mode: string;
  problem: string | undefined;
}

function checkFile(
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

async function present(paths: string[]): Promise<string[]> {
  const found = await Promise.all(paths.map((path) => stat(path).catch(() => undefined)));
  return paths.filter((_, i) => found[i] !== undefined);
}

function format(problems: readonly FileProblem[], files: number, as: Format): string {
  if (as === 'json') return `${json({ files, problems }, 2)}\n`;
  if (as === 'github') return problems.map((it) => `${annotation(it)}\n`).join('');
  const lines = problems.map(
    (it) => `${line(it.file)}:${it.line ?? 1}:${it.column ?? 1}: ${formatProblem(it)}`,
  );
  const count = `${files} ${files === 1 ? 'file' : 'files'} checked, ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`;
  return screen(`${[...lines, count].join('\n')}\n`);
}

/** A workflow command; its special characters are percent-encoded as GitHub's toolkit does. */
function annotation(it: FileProblem): string {
  const at = `file=${workflowProperty(it.file)},line=${it.line ?? 1},col=${it.column ?? 1}`;
  return `::error ${at}::${workflowMessage(formatProblem(it))}`;
}
