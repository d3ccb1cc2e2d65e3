import type { GitCommand } from './command.ts';
import { entriesAt, filesAt } from './trees.ts';

/**
 * What the last commits alone tell, as long as they are on top of each other. Mostly that is what is asked for, and it takes no
 * process. `FURTHER`: they do not tell it, and git has to walk.
 */
export const FURTHER = Symbol('git has to walk');
type Further = typeof FURTHER;

/** Read in a moment. */
const STEPS = 50;
/** A commit of a person is a few kilobytes. */
export const MAX_COMMIT = 1024 * 1024;

interface Commit {
  id: string;
  tree: string;
  parents: string[];
}

/** The commit that touched the path last; undefined when none ever did. */
export async function changedNear(
  git: GitCommand,
  tip: string,
  path: string,
): Promise<string | undefined | Further> {
  let here: string | undefined;
  for await (const { commit, before } of stepsBack(git, tip)) {
    here ??= await holding(git, commit, path);
    const there = before ? await holding(git, before, path) : NOTHING;
    if (here !== there) return commit.id;
    if (!before) return undefined;
    here = there;
  }
  return FURTHER;
}

/** Which of the paths were touched after `from`; undefined when it is none of the commits before `to`. */
export async function touchedNear(
  git: GitCommand,
  { from, to }: { from: string; to: string },
  paths: readonly string[],
): Promise<ReadonlySet<string> | undefined | Further> {
  const touched = new Set<string>();
  for await (const { commit, before } of stepsBack(git, to)) {
    if (!before) return undefined;
    const [here, there] = await Promise.all([commit, before].map((it) => held(git, it, paths)));
    for (const path of paths) if (here?.get(path) !== there?.get(path)) touched.add(path);
    if (before.id === from) return touched;
  }
  return FURTHER;
}

/** The commits that added these files last, after `from`; newest first. Files that none of them added are left out. */
export async function addedNear(
  git: GitCommand,
  { from, tip }: { from?: string | undefined; tip: string },
  paths: readonly string[],
): Promise<Map<string, string> | Further> {
  const added = new Map<string, string>();
  let wanted = [...paths].toSorted();
  if (tip === from) return added;
  for await (const { commit, before } of stepsBack(git, tip)) {
    const [here, there] = await Promise.all([
      filesAt(git, commit.tree, wanted),
      before ? filesAt(git, before.tree, wanted) : new Map(),
    ]);
    for (const path of wanted) if (here.has(path) && !there.has(path)) added.set(path, commit.id);
    wanted = wanted.filter((it) => !added.has(it));
    const isAll = from === undefined ? !before || wanted.length === 0 : before?.id === from;
    if (isAll) return added;
  }
  return FURTHER;
}

/** Whether a commit is one of the last before the tip, or the tip itself. */
export async function isNear(git: GitCommand, commit: string, tip: string): Promise<boolean> {
  if (commit === tip) return true;
  let at = await readCommit(git, tip);
  for (let i = 0; i < STEPS && at; i++) {
    if (at.parents.includes(commit)) return true;
    const [parent] = at.parents;
    if (at.parents.length !== 1 || parent === undefined) return false;
    at = await readCommit(git, parent);
  }
  return false;
}

/** From the tip back, up to a merge; the first commit of all has none before it. */
async function* stepsBack(
  git: GitCommand,
  tip: string,
): AsyncGenerator<{ commit: Commit; before: Commit | undefined }> {
  let commit = await readCommit(git, tip);
  for (let i = 0; i < STEPS && commit && commit.parents.length <= 1; i++) {
    const [parent] = commit.parents;
    const before = parent === undefined ? undefined : await readCommit(git, parent);
    if (parent !== undefined && !before) return;
    yield { commit, before };
    if (!before) return;
    commit = before;
  }
}

const HEADER = /^tree ([0-9a-f]{40,64})\n((?:parent [0-9a-f]{40,64}\n)*)/;

/** Undefined when it is not there, or too large. */
async function readCommit(git: GitCommand, id: string): Promise<Commit | undefined> {
  const object = await git.object(id, MAX_COMMIT);
  const [, tree, parents = ''] = HEADER.exec(object?.bytes.toString('latin1') ?? '') ?? [];
  if (object?.type !== 'commit' || tree === undefined) return undefined;
  return { id: object.id, tree, parents: parents.match(/[0-9a-f]{40,64}/g) ?? [] };
}

const NOTHING = '';

async function holding(git: GitCommand, commit: Commit, path: string): Promise<string> {
  return (await held(git, commit, [path])).get(path) ?? NOTHING;
}

/** What is at these paths, whatever it is. */
async function held(
  git: GitCommand,
  { tree }: Commit,
  paths: readonly string[],
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const { path, mode, blob } of await entriesAt(git, tree, paths)) {
    found.set(path, `${found.get(path) ?? ''} ${mode} ${blob}`);
  }
  return found;
}
