import { InvalidError } from '../api/errors.ts';
import { breather } from '../time/breather.ts';
import type { GitCommand } from './command.ts';
import { TreeCursor } from './tree-object.ts';

/** How much there is in a folder and in all the folders inside, each as often as it is named. */
interface Size {
  /** Files and folders. */
  entries: number;
  folders: number;
  /** Of the tree objects. */
  bytes: number;
  /** Characters of the longest path of a folder. */
  path: number;
}

const MIB = 1024 * 1024;

/**
 * What is gone through of one folder at a tip. A repository of a few kilobytes can hold more than any machine has room for:
 * a tree that another one names ten times, that another one names ten times, and so on. It is three times as much as was
 * measured; to hold it takes 100 MB.
 */
const BOUNDS: Size = { entries: 300_000, folders: 100_000, bytes: 128 * MIB, path: 2000 };

/** Of one tree object, in bytes. */
export const LARGEST_TREE = 32 * MIB;

/** There is more in a folder than is gone through. */
export class TooMuchError extends InvalidError {
  constructor(folder: string) {
    const what = folder === '' ? 'the root of the repository' : `the folder ${folder.slice(0, -1)}`;
    super(`${what} holds more than can be read; take out what does not belong there`);
    this.name = 'TooMuchError';
  }
}

/** A tree that is read again and again is a reason to count before going on. */
const REPEATED = 1000;

/** What walks may go through that share it, before somebody counts what there is. */
export class Budget {
  readonly #most: Size;
  readonly #opened = new Set<string>();
  #entries = 0;
  #folders = 0;
  #bytes = 0;
  #repeated = 0;
  /** One for all walks that come to an end by it. */
  #over: TooMuchError | undefined;

  constructor(most: Size = BOUNDS) {
    this.#most = most;
  }

  /** To be called before a tree is asked for. Throws TooMuchError. */
  open(folder: string, tree: string): void {
    this.#folders += 1;
    this.#repeated += Number(this.#opened.has(tree));
    this.#opened.add(tree);
    const { folders, path } = this.#most;
    this.#check(folder, this.#folders > folders || this.#repeated > REPEATED || folder.length > path);
  }

  /** To be called for each entry. Throws TooMuchError. */
  pass(folder: string): void {
    this.#entries += 1;
    this.#check(folder, this.#entries > this.#most.entries);
  }

  /** To be called for each tree object. Throws TooMuchError. */
  read(folder: string, bytes: number): void {
    this.#bytes += bytes;
    this.#check(folder, this.#bytes > this.#most.bytes);
  }

  #check(folder: string, isOver: boolean): void {
    if (isOver) this.#over ??= new TooMuchError(folder);
    if (this.#over) throw this.#over;
  }
}

const NONE: Size = { entries: 0, folders: 0, bytes: 0, path: 0 };
const ENDLESS: Size = { entries: Infinity, folders: Infinity, bytes: Infinity, path: Infinity };

/** What one tree object holds by itself, and the folders it names. */
interface Level {
  own: Size;
  folders: { name: string; id: string }[];
}

/** So many folders are passed by, before the one that they lie in is passed by in their place. */
const NAMED = 16;

/**
 * Finds the folders to pass by so that the rest can be gone through. It reads each tree object once, however often it is
 * named.
 */
export class TreeSizes {
  readonly #git: GitCommand;
  readonly #most: Size;
  readonly #known = new Map<string, Promise<Size>>();
  readonly #breathe = breather();
  /** Objects are bounded too: what is not counted any more counts as endless. */
  #left: number;

  constructor(git: GitCommand, most: Size = BOUNDS) {
    this.#git = git;
    this.#most = most;
    this.#left = 4 * most.entries;
  }

  /** @param path that of the folder, with a slash at its end; '' for the root of all */
  tooLarge(path: string, tree: string): Promise<string[]> {
    return this.#tooLarge({ path, tree }, this.#most, Infinity);
  }

  /** As few and as small ones as can be told apart, at most `named`; otherwise the folder itself. */
  async #tooLarge(folder: { path: string; tree: string }, room: Size, named: number): Promise<string[]> {
    const { path, tree } = folder;
    if (fits(at(path, await this.#size(tree)), room)) return [];
    const level = await this.#level(tree);
    if (level === undefined || !fits(at(path, level.own), room)) return [path];
    const { kept, over } = await this.#part(path, level, room);
    if (over.length > named) return [path];
    const share = { ...divided(less(room, kept), over.length), path: room.path };
    const each = Math.min(NAMED, Math.floor(named / over.length));
    const found: string[] = [];
    for (const inside of over) found.push(...(await this.#tooLarge(inside, share, each)));
    // There is nothing else in it.
    const isAll = over.length > 1 && level.own.entries === over.length;
    return isAll && named !== Infinity ? [path] : found;
  }

  /** The small folders for which there is room, and the others. */
  async #part(path: string, { own, folders }: Level, room: Size) {
    const sized = folders.map(async ({ name, id }) => {
      const inside = { path: `${path}${name}/`, tree: id };
      return { inside, size: at(inside.path, await this.#size(id)) };
    });
    const bySize = (await Promise.all(sized)).toSorted((a, b) => a.size.entries - b.size.entries);
    let kept = at(path, own);
    const over: { path: string; tree: string }[] = [];
    for (const { inside, size } of bySize) {
      const all = sum(kept, size);
      if (fits(all, room)) kept = all;
      else over.push(inside);
    }
    return { kept, over };
  }

  #size(tree: string): Promise<Size> {
    let size = this.#known.get(tree);
    if (!size) this.#known.set(tree, (size = this.#measure(tree)));
    return size;
  }

  async #measure(tree: string): Promise<Size> {
    const level = await this.#level(tree);
    if (level === undefined) return ENDLESS;
    let all = level.own;
    // One after the other: what is asked for at once is held at once.
    for (const { name, id } of level.folders) all = sum(all, at(`${name}/`, await this.#size(id)));
    return all;
  }

  async #level(tree: string): Promise<Level | undefined> {
    const object = this.#left > 0 ? await this.#git.object(tree, LARGEST_TREE) : undefined;
    if (object?.type !== 'tree' || object.bytes.length > LARGEST_TREE) return undefined;
    const cursor = new TreeCursor(object.bytes, tree.length);
    const level: Level = { own: { ...NONE, folders: 1, bytes: object.bytes.length }, folders: [] };
    while (cursor.next()) {
      level.own.entries += 1;
      if (cursor.isFolder) level.folders.push({ name: cursor.name, id: cursor.id });
      if (level.own.entries % 1000 === 0) await this.#breathe();
    }
    this.#left -= level.own.entries + 1;
    return level;
  }
}

/** Paths do not add up: of all that is in a folder the longest one counts. */
function sum(one: Size, other: Size): Size {
  return {
    entries: one.entries + other.entries,
    folders: one.folders + other.folders,
    bytes: one.bytes + other.bytes,
    path: Math.max(one.path, other.path),
  };
}

function less(one: Size, other: Size): Size {
  return {
    entries: one.entries - other.entries,
    folders: one.folders - other.folders,
    bytes: one.bytes - other.bytes,
    path: one.path,
  };
}

function divided({ entries, folders, bytes, path }: Size, by: number): Size {
  return { entries: entries / by, folders: folders / by, bytes: bytes / by, path };
}

/** The same size, its paths from further out. */
function at(path: string, size: Size): Size {
  return { ...size, path: path.length + size.path };
}

function fits(size: Size, room: Size): boolean {
  return (
    size.entries <= room.entries &&
    size.folders <= room.folders &&
    size.bytes <= room.bytes &&
    size.path <= room.path
  );
}
