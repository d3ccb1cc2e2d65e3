import { isUtf8 } from 'node:buffer';
import { pathOfBytes, pathOfText } from '../core/runs/names.ts';
import type { GitCommand } from './command.ts';
import { MAX_PATHS, tokensOf } from './trees.ts';
import { forkPoint, hasCommits } from './ancestry.ts';
import { addedNear, changedNear, FURTHER, touchedNear } from './near.ts';

export interface CommitInfo {
  commit: string;
  author: string;
  /** RFC 3339. */
  committedAt: string;
}

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
  const [from, to] = range.includes('..') ? range.split('..') : [undefined, range];
  const near = paths.length > MAX_PATHS ? FURTHER : await addedNear(git, { from, tip: to ?? '' }, paths);
  if (near !== FURTHER) return withInfo(git, near);
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

/** By path the commit, oldest first. */
async function withInfo(git: GitCommand, newestFirst: Map<string, string>): Promise<Map<string, CommitInfo>> {
  const commits = [...new Set(newestFirst.values())];
  if (commits.length === 0) return new Map();
  const told = parseLog(await git.bytes(['log', '--no-walk=unsorted', '-z', FORMAT, ...commits, '--']));
  const infos = new Map(told.map(({ info }) => [info.commit, info]));
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
  const args = ['log', '--format=', '--name-only', '--no-renames', '-z', range, '--', ...paths];
  return new Set(tokensOf(await git.bytes(args)));
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

/** Nobody's name and address are longer; Git takes any. */
const MAX_AUTHOR = 256;

function shortened(author: string): string {
  return author.length <= MAX_AUTHOR ? author : `${author.slice(0, MAX_AUTHOR - 1).toWellFormed()}…`;
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
        author: shortened(bytesOf(tokens[i + 1] ?? '').toString()),
        committedAt: (tokens[i + 2] ?? '').trim(),
      };
      commits.push({ info, names: [] });
      i += 2;
    } else if (token !== '') {
      const names = commits.at(-1)?.names;
      // The header and the first name of a commit are parted by a newline.
      const name = names?.length === 0 && token.startsWith('\n') ? token.slice(1) : token;
      names?.push(isText ? pathOfText(name) : pathOfBytes(bytesOf(name)));
    }
  }
  return commits;
}
