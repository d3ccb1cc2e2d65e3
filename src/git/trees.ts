import type { GitCommand } from './command.ts';
import { TooMuchError, WalkBudget } from './tree-bounds.ts';
import { TreeSizes } from './tree-size.ts';
import { Found, isFolder, Trees } from './tree-walk.ts';

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

/**
 * What became of a path between two trees: without an entry it is gone, without one before it is new. A folder that holds more
 * than is gone through is told as itself, by the path `FOLDER/.`.
 */
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
  return inBounds(git, { roots: [commit], folders }, async (trees, [root = '']) => {
    if (folders.length + files.length === 0) return trees.list('', root);
    const [below, named] = await Promise.all([trees.at(root, folders), trees.at(root, files)]);
    const found = new Found<TreeChange>();
    for (const entry of [...below.filter(isFolder), ...named]) {
      if (isFolder(entry)) found.later(trees.list(`${entry.path}/`, entry.blob));
      else found.add({ path: entry.path, entry });
    }
    return found.all();
  });
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
  return compared(git, { from, to, folders });
}

/** What a commit changed below the folders, against its first parent; nothing is told of one that has none. */
export async function changesBy(git: GitCommand, commit: string, folders: string[]): Promise<TreeChange[]> {
  const parent = await git.object(`${commit}^`, 0);
  return parent === undefined ? [] : treeChanges(git, parent.id, commit, folders);
}

/** Files of a tree that another one, if there is one, does not have by the same path. */
export async function filesOnlyIn(
  git: GitCommand,
  tree: string,
  other: string | undefined,
): Promise<TreeChange[]> {
  if (other === undefined) return listTree(git, tree);
  return compared(git, { from: other, to: tree, folders: [], onlyNew: true });
}

async function compared(
  git: GitCommand,
  { from, to, folders, onlyNew = false }: { from: string; to: string; folders: string[]; onlyNew?: boolean },
): Promise<TreeChange[]> {
  return inBounds(git, { roots: [from, to], folders, onlyNew }, async (trees, [before = '', after = '']) => {
    if (folders.length === 0) return trees.compare('', before, after);
    const [gone, come] = await Promise.all([trees.at(before, folders), trees.at(after, folders)]);
    const changes = folders.map((folder) => {
      const of = (entries: TreeEntry[]) => entries.filter((it) => isFolder(it) && it.path === folder);
      return trees.compareAll(`${folder}/`, of(gone), of(come));
    });
    return (await Promise.all(changes)).flat();
  });
}

/** A walk through the folders, or everything when none is named, of these trees; what is too much is passed by. */
async function inBounds(
  git: GitCommand,
  { roots, folders, onlyNew = false }: { roots: readonly string[]; folders: string[]; onlyNew?: boolean },
  walk: (trees: Trees, roots: string[]) => Promise<TreeChange[]>,
): Promise<TreeChange[]> {
  const lookUp = new Trees(git);
  const ids = await Promise.all(roots.map((it) => lookUp.root(it)));
  try {
    return await walk(new Trees(git, { onlyNew, budget: new WalkBudget() }), ids);
  } catch (error) {
    if (!(error instanceof TooMuchError)) throw error;
  }
  const sizes = new TreeSizes(git);
  const passedBy = new Set<string>();
  for (const id of ids) {
    const found = folders.length === 0 ? [] : (await lookUp.at(id, folders)).filter(isFolder);
    const inside = found.map(({ path, blob }) => ({ path: `${path}/`, blob }));
    for (const it of folders.length === 0 ? [{ path: '', blob: id }] : inside)
      for (const folder of await sizes.tooLarge(it.path, it.blob)) passedBy.add(folder);
  }
  return walk(new Trees(git, { onlyNew, passedBy }), ids);
}

/** The files at these paths of a commit; a path without one, or with more than one, is left out. */
export async function filesAt(
  git: GitCommand,
  commit: string,
  paths: readonly string[],
): Promise<Map<string, TreeEntry>> {
  const found = new Map<string, TreeEntry>();
  const twice: string[] = [];
  for (const entry of await entriesAt(git, commit, paths)) {
    if (isFolder(entry)) continue;
    if (found.has(entry.path)) twice.push(entry.path);
    found.set(entry.path, entry);
  }
  for (const path of twice) found.delete(path);
  return found;
}

/** Whatever is at these paths of a commit, folders too. */
export async function entriesAt(
  git: GitCommand,
  commit: string,
  paths: readonly string[],
): Promise<TreeEntry[]> {
  if (paths.length === 0) return [];
  const trees = new Trees(git);
  return trees.at(await trees.root(commit), paths);
}

/** Object id of the tree of a folder; undefined when there is no such folder. */
export async function treeAt(git: GitCommand, commit: string, folder: string): Promise<string | undefined> {
  return (await entriesAt(git, commit, [folder])).findLast(isFolder)?.blob;
}

/** What lies directly in a folder, '' for the root, by names not longer than this; nothing when there is no such folder. */
export async function namesIn(
  git: GitCommand,
  commit: string,
  folder: string,
  longest: number,
): Promise<{ name: string; isFolder: boolean }[]> {
  const tree = folder === '' ? commit : await treeAt(git, commit, folder);
  if (tree === undefined) return [];
  const trees = new Trees(git);
  const entries = await trees.directlyIn(await trees.root(tree), longest);
  return entries.map((it) => ({ name: it.path, isFolder: isFolder(it) }));
}

/** More paths than these are longer than a command line may be. */
export const MAX_PATHS = 200;
