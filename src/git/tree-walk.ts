import { InvalidError, LocalGitError } from '../api/errors.ts';
import { breather } from '../time/breather.ts';
import type { GitCommand } from './command.ts';
import { TreeCursor } from './tree-object.ts';
import { Turns } from './turns.ts';
import type { TreeChange, TreeEntry } from './trees.ts';

/** Bounds on what one walk finds. */
export interface Bounds {
  /** Files and folders. A tree of a few kilobytes may hold more of them than there are atoms: each folder the same one ten times. */
  entries: number;
  /** Trees that are asked for and not looked through yet. */
  atOnce: number;
  /** Of one folder, as Git keeps it. */
  bytes: number;
}

/** Three times as many as were measured; to hold them takes 100 MB. */
const BOUNDS: Bounds = { entries: 300_000, atOnce: 16, bytes: 64 * 1024 * 1024 };

/** Reads the trees of one repository, and all that can be read at once at once. What it gives is in git's order. */
export class Trees {
  readonly #git: GitCommand;
  readonly #onlyNew: boolean;
  readonly #breathe = breather();
  readonly #most: Bounds;
  readonly #turns: Turns;
  #found = 0;
  #tooMuch: InvalidError | undefined;

  /** @param onlyNew where two trees are compared, what is gone or changed is left out */
  constructor(git: GitCommand, onlyNew = false, bounds = BOUNDS) {
    this.#git = git;
    this.#onlyNew = onlyNew;
    this.#most = bounds;
    this.#turns = new Turns(bounds.atOnce);
  }

  /** Object id of the tree of a commit, or of whatever else holds one. */
  async root(name: string): Promise<string> {
    // Of a commit no more is read than this: its message may be of any length.
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
    await this.#each(tree, prefix, (cursor) => {
      const wanted = lengths.has(cursor.nameBytes) ? byName.get(cursor.nameInBytes) : undefined;
      if (!wanted) return;
      const entry = entryOf(prefix, cursor);
      if (wanted.includes(entry.path)) found.add(entry);
      const inside = wanted.filter((it) => it !== entry.path);
      if (cursor.isFolder && inside.length > 0) found.later(this.at(entry.blob, inside, `${entry.path}/`));
    });
    return found.all();
  }

  async directlyIn(tree: string): Promise<TreeEntry[]> {
    const entries: TreeEntry[] = [];
    await this.#each(tree, '', (cursor) => entries.push(entryOf('', cursor)));
    return entries;
  }

  /** All files of a folder, each as new. */
  async list(prefix: string, tree: string): Promise<TreeChange[]> {
    const found = new Found<TreeChange>();
    await this.#each(tree, prefix, (cursor) => {
      const entry = this.#take(prefix, cursor);
      if (cursor.isFolder) found.later(this.list(`${entry.path}/`, entry.blob));
      else found.add({ path: entry.path, entry });
    });
    return found.all();
  }

  /** Folders of one path: none or one, and more than one in a damaged tree. */
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
    const [a, b] = await Promise.all([this.#open(before, prefix), this.#open(after, prefix)]);
    let [hasA, hasB] = [a.next(), b.next()];
    for (let i = 1; hasA || hasB; i++) {
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
    const [before, entry] = [entryOf(prefix, a), this.#take(prefix, b)];
    const { path } = entry;
    if (b.isFolder) found.later(this.compare(`${path}/`, before.blob, entry.blob));
    else found.add({ path, before, entry });
  }

  /** Whatever became of a file, it was there. */
  #isPassedBy({ isFolder: mayHoldNew }: TreeCursor): boolean {
    return this.#onlyNew && !mayHoldNew;
  }

  #came(prefix: string, cursor: TreeCursor, found: Found<TreeChange>): void {
    const entry = this.#take(prefix, cursor);
    if (cursor.isFolder) found.later(this.list(`${entry.path}/`, entry.blob));
    else found.add({ path: entry.path, entry });
  }

  #left(prefix: string, cursor: TreeCursor, found: Found<TreeChange>): void {
    const before = this.#take(prefix, cursor);
    if (cursor.isFolder) found.later(this.#gone(`${before.path}/`, before.blob));
    else found.add({ path: before.path, before });
  }

  async #gone(prefix: string, tree: string): Promise<TreeChange[]> {
    const files = this.#onlyNew ? [] : await this.list(prefix, tree);
    return files.map(({ path, entry }) => ({ path, ...(entry && { before: entry }) }));
  }

  async #each(tree: string, prefix: string, take: (cursor: TreeCursor) => void): Promise<void> {
    const cursor = await this.#open(tree, prefix);
    for (let i = 1; cursor.next(); i++) {
      take(cursor);
      if (i % STRETCH === 0) await this.#breathe();
    }
  }

  /** One entry more of what the walk gives. Throws when it gives too many, or one that is too deep. */
  #take(prefix: string, cursor: TreeCursor): TreeEntry {
    const entry = entryOf(prefix, cursor);
    this.#found += 1;
    const { entries } = this.#most;
    if (this.#found > entries) this.#giveUp(entry.path, `more than ${entries} files and folders${TOO_MANY}`);
    if (entry.path.length > LONGEST_PATH) this.#giveUp(entry.path, TOO_LONG);
    return entry;
  }

  /** Of all that goes on nothing is begun any more. */
  #giveUp(path: string, what: string): never {
    throw (this.#tooMuch ??= tooMuch(path, what));
  }

  async #open(tree: string, prefix: string): Promise<TreeCursor> {
    const { bytes } = this.#most;
    // What is found goes on in all branches of a tree at once, until one of them has found too much.
    const object = await this.#turns.take(() => {
      if (this.#tooMuch) throw this.#tooMuch;
      return this.#git.object(tree, bytes);
    });
    if (object?.type !== 'tree') throw new LocalGitError(`tree ${tree} is not in the clone`);
    if (object.bytes.length > bytes)
      this.#giveUp(prefix, `a folder of more than ${bytes} bytes, as Git keeps it${TOO_MANY}`);
    return new TreeCursor(object.bytes, tree.length);
  }
}

const FOLDER = '040000';
/** Others have their turn after so many entries. */
const STRETCH = 1000;

/** What is known at once and what is known later, in order. */
export class Found<It> {
  readonly #parts: Promise<It[]>[] = [];
  #now: It[] | undefined;

  add(it: It): void {
    if (!this.#now) this.#parts.push(Promise.resolve((this.#now = [])));
    this.#now.push(it);
  }

  later(them: Promise<It[]>): void {
    // Told by `all`, which others may come before.
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

function tooMuch(path: string, what: string): InvalidError {
  const folder = path.slice(0, path.indexOf('/') + 1).slice(0, MAX_SHOWN);
  const where = folder === '' ? '' : `, in the folder ${JSON.stringify(folder)}`;
  const way = 'find out who pushed it, and take it out';
  return new InvalidError(`the repository holds ${what}${where}; ${way}`);
}

const LONGEST_PATH = 4096;
const TOO_MANY = ', more than can be followed';
const TOO_LONG = `a path that is longer than ${LONGEST_PATH} characters, which no file system holds`;
const MAX_SHOWN = 200;

/** One character a byte. */
function bytesOf(name: string): string {
  return Buffer.from(name).toString('latin1');
}

/** Others git refuses to be asked for; they may stand in what people wrote. */
function mayBeThere(path: string): boolean {
  if (path.length > LONGEST_PATH || path.includes('\0')) return false;
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}
