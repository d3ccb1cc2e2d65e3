import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { LocalGitError } from '../api/errors.ts';
import { pathOfBytes } from '../core/runs/names.ts';
import { BatchParser } from './batch.ts';
import type { GitCommand } from './command.ts';

/** One file of a tree. `mode` tells files (100644, 100755) from symlinks (120000) and submodules (160000). */
export interface TreeEntry {
  mode: string;
  /** Object id of the content; of a folder that of its tree. */
  blob: string;
  path: string;
}

/** Neither a link nor a submodule, nor gone. */
export function isPlain(entry: TreeEntry | undefined): entry is TreeEntry {
  return entry?.mode.startsWith('100') === true;
}

/** What became of a path between two trees: without an entry it is gone, without one before it is new. */
export interface TreeChange {
  path: string;
  before?: TreeEntry;
  entry?: TreeEntry;
}

export interface CommitInfo {
  commit: string;
  author: string;
  /** RFC 3339. */
  committedAt: string;
}

/**
 * All files below the folders (or everywhere when none is named), with whatever name they have, and these files, each as
 * new. A missing folder has none.
 * @param commit or a tree
 */
export async function listTree(
  git: GitCommand,
  commit: string,
  folders: string[] = [],
  files: string[] = [],
): Promise<TreeChange[]> {
  const entries: TreeChange[] = [];
  let rest: Buffer = Buffer.alloc(0);
  const args = ['ls-tree', '-r', '-z', '--full-tree', commit, '--', ...folders.map(inside), ...files];
  await git.stream(args, '', (piece) => {
    const pieces = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    const end = pieces.lastIndexOf(0) + 1;
    parseTree(pieces.subarray(0, end), (entry) => entries.push({ path: entry.path, entry }));
    rest = pieces.subarray(end);
  });
  return entries;
}

/**
 * What differs between two commits (or trees) below the folders, or everywhere when none is named, whatever lies
 * between them. Costs what changed, not what is there. Fails when one of them is not in the clone any more.
 */
export async function treeChanges(
  git: GitCommand,
  from: string,
  to: string,
  folders: string[] = [],
): Promise<TreeChange[]> {
  return parseChanges(await git.bytes([...DIFF, from, to, '--', ...folders.map(inside)]));
}

/** Files of a tree that another one, if there is one, does not have by the same path. */
export async function filesOnlyIn(
  git: GitCommand,
  tree: string,
  other: string | undefined,
): Promise<TreeChange[]> {
  if (other === undefined) return listTree(git, tree);
  return parseChanges(await git.bytes([...DIFF, '--diff-filter=A', other, tree, '--']));
}

const DIFF = ['diff-tree', '-r', '-z', '--raw', '--no-renames', '--full-index'];

/** Pairs of `:<mode before> <mode> <id before> <id> <status>` and a path, each ended by a NUL. */
function parseChanges(output: Buffer): TreeChange[] {
  const tokens = tokensOf(output);
  const changes: TreeChange[] = [];
  for (let i = 0; i + 1 < tokens.length; i += 2) {
    const [modeBefore = '', mode = '', blobBefore = '', blob = '', status] = (tokens[i] ?? '')
      .slice(1)
      .split(' ');
    const path = tokens[i + 1] ?? '';
    changes.push({
      path,
      ...(status !== 'A' && { before: { mode: modeBefore, blob: blobBefore, path } }),
      ...(status !== 'D' && { entry: { mode, blob, path } }),
    });
  }
  return changes;
}

function inside(folder: string): string {
  return `${folder}/`;
}

const PLAIN = '100644';

/** Lines `<mode> <type> <id>\t<path>`, each ended by a NUL; of a hundred thousand files they are the most that is read. */
function parseTree(bytes: Buffer, take: (entry: TreeEntry) => void): void {
  const isText = isUtf8(bytes);
  const output = bytes.toString(isText ? 'utf8' : 'latin1');
  for (let at = 0, end; (end = output.indexOf('\0', at)) >= 0; at = end + 1) {
    const tab = output.indexOf('\t', at);
    // Nearly all are plain files; one text stands for them all.
    const mode = output.startsWith(PLAIN, at) ? PLAIN : output.slice(at, output.indexOf(' ', at));
    const blob = output.slice(output.lastIndexOf(' ', tab) + 1, tab);
    const name = output.slice(tab + 1, end);
    take({ mode, blob, path: isText ? name : pathOfBytes(Buffer.from(name, 'latin1')) });
  }
}

/** What is ended by NULs, where a path may be anything. */
function tokensOf(output: Buffer): string[] {
  if (isUtf8(output)) return output.toString().split('\0');
  return output
    .toString('latin1')
    .split('\0')
    .map((it) => pathOfBytes(Buffer.from(it, 'latin1')));
}

/** More paths than these are longer than a command line may be. */
const MAX_PATHS = 200;

/** Object ids of the content that files had when they were removed last, by path. Walks all of history. */
export async function removedContents(
  git: GitCommand,
  tip: string,
  paths: readonly string[],
): Promise<Map<string, string>> {
  const walk = ['log', '--no-renames', '--diff-filter=D', '--diff-merges=first-parent', '--format='];
  const found = new Map<string, string>();
  for (let i = 0; i < paths.length; i += MAX_PATHS) {
    const some = paths.slice(i, i + MAX_PATHS);
    const tokens = tokensOf(await git.bytes([...walk, '--raw', '--no-abbrev', '-z', tip, '--', ...some]));
    for (const [at, token] of tokens.entries()) {
      const path = tokens[at + 1] ?? '';
      const [, , blob = ''] = token.split(' ');
      if (token.trimStart().startsWith(':') && !found.has(path)) found.set(path, blob);
    }
  }
  return found;
}

/** What a commit made of a file: nothing where it removed it. `before`: what the file held, when there was one. */
export interface PastChange {
  commit: string;
  path: string;
  before?: string;
  after?: string;
}

/** All that was ever done to these files, newest first. Walks all of history, or what `range` has of it. */
export async function pastChanges(
  git: GitCommand,
  range: string,
  paths: readonly string[],
): Promise<PastChange[]> {
  // The whole of it: a merge may bring a state back that never had the file, and simplified history then passes the other by.
  const walk = ['log', '--topo-order', '--full-history', '--no-renames', '--diff-merges=first-parent'];
  const found: PastChange[] = [];
  for (let i = 0; i < paths.length; i += MAX_PATHS) {
    const some = paths.slice(i, i + MAX_PATHS);
    const args = [...walk, '--format=%x01%H', '--raw', '--no-abbrev', '-z', range, '--', ...some];
    const tokens = tokensOf(await git.bytes(args));
    let commit = '';
    for (const [at, token] of tokens.entries()) {
      if (token.startsWith('\u0001')) commit = token.slice(1).trim();
      if (!token.trimStart().startsWith(':')) continue;
      const [, , before = '', after = ''] = token.trimStart().split(' ');
      found.push({
        commit,
        path: tokens[at + 1] ?? '',
        ...(isThere(before) && { before }),
        ...(isThere(after) && { after }),
      });
    }
  }
  return found;
}

function isThere(blob: string): boolean {
  return !/^0*$/.test(blob);
}

/** Object id of a file's content, of the kind (SHA-1 or SHA-256) that has so many digits. */
export function blobId(text: string, digits: number): string {
  const content = Buffer.from(text);
  const hash = createHash(digits === 64 ? 'sha256' : 'sha1');
  return hash.update(`blob ${content.length}\0`).update(content).digest('hex');
}

/**
 * Objects by id, in the order of the items and in one process however many there are; an unknown one is given as undefined. Of
 * one larger than `limit` bytes only a stand-in is given, one byte larger than the limit.
 */
export async function eachBlob<Item extends { blob: string }>(
  git: GitCommand,
  items: readonly Item[],
  limit: number,
  take: (item: Item, bytes: Uint8Array | undefined) => void,
): Promise<void> {
  if (items.length === 0) return;
  const batch = new BatchParser(limit, (bytes, i) => {
    const item = items[i];
    if (item) take(item, bytes);
  });
  const ids = items.map(({ blob }) => `${blob}\n`).join('');
  await git.stream(['cat-file', '--batch', '--buffer'], ids, (piece) => batch.push(piece));
}

const FORMAT = '--format=%x01%H%x00%an <%ae>%x00%cI';

/**
 * For each path the commit that added it last, in the order in which they were committed.
 * Paths whose commit cannot be told (added by a merge itself) are left out.
 * @param range a tip, or `from..tip`, of which only the commits between are walked
 */
export async function whoAdded(
  git: GitCommand,
  range: string,
  folder: string,
  paths: readonly string[],
): Promise<Map<string, CommitInfo>> {
  if (paths.length === 0) return new Map();
  const wanted = new Set(paths);
  const args = [
    'log',
    '--topo-order',
    '--no-renames',
    '--diff-filter=A',
    '--name-only',
    '-z',
    FORMAT,
    range,
    '--',
  ];
  const output = await git.bytes([...args, ...(paths.length > MAX_PATHS ? [`${folder}/`] : paths)]);
  const newestFirst: [string, CommitInfo][] = [];
  for (const { info, names } of parseLog(output)) {
    for (const name of names) {
      if (wanted.delete(name)) newestFirst.push([name, info]);
    }
  }
  return new Map(newestFirst.toReversed());
}

/**
 * The commit that made a file what it is at `tip`. A merge that took the file over from one of its parents is passed by, unless
 * the other one had changed it as well: then the choice is the merge's own, as it is with one that brings an old state back.
 * @param since a tip before, from which on it is looked for first: all of history is a long walk
 * @returns undefined when the file never was there
 */
export async function whoMade(
  git: GitCommand,
  { tip, since }: { tip: string; since?: string | undefined },
  path: string,
): Promise<CommitInfo | undefined> {
  const base = since === undefined ? undefined : await forkOf(git, since, tip).catch(() => undefined);
  const recent = base === undefined ? undefined : await lastMaker(git, `${base}..${tip}`, path);
  // A merge may only look like the one who chose, where the walk ends before its sides meet.
  const made = recent && !recent.isMerge ? recent : await lastMaker(git, tip, path);
  return made && commitInfo(git, made.commit);
}

/** The newest commit in the history of one path, once the merges that decide nothing about it are gone. */
async function lastMaker(git: GitCommand, range: string, path: string) {
  const walk = ['rev-list', '-1', '--parents', '--simplify-merges', '--topo-order', range, '--', path];
  const [commit = '', ...parents] = (await git.text(walk)).trim().split(' ');
  return commit === '' ? undefined : { commit, isMerge: parents.length > 1 };
}

/** Where everything that `tip` has and `since` has not branched off; undefined when that is too much to ask. */
async function forkOf(git: GitCommand, since: string, tip: string): Promise<string | undefined> {
  const merges = await git.text(['rev-list', '--merges', '--parents', `${since}..${tip}`]);
  const sides = merges.split('\n').flatMap((line) => line.split(' ').slice(1));
  if (sides.length > MAX_PATHS) return undefined;
  return (await git.text(['merge-base', '--octopus', since, ...sides])).trim();
}

/**
 * Which of the paths some commit between `from` and `to` touched. Undefined when there is more to it than commits on top of
 * each other: history was rewritten, or a merge may have brought something back.
 */
export async function touchedSince(
  git: GitCommand,
  { from, to }: { from: string; to: string },
  paths: readonly string[],
): Promise<ReadonlySet<string> | undefined> {
  if (from === to || paths.length === 0) return new Set();
  if (paths.length > MAX_PATHS || (await forkPoint(git, from, to)) !== from) return undefined;
  const range = `${from}..${to}`;
  if ((await git.text(['rev-list', '--merges', '-1', range])) !== '') return undefined;
  const args = ['log', '--format=', '--name-only', '--no-renames', '-z', range, '--', ...paths];
  return new Set(tokensOf(await git.bytes(args)));
}

/**
 * The newest commit that both have in their history; undefined when there is none, or one of them is not in the clone. Fails
 * when that cannot be told: a history that only could not be read is not one that was rewritten.
 */
export async function forkPoint(git: GitCommand, one: string, other: string): Promise<string | undefined> {
  try {
    return (await git.text(['merge-base', one, other])).trim();
  } catch (error) {
    if (error instanceof LocalGitError && error.exitCode === NONE) return undefined;
    if (!(await hasCommits(git, [one, other]))) return undefined;
    throw error;
  }
}

/** How `git merge-base` says that there is none. */
const NONE = 1;

/** Whether all of these commits are in the clone. Fails when that cannot be told. */
export async function hasCommits(git: GitCommand, ids: readonly string[]): Promise<boolean> {
  const told = await git.text(['cat-file', '--batch-check'], ids.map((it) => `${it}\n`).join(''));
  return (
    told
      .trim()
      .split('\n')
      .filter((line) => line.includes(' commit ')).length === ids.length
  );
}

/** Where refs below a folder of theirs point to, by the last part of their names. */
export async function refsBelow(git: GitCommand, folder: string): Promise<Map<string, string>> {
  const told = await git.text(['for-each-ref', '--format=%(objectname) %(refname:lstrip=-1)', `${folder}/`]);
  const lines = told.split('\n').filter(Boolean);
  return new Map(
    lines.map((line): [string, string] => [
      line.slice(line.indexOf(' ') + 1),
      line.slice(0, line.indexOf(' ')),
    ]),
  );
}

const FOLDER = '040000';

/** The files at these paths of a commit; a path without one, or with more than one, is left out. */
export async function filesAt(
  git: GitCommand,
  commit: string,
  paths: readonly string[],
): Promise<Map<string, TreeEntry>> {
  const found = new Map<string, TreeEntry>();
  const twice: string[] = [];
  const wanted = paths.filter(mayBeThere);
  for (let i = 0; i < wanted.length; i += MAX_PATHS) {
    const some = wanted.slice(i, i + MAX_PATHS);
    parseTree(await git.bytes(['ls-tree', '-z', '--full-tree', commit, '--', ...some]), (entry) => {
      if (entry.mode === FOLDER) return;
      if (found.has(entry.path)) twice.push(entry.path);
      found.set(entry.path, entry);
    });
  }
  for (const path of twice) found.delete(path);
  return found;
}

const LONGEST_PATH = 4096;

/** Others git refuses to be asked for; they may stand in what people wrote. */
function mayBeThere(path: string): boolean {
  if (path.length > LONGEST_PATH || path.includes('\0')) return false;
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

/** Object id of the tree of a folder; undefined when there is no such folder. */
export async function treeAt(git: GitCommand, commit: string, folder: string): Promise<string | undefined> {
  let tree: string | undefined;
  parseTree(await git.bytes(['ls-tree', '-z', '--full-tree', commit, '--', folder]), ({ mode, blob }) => {
    if (mode === FOLDER) tree = blob;
  });
  return tree;
}

/** Id of the commit a name stands for; undefined when there is none. */
export async function resolveCommit(git: GitCommand, name: string): Promise<string | undefined> {
  const id = await git.text(['rev-parse', '--verify', '--quiet', `${name}^{commit}`]).catch(() => '');
  return id.trim() === '' ? undefined : id.trim();
}

/** Ids of the commits of `tip` that none of the others has, oldest first. Fails when one is not in the clone. */
export async function commitsSince(
  git: GitCommand,
  tip: string,
  others: readonly string[],
): Promise<string[]> {
  const output = await git.text([
    'rev-list',
    '--reverse',
    '--topo-order',
    tip,
    ...others.map((it) => `^${it}`),
  ]);
  return output.split('\n').filter(Boolean);
}

/**
 * Merges that have the commit among their ancestors, oldest first and only the nearest few; none when it is
 * not (or no longer) in the clone.
 */
export async function mergesAfter(git: GitCommand, commit: string, tip: string): Promise<string[]> {
  if (!/^[0-9a-f]{40,64}$/.test(commit)) return [];
  const args = ['rev-list', '--merges', '--ancestry-path', '--reverse', `${commit}..${tip}`];
  const output = await git.text(args).catch(() => '');
  return output.split('\n').filter(Boolean).slice(0, 5);
}

/**
 * When the file changed last on the branch itself (for a merged change: when it was merged), or was added last; epoch
 * milliseconds. Undefined when that never happened, or not after `since`.
 */
export async function lastChange(
  git: GitCommand,
  tip: string,
  path: string,
  { added = false, since }: { added?: boolean; since?: number } = {},
): Promise<number | undefined> {
  const filters = [
    ...(added ? ['--diff-filter=A'] : []),
    ...(since === undefined ? [] : [`--since=${new Date(since).toISOString()}`]),
  ];
  const walk = [
    'log',
    '-1',
    '--no-patch',
    '--first-parent',
    '--diff-merges=first-parent',
    '--no-renames',
    '--format=%ct',
  ];
  const seconds = (await git.text([...walk, ...filters, tip, '--', path])).trim();
  return seconds === '' ? undefined : Number(seconds) * 1000;
}

/** Whether everything that `from` has is in `to`. Fails when one of them is not in the clone. */
export async function isAncestor(git: GitCommand, from: string, to: string): Promise<boolean> {
  return (await git.text(['rev-list', '--max-count=1', from, `^${to}`])).trim() === '';
}

/** The commit that removed a file last; undefined when none did, or a merge itself. */
export async function whoRemoved(
  git: GitCommand,
  tip: string,
  path: string,
): Promise<CommitInfo | undefined> {
  const walk = ['log', '-1', '--no-patch', '--no-renames', '--diff-filter=D', '-z', FORMAT, tip, '--', path];
  return parseLog(await git.bytes(walk))[0]?.info;
}

/** Author and time of one commit; undefined when it is not (or no longer) in the clone. */
export async function commitInfo(git: GitCommand, commit: string): Promise<CommitInfo | undefined> {
  if (!/^[0-9a-f]{40,64}$/.test(commit)) return undefined;
  try {
    return parseLog(await git.bytes(['log', '-1', '-z', FORMAT, commit, '--']))[0]?.info;
  } catch (error) {
    if (await hasCommits(git, [commit])) throw error;
    return undefined;
  }
}

function parseLog(output: Buffer): { info: CommitInfo; names: string[] }[] {
  const commits: { info: CommitInfo; names: string[] }[] = [];
  const isText = isUtf8(output);
  const tokens = output.toString(isText ? 'utf8' : 'latin1').split('\0');
  const bytesOf = (token: string) => Buffer.from(token, isText ? 'utf8' : 'latin1');
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] ?? '';
    if (token.startsWith('\u0001')) {
      const info = {
        commit: token.slice(1),
        author: bytesOf(tokens[i + 1] ?? '').toString(),
        committedAt: (tokens[i + 2] ?? '').trim(),
      };
      commits.push({ info, names: [] });
      i += 2;
    } else if (token !== '') {
      const names = commits.at(-1)?.names;
      // The header and the first name of a commit are parted by a newline.
      const name = names?.length === 0 && token.startsWith('\n') ? token.slice(1) : token;
      names?.push(isText ? name : pathOfBytes(bytesOf(name)));
    }
  }
  return commits;
}
