import { nameProblem, pathOfText } from './names.ts';

/** Where things lie in the repository. All paths are relative to its root, with "/" between the parts. */
export interface Layout {
  nodeops: string;
  runs: string;
  results: string;
  /** The file that holds all clusters; beside the run files when absent. */
  hold?: string | undefined;
  /** This cluster's name; absent when only one cluster is served. */
  cluster?: string | undefined;
}

const YAML = /\.ya?ml$/i;
const SYMLINK = '120000';
const SUBMODULE = '160000';
/** Folders are listed only where they hold more than can be read, as `FOLDER/.`. */
const FOLDER = '040000';

export function holdPath({ hold, runs }: Layout): string {
  return hold ?? `${runs.slice(0, runs.lastIndexOf('/') + 1)}hold.yaml`;
}

/** Where run files lie, and this cluster's reports. */
export interface Folders {
  runs: string;
  results: string;
}

export function foldersOf(layout: Layout): Folders {
  return { runs: layout.runs, results: resultsFolder(layout) };
}

/** The folder this cluster's agent writes to. */
export function resultsFolder(layout: Layout): string {
  return layout.cluster === undefined ? layout.results : `${layout.results}/${layout.cluster}`;
}

/** No two run files have theirs at one path: what is escaped looks like no name that people gave. */
export function reportPath(layout: Layout, runPath: string): string {
  const inside = runPath.slice(layout.runs.length + 1);
  const isPlain = !REFUSED.test(inside) && !YAML_FOLDER.test(inside) && !inside.includes('%');
  const safe = isPlain && !isOwnName(inside) ? inside : inside.split('/').map(escapePart).join('/');
  // What is escaped is longer than what people wrote.
  return `${resultsFolder(layout)}/${pathOfText(safe)}`;
}

/** Paths of the run files whose report this would be. */
export function runPaths(layout: Layout, report: string): string[] {
  const inside = report.slice(resultsFolder(layout).length + 1);
  const original = (part: string, at: number, parts: readonly string[]) => {
    const before = unescapePart(part);
    return escapePart(before, at, parts) === part ? before : part;
  };
  const name = inside.includes('%') ? inside.split('/').map(original).join('/') : inside;
  return [`${layout.runs}/${name}`].filter((it) => reportPath(layout, it) === report);
}

/** Paths of the run files that are named like one of the agent's own files. */
export function runsNamedLikeOwn(layout: Layout): string[] {
  return [...OWN_FILES].map((it) => `${layout.runs}/${it}`);
}

/** git refuses to write such names, though a tree made by other means may hold them. */
const REFUSED = /(?:^|\/)(?:\.+|\.git)(?:\/|$)/i;

/** A folder of such a name would take the place of the report of a run file of that name, and the other way round. */
const YAML_FOLDER = /\.ya?ml\//i;

/** An escaped dot, which may have been escaped itself. */
const ESCAPED_DOT = /%(?:25)*2E/g;

function escapePart(part: string, at: number, parts: readonly string[]): string {
  const isFolder = at + 1 < parts.length;
  const isOwn = parts.length === 1 && isOwnName(part);
  if (isOwn || REFUSED.test(part) || (isFolder && YAML.test(part)))
    return escapeEscapes(part).replaceAll('.', '%2E');
  // Only one that looks like another that is escaped: all others stay where they were ever since.
  const before = unescapePart(part);
  return before !== part && escapePart(before, at, parts) === part ? escapeEscapes(part) : part;
}

function escapeEscapes(part: string): string {
  return part.replace(ESCAPED_DOT, (it) => `%25${it.slice(1)}`);
}

function unescapePart(part: string): string {
  return part.replace(ESCAPED_DOT, (it) => (it === '%2E' ? '.' : `%${it.slice('%25'.length)}`));
}

const BASELINE = '.baseline.yaml';
const CHECKPOINT = '.checkpoint.yaml';
const OVERVIEW = 'README.md';
/** What else the agent keeps in its folder: a run file of such a name must not have its report there. */
const OWN_FILES: ReadonlySet<string> = new Set([BASELINE, CHECKPOINT, OVERVIEW]);

export function baselinePath(layout: Layout): string {
  return `${resultsFolder(layout)}/${BASELINE}`;
}

export function checkpointPath(layout: Layout): string {
  return `${resultsFolder(layout)}/${CHECKPOINT}`;
}

/** Whether it is a file the agent keeps beside the reports. */
export function isOwnFile(layout: Layout, path: string): boolean {
  return isOwnName(path.slice(resultsFolder(layout).length + 1));
}

/** Of very many paths nearly all are in a folder or told apart by their first letter. */
function isOwnName(name: string): boolean {
  return (name.startsWith('.') || name.startsWith('R')) && OWN_FILES.has(name);
}

/** Where the overview lies: Git hosts show it as the page of the folder. */
export function overviewPath(layout: Layout): string {
  return `${resultsFolder(layout)}/${OVERVIEW}`;
}

/** Links are runs too, whatever their name, and so are folders: they are answered with a report that refuses them. */
export function isRunFile(layout: Layout, path: string, mode: string): boolean {
  const isOther = mode === SYMLINK || mode === SUBMODULE || mode === FOLDER;
  return path.startsWith(`${layout.runs}/`) && (YAML.test(path) || isOther);
}

/** Whether this is a folder that holds more than can be read. */
export function isTooMuch(mode: string): boolean {
  return mode === FOLDER;
}

export function isYaml(path: string): boolean {
  return YAML.test(path);
}

export function isDefinition(layout: Layout, path: string, mode: string): boolean {
  const isOther = mode === SYMLINK || mode === SUBMODULE || mode === FOLDER;
  return path.startsWith(`${layout.nodeops}/`) && YAML.test(path) && !isOther;
}

export const TOO_MUCH =
  'is a folder that holds more than can be read, and nothing in it is; take out what does not belong there';

/** Why the entry is refused unread; undefined when it is a plain file. */
export function refusal(path: string, mode: string): string | undefined {
  if (mode === SYMLINK) return 'is a symbolic link; run files must be plain files';
  if (mode === FOLDER) return TOO_MUCH;
  if (mode === SUBMODULE) return 'is a submodule; run files must be plain files';
  const misnamed = nameProblem(path);
  if (misnamed !== undefined) return misnamed;
  if (path.split('/').some((it) => it === '..' || it === '.')) return 'has a path with ".." or "."';
  if (YAML_FOLDER.test(path)) return 'lies in a folder that is named like a run file; rename the folder';
  return undefined;
}

/** Value of the annotation that ties a NodeOp to its run. */
export function runId(layout: Layout, runPath: string): string {
  return `${layout.cluster ?? ''}:${runPath}`;
}

/** The run file's path of an annotation, when it is one of this cluster. */
export function pathOfRunId(layout: Layout, id: string | undefined): string | undefined {
  const prefix = `${layout.cluster ?? ''}:`;
  return id?.startsWith(prefix) === true ? id.slice(prefix.length) : undefined;
}
