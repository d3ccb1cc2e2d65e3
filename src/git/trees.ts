import { isUtf8 } from 'node:buffer';
import { pathOfBytes } from '../core/runs/names.ts';
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
export function tokensOf(output: Buffer): string[] {
  if (isUtf8(output)) return output.toString().split('\0');
  return output
    .toString('latin1')
    .split('\0')
    .map((it) => pathOfBytes(Buffer.from(it, 'latin1')));
}

/** More paths than these are longer than a command line may be. */
export const MAX_PATHS = 200;

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

/** What lies directly in a folder, '' for the root; nothing when there is no such folder. */
export async function namesIn(
  git: GitCommand,
  commit: string,
  folder: string,
): Promise<{ name: string; isFolder: boolean }[]> {
  const tree = folder === '' ? commit : await treeAt(git, commit, folder);
  const found: { name: string; isFolder: boolean }[] = [];
  if (tree === undefined) return found;
  parseTree(await git.bytes(['ls-tree', '-z', '--full-tree', tree]), ({ mode, path }) => {
    found.push({ name: path, isFolder: mode === FOLDER });
  });
  return found;
}

/** Object id of the tree of a folder; undefined when there is no such folder. */
export async function treeAt(git: GitCommand, commit: string, folder: string): Promise<string | undefined> {
  let tree: string | undefined;
  parseTree(await git.bytes(['ls-tree', '-z', '--full-tree', commit, '--', folder]), ({ mode, blob }) => {
    if (mode === FOLDER) tree = blob;
  });
  return tree;
}
