import { breather } from '../time/breather.ts';
import type { GitCommand } from './command.ts';
import { BOUNDS, LARGEST_TREE, type Size } from './tree-bounds.ts';
import { TreeCursor } from './tree-object.ts';

const NONE: Size = { entries: 0, folders: 0, bytes: 0, path: 0 };
const ENDLESS: Size = { entries: Infinity, folders: Infinity, bytes: Infinity, path: Infinity };

/** What one tree object holds by itself, and the folders it names. */
interface Level {
  own: Size;
  folders: { name: string; id: string }[];
}

/** Folders that are passed by one by one; of more of them, the folder around them is passed by instead. */
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

  /**
   * The folders to pass by, each with a slash at its end.
   * @param path of the folder to go through, with a slash at its end; '' for the root
   */
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
    // Nothing would be left of it.
    const isAll = over.length > 1 && level.own.entries === over.length;
    return isAll && named !== Infinity ? [path] : found;
  }

  /** Parts the folders inside into those for which there is room, smallest first, and the others. */
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
