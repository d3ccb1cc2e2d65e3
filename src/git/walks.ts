import type { GitCommand } from './command.ts';
import { filesAt, listTree, treeChanges, type TreeChange } from './trees.ts';

/** What a commit made of the files that were asked for, against its first parent. */
export interface Step {
  commit: string;
  isMerge: boolean;
  changes: TreeChange[];
}

/** These files, or all of a folder. */
export type Asked = readonly string[] | { folder: string };

/**
 * The commits of a walk that changed something, newest first, and what. Git tells only which commits these are: asked for the
 * changes it goes through all that a folder held that once was at such a path, and that may be without end.
 * @param walk which commits, as `git rev-list` takes it
 */
export async function* stepsOf(git: GitCommand, walk: readonly string[], asked: Asked): AsyncGenerator<Step> {
  const within = 'folder' in asked ? [`${asked.folder}/`] : asked;
  const commits = (await git.text(['rev-list', ...walk, '--', ...within])).split('\n').filter(Boolean);
  for (const commit of commits) {
    // Where a clone ends, the parent has a name and is not there.
    const [parent, other] = await Promise.all([1, 2].map((nth) => git.object(`${commit}^${nth}`, 0)));
    yield { commit, isMerge: other !== undefined, changes: await changesOf(git, parent?.id, commit, asked) };
  }
}

async function changesOf(
  git: GitCommand,
  parent: string | undefined,
  commit: string,
  asked: Asked,
): Promise<TreeChange[]> {
  if ('folder' in asked) {
    const folders = [asked.folder];
    return parent === undefined ? listTree(git, commit, folders) : treeChanges(git, parent, commit, folders);
  }
  const [before, after] = await Promise.all([
    parent === undefined ? undefined : filesAt(git, parent, asked),
    filesAt(git, commit, asked),
  ]);
  return asked.flatMap((path): TreeChange[] => {
    const [was, entry] = [before?.get(path), after.get(path)];
    if (was?.blob === entry?.blob && was?.mode === entry?.mode) return [];
    return [{ path, ...(was && { before: was }), ...(entry && { entry }) }];
  });
}
