import { lstatSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import type { LocatedProblem } from '../../api/documents.ts';
import { InvalidError } from '../../api/errors.ts';
import { load } from '../../api/yaml.ts';
import { type Definition, parseDefinition } from '../../core/runs/definitions.ts';
import type { Asked } from '../../core/runs/namesakes.ts';
import { misnamedIn, searchedFolders } from '../../core/runs/misnamed.ts';
import { readDefinitions, walk } from '../repository-files.ts';
import { readStored, type Stored } from '../stored.ts';
import { reasonOf } from '../system-error.ts';
import { checkFile, type Context, type LoadedFile } from './check-file.ts';
import { FloatingImages } from './images.ts';
import { problemsOfNames } from './names.ts';
import type { FileProblem, Scope } from './scope.ts';

/** The path that stands for standard input. */
export const STDIN = '-';

export interface Validated {
  /** How many were looked at. */
  files: number;
  problems: FileProblem[];
  /** What is allowed, and yet does not do what it seems to. */
  warnings: FileProblem[];
}

/** Checks everything under the paths; what is found is in the order of the files, then of their lines. */
export async function validatePaths(paths: readonly string[], scope: Scope): Promise<Validated> {
  const folder = join(scope.root, scope.nodeops);
  const runs = join(scope.root, scope.runs ?? 'runs');
  const named = paths.filter((it) => it !== STDIN);
  const starts = paths.length > 0 ? named : await present([folder, runs]);
  refuseMissing([...named, scope.root]);
  const problems: FileProblem[] = [];
  if (starts.length === 0 && scope.stdin === undefined) {
    const message = `holds neither ${scope.nodeops}/ nor ${scope.runs ?? 'runs'}/: name the repository with --root, or files to check`;
    problems.push({ file: scope.root, path: [], message });
  }
  if (paths.length === 0) problems.push(...(await misnamed(scope)));
  const files = await filesBelow(starts, folder, problems);
  const asked: Asked[] = [];
  const context: Context = {
    runs: (file) => `${resolve(file)}${sep}`.startsWith(`${resolve(runs)}${sep}`),
    layout: { nodeops: 'nodeops', runs: 'runs', results: 'results' },
    onAsked: (it) => asked.push(it),
    namespace: scope.namespace ?? 'default',
    definitions: await definitionsOf(folder, scope),
    executor: scope.executor ?? 'agent',
    defaultImage: scope.defaultImage,
    checkAccess: scope.checkAccess,
  };
  const images = new FloatingImages();
  const found = [...checkFiles([...files], scope.root, context, images)];
  if (scope.stdin) found.push(checkStdin(scope.stdin, folder, scope.root, context, images));
  problems.push(...found.flatMap((it) => it.problems));
  problems.push(...(await problemsOfNames(asked, new Set(files.keys()), scope, context)));
  const order = starts.concat([...files.keys()]);
  return {
    files: files.size + Number(scope.stdin !== undefined),
    problems: inOrder(problems, order),
    warnings: inOrder([...found.flatMap((it) => it.warnings), ...images.warnings()], order),
  };
}

/** Those of the repository, that of standard input in the place of the file it is another version of. */
async function definitionsOf(folder: string, { root, stdin }: Scope): Promise<Definition[]> {
  const found = await readDefinitions(folder);
  if (stdin?.path === undefined || !isBelow(folder, root)(join(root, stdin.path))) return found;
  const path = join(root, stdin.path);
  const own = parseDefinition(path, stdin.bytes);
  const others = found.filter((it) => resolve(it.path) !== resolve(path));
  return 'result' in own ? [...others, own] : others;
}

/** What was found in one file. */
interface FileFindings {
  problems: FileProblem[];
  warnings: FileProblem[];
}

/** `file`: what it is called in what is said of it. */
function findingsOf(
  file: string,
  loaded: LoadedFile,
  context: Context,
  images: FloatingImages,
): FileFindings {
  const { problems, warnings } = checkFile(loaded, context);
  if (problems.length === 0) images.add(file, loaded.content);
  const named = (it: LocatedProblem) => ({ ...it, file });
  return { problems: problems.map(named), warnings: warnings.map(named) };
}

function checkStdin(
  { path, bytes }: NonNullable<Scope['stdin']>,
  definitions: string,
  root: string,
  context: Context,
  images: FloatingImages,
): FileFindings {
  const file = path === undefined ? STDIN : join(root, path);
  const isDefinition = path !== undefined && isBelow(definitions, root)(file);
  const content = load(bytes);
  // Two that ask for one NodeOp are told where all files are looked at.
  const alone = { ...context, onAsked: () => {} };
  const loaded = { file, isDefinition, mode: '100644', problem: undefined, content };
  return findingsOf(path ?? STDIN, loaded, alone, images);
}

/** Files and folders of the repository that are called nearly as those that the agent looks for. */
async function misnamed({ root, nodeops, runs = 'runs', layout }: Scope): Promise<FileProblem[]> {
  const own = { ...layout, nodeops, runs, results: 'results' };
  const found = searchedFolders(own).map(async (folder) => {
    const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => []);
    const named = entries.map((it) => ({ name: it.name, isFolder: it.isDirectory() }));
    return misnamedIn(own, folder, named);
  });
  return (await Promise.all(found))
    .flat()
    .map(({ path, message }) => ({ file: join(root, path), path: [], message }));
}

function refuseMissing(paths: readonly string[]): void {
  // A link is there, wherever it leads.
  const missing = paths.filter((path) => lstatSync(path, { throwIfNoEntry: false }) === undefined);
  if (missing.length === 0) return;
  const from = `paths are taken from ${process.cwd()}, and --root names the repository`;
  throw new InvalidError(`there is no such file or folder: ${missing.join(', ')}; ${from}`);
}

/** With each whether it lies in the folder of the definitions. What cannot be walked becomes a problem. */
async function filesBelow(
  starts: readonly string[],
  definitions: string,
  problems: FileProblem[],
): Promise<Map<string, boolean>> {
  const files = new Map<string, boolean>();
  for (const start of starts) {
    const isDefinition = isBelow(definitions, start);
    try {
      // oxlint-disable-next-line no-await-in-loop -- in the order of the arguments
      for (const file of await walk(start, true)) files.set(file, isDefinition(file));
    } catch (error) {
      problems.push({ file: start, path: [], message: reasonOf(error) });
    }
  }
  return files;
}

/** A processor does faster what it does over and over, so some are parsed before they are checked. */
const PARSED_AHEAD = 50;
/** Git is asked of so many at a time; a multiple of the other. */
const READ_AHEAD = 2000;

function checkFiles(
  files: readonly (readonly [string, boolean])[],
  root: string,
  context: Context,
  images: FloatingImages,
): FileFindings[] {
  const found: FileFindings[] = [];
  let stored = new Map<string, Stored>();
  for (let i = 0; i < files.length; i += PARSED_AHEAD) {
    if (i % READ_AHEAD === 0) {
      const ahead = files.slice(i, i + READ_AHEAD);
      stored = readStored(
        root,
        ahead.map(([file]) => file),
      );
    }
    // Of many small files most of the time would go by in waiting for each; a command has nothing else to do meanwhile.
    const parsed = files.slice(i, i + PARSED_AHEAD).map(([file, isDefinition]) => {
      const { mode = '100644', bytes = new Uint8Array(), problem } = stored.get(file) ?? {};
      return { file, isDefinition, mode, problem, content: load(bytes) };
    });
    for (const it of parsed) found.push(findingsOf(it.file, it, context, images));
  }
  return found;
}

/** Each problem with those of its file, in the order of the files. */
function inOrder(problems: readonly FileProblem[], files: readonly string[]): FileProblem[] {
  const places = new Map(files.map((file, i) => [file, i]));
  const place = ({ file }: FileProblem) => places.get(file) ?? -1;
  return problems.toSorted((a, b) => place(a) - place(b) || (a.line ?? 0) - (b.line ?? 0));
}

/** Tells of files found under a path whether they are in a folder; of most paths none or all are. */
function isBelow(folder: string, start: string): (file: string) => boolean {
  const inside = `${resolve(folder)}${sep}`;
  const from = `${resolve(start)}${sep}`;
  if (from.startsWith(inside)) return () => true;
  return inside.startsWith(from) ? (file) => resolve(file).startsWith(inside) : () => false;
}

async function present(paths: string[]): Promise<string[]> {
  const found = await Promise.all(paths.map((path) => stat(path).catch(() => undefined)));
  return paths.filter((_, i) => found[i] !== undefined);
}
