import { LocalGitError } from '../api/errors.ts';
import type { GitCommand } from './command.ts';
import { isNear } from './near.ts';

/**
 * The newest commit that both have in their history; undefined when there is none, or one of them is not in the clone. Fails
 * when that cannot be told: a history that only could not be read is not one that was rewritten.
 */
export async function forkPoint(git: GitCommand, one: string, other: string): Promise<string | undefined> {
  if (await isNear(git, one, other)) return one;
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
  const objects = await Promise.all(ids.map((id) => git.object(id, 0)));
  return objects.every((it) => it?.type === 'commit');
}

/** Where a ref points to; undefined when there is none. */
export async function commitOfRef(git: GitCommand, ref: string): Promise<string | undefined> {
  const object = await git.object(ref, 0);
  return object?.type === 'commit' ? object.id : undefined;
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

/** Whether everything that `from` has is in `to`. Fails when one of them is not in the clone. */
export async function isAncestor(git: GitCommand, from: string, to: string): Promise<boolean> {
  return (await git.text(['rev-list', '--max-count=1', from, `^${to}`])).trim() === '';
}
