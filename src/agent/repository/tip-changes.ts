import { isTooMuch, resultsFolder, type Layout } from '../../core/runs/paths.ts';
import type { GitCommand } from '../../git/command.ts';
import { filesOnlyIn, listTree, treeAt, treeChanges, type TreeChange } from '../../git/trees.ts';

/** The commits to read: run files and definitions of one, results of the other. Mostly they are the same. */
export interface ReadTips {
  runs: string;
  /** Absent as long as there is no such branch. */
  results: string | undefined;
}

/** What differs between two tips, by the folder it is in. */
export interface TipChanges {
  own: TreeChange[];
  nodeops: TreeChange[];
  runs: TreeChange[];
}

/** What differs from the tips before. Fails when one of them is not in the clone any more. */
export async function changesBetween(
  git: GitCommand,
  layout: Layout,
  before: ReadTips,
  { runs, results }: ReadTips,
): Promise<TipChanges> {
  const { nodeops, runs: people } = layout;
  const own = resultsFolder(layout);
  const isOne = runs === results && before.runs === before.results;
  const folders = isOne ? [nodeops, people, own] : [nodeops, people];
  const changes = before.runs === runs ? [] : await treeChanges(git, before.runs, runs, folders);
  if (!isOne) changes.push(...(await ownChanges(git, own, before.results, results)));
  return byFolder(layout, changes);
}

async function ownChanges(
  git: GitCommand,
  folder: string,
  from: string | undefined,
  to: string | undefined,
): Promise<TreeChange[]> {
  if (from === to) return [];
  if (to === undefined) throw new Error('the branch with the results is gone');
  return from === undefined ? listTree(git, to, [folder]) : treeChanges(git, from, to, [folder]);
}

/** Files of the runs' folder that the results folder does not have by the same path, which is the one inside. */
export async function unreported(git: GitCommand, layout: Layout, tips: ReadTips): Promise<TreeChange[]> {
  const [tree, reports] = await Promise.all([
    treeAt(git, tips.runs, layout.runs),
    tips.results === undefined ? undefined : treeAt(git, tips.results, resultsFolder(layout)),
  ]);
  return tree === undefined ? [] : filesOnlyIn(git, tree, reports);
}

export function byFolder(layout: Layout, changes: readonly TreeChange[]): TipChanges {
  const below = (folder: string) => changes.filter(({ path }) => path.startsWith(`${folder}/`));
  return { own: below(resultsFolder(layout)), nodeops: below(layout.nodeops), runs: below(layout.runs) };
}

/** Folders that hold more than can be read, as `FOLDER/.`. */
export function tooMuchIn(...changes: readonly (readonly TreeChange[])[]): string[] {
  return changes
    .flat()
    .flatMap(({ path, before, entry }) =>
      [before, entry].some((it) => it && isTooMuch(it.mode)) ? [path] : [],
    );
}
