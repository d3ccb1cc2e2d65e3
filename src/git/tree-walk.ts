import { LocalGitError } from '../api/errors.ts';
import { breather } from '../time/breather.ts';
import type { GitCommand } from './command.ts';
import { TreeCursor } from './tree-object.ts';
import { LARGEST_TREE, TooMuchError, type WalkBudget } from './tree-bounds.ts';
import { Turns } from './turns.ts';
import type { TreeChange, TreeEntry } from './trees.ts';

export interface WalkOptions {
  /** Where two trees are compared, what is gone or changed is left out. */
  onlyNew?: boolean;
  budget?: WalkBudget;
  /** Folders that are not gone into, each with a slash at its end: each is given as what it is, by the name `.` inside. */
  passedBy?: ReadonlySet<string>;
}

/** Trees that are asked for and not looked through yet. */
const AT_ONCE = 16;

/** Reads the trees of one repository, and all that can be read at once at once. What it gives is in git's order. */
export class Trees {
  readonly #git: GitCommand;
  readonly #onlyNew: boolean;
  readonly #budget: WalkBudget | undefined;
  readonly #passedBy: ReadonlySet<string>;
  readonly #breathe = breather();
  readonly #turns = new Turns(AT_ONCE);

  constructor(git: GitCommand, { onlyNew = false, budget, passedBy = new Set() }: WalkOptions = {}) {
    this.#git = git;
    this.#onlyNew = onlyNew;
    this.#budget = budget;
    this.#passedBy = passedBy;
  }

  /** Object id of the tree of a commit, or of whatever else holds one. */
  async root(name: string): Promise<string> {
    // In the name of a path git would look for the ending as well.
    const object = await this.#git.object(name.includes(':') ? name : `${name}^{tree}`, 0);
    if (object?.type !== 'tree') throw new LocalGitError(`there is no tree ${name} in the clone`);
    return object.id;
  }

  /** What is at these paths. A damaged tree may have more than one entry of a name, and then all of them are given. */
  async at(tree: string, paths: readonly string[], prefix = ''): Promise<TreeEntry[]> {
    const byName = Map.groupBy(paths.filter(mayBeThere), (path) => bytesOf(nextPart(path, prefix)));
    if (byName.size === 0) return [];
    const lengths = new Set([...byName.keys()].map((it) => it.length));
    const found = new Found<TreeEntry>();
    await this.#each(prefix, tree, (cursor) => {
      const wanted = lengths.has(cursor.nameBytes) ? byName.get(cursor.nameInBytes) : undefined;
      if (!wanted) return;
      const entry = entryOf(prefix, cursor);
      if (wanted.includes(entry.path)) found.add(entry);
      const inside = wanted.filter((it) => it !== entry.path);
      if (cursor.isFolder && inside.length > 0) found.later(this.at(entry.blob, inside, `${entry.path}/`));
    });
    return found.all();
  }

  /** Entries whose names are not longer than this; there may be a million others. */
  async directlyIn(tree: string, longest: number): Promise<TreeEntry[]> {
    const entries: TreeEntry[] = [];
    await this.#each('', tree, (cursor) => {
      if (cursor.nameBytes <= longest) entries.push(entryOf('', cursor));
    });
    return entries;
  }

  /** All files of a folder, each as new. */
  async list(prefix: string, tree: string): Promise<TreeChange[]> {
    const found = new Found<TreeChange>();
    if (this.#passedBy.has(prefix)) {
      const entry = folderItself(prefix, tree);
      return [{ path: entry.path, entry }];
    }
    await this.#each(prefix, tree, (cursor) => this.#came(prefix, cursor, found));
    return found.all();
  }

  /** Compares the folders of one path: none or one in each tree, more than one in a damaged tree. */
  async compareAll(prefix: string, before: TreeEntry[], after: TreeEntry[]): Promise<TreeChange[]> {
    const found = new Found<TreeChange>();
    for (let i = 0; i < Math.max(before.length, after.length); i++) {
      const [gone, come] = [before[i], after[i]];
      if (gone && come) found.later(this.compare(prefix, gone.blob, come.blob));
      else if (come) found.later(this.list(prefix, come.blob));
      else if (gone) found.later(this.#gone(prefix, gone.blob));
    }
    return found.all();
  }

  async compare(prefix: string, before: string, after: string): Promise<TreeChange[]> {
    const found = new Found<TreeChange>();
    if (before === after) return found.all();
    if (this.#passedBy.has(prefix)) {
      const [was, entry] = [folderItself(prefix, before), folderItself(prefix, after)];
      return [{ path: entry.path, ...(!this.#onlyNew && { before: was }), entry }];
    }
    const [a, b] = await Promise.all([this.#open(prefix, before), this.#open(prefix, after)]);
    let [hasA, hasB] = [a.next(), b.next()];
    for (let i = 1; hasA || hasB; i++) {
      this.#budget?.pass(prefix);
      const order = hasA && hasB ? a.compare(b) : Number(hasB) - Number(hasA);
      if (order === 0 && !this.#isPassedBy(b) && !a.equals(b)) this.#changed(prefix, a, b, found);
      else if (order < 0 && !this.#onlyNew) this.#left(prefix, a, found);
      else if (order > 0) this.#came(prefix, b, found);
      if (order <= 0) hasA = a.next();
      if (order >= 0) hasB = b.next();
      if (i % STRETCH === 0) await this.#breathe();
    }
    return found.all();
  }

  #changed(prefix: string, a: TreeCursor, b: TreeCursor, found: Found<TreeChange>): void {
    const [before, entry] = [entryOf(prefix, a), entryOf(prefix, b)];
    const { path } = entry;
    if (b.isFolder) found.later(this.compare(`${path}/`, before.blob, entry.blob));
    else found.add({ path, before, entry });
  }

  /** A file of this name was there before, so it is not new, whatever became of it. */
  #isPassedBy({ isFolder: mayHoldNew }: TreeCursor): boolean {
    return this.#onlyNew && !mayHoldNew;
  }

  #came(prefix: string, cursor: TreeCursor, found: Found<TreeChange>): void {
    const entry = entryOf(prefix, cursor);
    if (cursor.isFolder) found.later(this.list(`${entry.path}/`, entry.blob));
    else found.add({ path: entry.path, entry });
  }

  #left(prefix: string, cursor: TreeCursor, found: Found<TreeChange>): void {
    const before = entryOf(prefix, cursor);
    if (cursor.isFolder) found.later(this.#gone(`${before.path}/`, before.blob));
    else found.add({ path: before.path, before });
  }

  async #gone(prefix: string, tree: string): Promise<TreeChange[]> {
    const files = this.#onlyNew ? [] : await this.list(prefix, tree);
    return files.map(({ path, entry }) => ({ path, ...(entry && { before: entry }) }));
  }

  async #each(prefix: string, tree: string, take: (cursor: TreeCursor) => void): Promise<void> {
    const cursor = await this.#open(prefix, tree);
    for (let i = 1; cursor.next(); i++) {
      this.#budget?.pass(prefix);
      take(cursor);
      if (i % STRETCH === 0) await this.#breathe();
    }
  }

  async #open(prefix: string, tree: string): Promise<TreeCursor> {
    this.#budget?.open(prefix, tree);
    // All branches of a tree are walked at once; once one of them has found too much, the others end here.
    const object = await this.#turns.take(async () => {
      this.#budget?.read(prefix, 0);
      return this.#git.object(tree, LARGEST_TREE);
    });
    if (object?.type !== 'tree') throw new LocalGitError(`tree ${tree} is not in the clone`);
    if (object.bytes.length > LARGEST_TREE) throw new TooMuchError(prefix);
    this.#budget?.read(prefix, object.bytes.length);
    return new TreeCursor(object.bytes, tree.length);
  }
}

/** Name in a listing for a folder that was passed by: no file is called so. */
const FOLDER_ITSELF = '.';

function folderItself(prefix: string, tree: string): TreeEntry {
  return { mode: FOLDER, blob: tree, path: prefix + FOLDER_ITSELF };
}

const FOLDER = '040000';
/** Others have their turn after so many entries. */
const STRETCH = 1000;

/** Collects what is known at once and what is known later, in order. */
export class Found<It> {
  readonly #parts: Promise<It[]>[] = [];
  #now: It[] | undefined;

  add(it: It): void {
    if (!this.#now) this.#parts.push(Promise.resolve((this.#now = [])));
    this.#now.push(it);
  }

  later(them: Promise<It[]>): void {
    // `all` throws it; it may be called after the failure.
    them.catch(() => undefined);
    this.#parts.push(them);
    this.#now = undefined;
  }

  async all(): Promise<It[]> {
    return (await Promise.all(this.#parts)).flat();
  }
}

export function isFolder({ mode }: TreeEntry): boolean {
  return mode === FOLDER;
}

function entryOf(prefix: string, cursor: TreeCursor): TreeEntry {
  return { mode: cursor.mode, blob: cursor.id, path: prefix + cursor.name };
}

/** The part of a path that comes after the prefix. */
function nextPart(path: string, { length }: string): string {
  const end = path.indexOf('/', length);
  return end < 0 ? path.slice(length) : path.slice(length, end);
}

/** A name as `nameInBytes` of a cursor has it. */
function bytesOf(name: string): string {
  return Buffer.from(name).toString('latin1');
}

const LONGEST_PATH = 4096;

/** Git refuses to be asked for other paths, and people may have written them. */
function mayBeThere(path: string): boolean {
  if (path.length > LONGEST_PATH || path.includes('\0')) return false;
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}
