import type { GitCommand } from './command.ts';
import { filesAt, MAX_PATHS } from './trees.ts';
import { forkPoint, hasCommits } from './ancestry.ts';
import { type CommitInfo, infoOf, shortened } from './commit-info.ts';
import { addedNear, changedNear, FURTHER, MAX_COMMIT, touchedNear } from './near.ts';
import { type Asked, stepsOf } from './walks.ts';

/** Object ids of the content that files had when they were removed last, by path. Walks all of history. */
export async function removedContents(
  git: GitCommand,
  tip: string,
  paths: readonly string[],
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const some of inParts(paths)) {
    for await (const { changes } of stepsOf(git, [tip], some)) {
      for (const { path, before, entry } of changes)
        if (before && !entry && !found.has(path)) found.set(path, before.blob);
    }
  }
  return found;
}

function inParts(asked: Asked): Asked[] {
  if ('folder' in asked) return [asked];
  const count = Math.ceil(asked.length / MAX_PATHS);
  return Array.from({ length: count }, (_, i) => asked.slice(i * MAX_PATHS, (i + 1) * MAX_PATHS));
}

/** What a commit made of a file: nothing where it removed it. `before`: what the file held, when there was one. */
export interface PastChange {
  commit: string;
  path: string;
  before?: string;
  after?: string;
}

/** All that was ever done to these files, newest first. Walks all of history, or what `range` has of it. */
export async function pastChanges(git: GitCommand, range: string, asked: Asked): Promise<PastChange[]> {
  // The whole of it: a merge may bring a state back that never had the file, and simplified history then passes the other by.
  const walk = ['--topo-order', '--full-history', range];
  const found: PastChange[] = [];
  for (const some of inParts(asked)) {
    for await (const { commit, changes } of stepsOf(git, walk, some)) {
      for (const { path, before, entry } of changes)
        found.push({
          commit,
          path,
          ...(before && { before: before.blob }),
          ...(entry && { after: entry.blob }),
        });
    }
  }
  return found;
}

const FORMAT = '--format=%x01%H%x00%an <%ae>%x00%cI';

/**
 * For each path the commit that added it last, in the order in which they were committed. A merge added what none of its
 * parents has.
 * @param range a tip, or `from..tip`, of which only the commits between are walked
 */
export async function whoAdded(
  git: GitCommand,
  range: string,
  folder: string,
  paths: readonly string[],
): Promise<Map<string, CommitInfo>> {
  if (paths.length === 0) return new Map();
  const [from, to] = range.includes('..') ? range.split('..') : [undefined, range];
  const near = paths.length > MAX_PATHS ? FURTHER : await addedNear(git, { from, tip: to ?? '' }, paths);
  if (near !== FURTHER) return withInfo(git, near);
  const wanted = new Set(paths);
  const newestFirst = new Map<string, string>();
  const asked = paths.length > MAX_PATHS ? { folder } : paths;
  for await (const { commit, isMerge, changes } of stepsOf(git, ['--topo-order', range], asked)) {
    const come = changes.flatMap(({ path, before, entry }) =>
      entry && !before && wanted.has(path) ? path : [],
    );
    const others = isMerge && come.length > 0 ? await mergedInto(git, commit) : [];
    const there = await Promise.all(others.map((it) => filesAt(git, it, come)));
    for (const path of come) {
      if (there.some((files) => files.has(path))) continue;
      wanted.delete(path);
      newestFirst.set(path, commit);
    }
    if (wanted.size === 0) break;
  }
  return withInfo(git, newestFirst);
}

/** The parents of a merge but the first. */
async function mergedInto(git: GitCommand, merge: string): Promise<string[]> {
  const [, , ...others] = (await git.text(['rev-list', '-1', '--parents', merge])).trim().split(' ');
  return others;
}

/** By path the commit, oldest first. */
async function withInfo(git: GitCommand, newestFirst: Map<string, string>): Promise<Map<string, CommitInfo>> {
  const commits = [...new Set(newestFirst.values())];
  const infos = new Map<string, CommitInfo>();
  for (const info of await Promise.all(commits.map((commit) => commitInfo(git, commit)))) {
    if (info) infos.set(info.commit, info);
  }
  const found = [...newestFirst].flatMap(([path, commit]): [string, CommitInfo][] => {
    const info = infos.get(commit);
    return info ? [[path, info]] : [];
  });
  return new Map(found.toReversed());
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
  const near = await changedNear(git, tip, path);
  if (near !== FURTHER) return near === undefined ? undefined : commitInfo(git, near);
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
  if (paths.length > MAX_PATHS) return undefined;
  const near = await touchedNear(git, { from, to }, paths);
  if (near !== FURTHER) return near;
  if ((await forkPoint(git, from, to)) !== from) return undefined;
  const range = `${from}..${to}`;
  if ((await git.text(['rev-list', '--merges', '-1', range])) !== '') return undefined;
  const touched = new Set<string>();
  for await (const { changes } of stepsOf(git, [range], paths))
    for (const { path } of changes) touched.add(path);
  return touched;
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
  const recent = since === undefined ? [] : [`--since=${new Date(since).toISOString()}`];
  const walk = ['--first-parent', ...recent, tip];
  // Mostly the last one is what is asked for, and all of history is a long walk.
  for (const some of [['-1', ...walk], walk]) {
    for await (const { commit, changes } of stepsOf(git, some, [path])) {
      if (added && !changes.some(({ before, entry }) => entry && !before)) continue;
      const info = await commitInfo(git, commit);
      return info && Date.parse(info.committedAt);
    }
  }
  return undefined;
}

/** The commit that removed a file last; undefined when none did, or a merge itself. */
export async function whoRemoved(
  git: GitCommand,
  tip: string,
  path: string,
): Promise<CommitInfo | undefined> {
  for (const walk of [['-1', tip], [tip]]) {
    for await (const { commit, isMerge, changes } of stepsOf(git, walk, [path])) {
      if (!isMerge && changes.some(({ entry }) => !entry)) return commitInfo(git, commit);
    }
  }
  return undefined;
}

/** Author and time of one commit; undefined when it is not (or no longer) in the clone. */
export async function commitInfo(git: GitCommand, commit: string): Promise<CommitInfo | undefined> {
  if (!/^[0-9a-f]{40,64}$/.test(commit)) return undefined;
  const object = await git.object(commit, MAX_COMMIT);
  if (object === undefined) return undefined;
  const told = object.type === 'commit' ? infoOf(commit, object.bytes) : undefined;
  if (told) return told;
  try {
    return parseLog(await git.bytes(['log', '-1', '-z', FORMAT, commit, '--']))[0];
  } catch (error) {
    if (await hasCommits(git, [commit])) throw error;
    return undefined;
  }
}

/** Names of people may be anything. */
function parseLog(output: Buffer): CommitInfo[] {
  const tokens = output.toString('latin1').split('\0');
  const textOf = (token = '') => Buffer.from(token, 'latin1').toString();
  return tokens.flatMap((token, i) =>
    token.startsWith('\u0001')
      ? [
          {
            commit: token.slice(1),
            author: shortened(textOf(tokens[i + 1])),
            // Newer versions of git have another word for UTC.
            committedAt: (tokens[i + 2] ?? '').trim().replace(/Z$/, '+00:00'),
          },
        ]
      : [],
  );
}
