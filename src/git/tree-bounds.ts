import { InvalidError } from '../api/errors.ts';

/** How much there is in a folder and in all the folders inside, each as often as it is named. */
export interface Size {
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
 * How much is gone through of one folder at a tip. A repository of a few kilobytes can hold more than any machine has room
 * for: a tree that another one names ten times, that another one names ten times, and so on. The bounds are three times what
 * real repositories were measured to have; so much takes 100 MB of memory.
 */
export const BOUNDS: Size = { entries: 300_000, folders: 100_000, bytes: 128 * MIB, path: 2000 };

/** Of one tree object, in bytes. */
export const LARGEST_TREE = 32 * MIB;

/** A folder holds more than is gone through. */
export class TooMuchError extends InvalidError {
  constructor(folder: string) {
    const what = folder === '' ? 'the root of the repository' : `the folder ${folder.slice(0, -1)}`;
    super(`${what} holds more than can be read; take out what does not belong there`);
    this.name = 'TooMuchError';
  }
}

/** After so many trees that were read before, somebody has to count what there is. */
const REPEATED = 1000;

/** How much some walks may go through together before somebody counts what there is. */
export class WalkBudget {
  readonly #most: Size;
  readonly #opened = new Set<string>();
  #entries = 0;
  #folders = 0;
  #bytes = 0;
  #repeated = 0;
  /** All walks that it ends throw the same one. */
  #over: TooMuchError | undefined;

  constructor(most: Size = BOUNDS) {
    this.#most = most;
  }

  /** Call it before a tree is asked for. Throws TooMuchError. */
  open(folder: string, tree: string): void {
    this.#folders += 1;
    this.#repeated += Number(this.#opened.has(tree));
    this.#opened.add(tree);
    const { folders, path } = this.#most;
    this.#check(folder, this.#folders > folders || this.#repeated > REPEATED || folder.length > path);
  }

  /** Call it for each entry. Throws TooMuchError. */
  pass(folder: string): void {
    this.#entries += 1;
    this.#check(folder, this.#entries > this.#most.entries);
  }

  /** Call it for each tree object. Throws TooMuchError. */
  read(folder: string, bytes: number): void {
    this.#bytes += bytes;
    this.#check(folder, this.#bytes > this.#most.bytes);
  }

  #check(folder: string, isOver: boolean): void {
    if (isOver) this.#over ??= new TooMuchError(folder);
    if (this.#over) throw this.#over;
  }
}
