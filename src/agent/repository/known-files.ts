/**
 * Files of a folder at a tip, by path. Only those are known that changed since the start or that somebody asked for: there
 * may be a hundred thousand others.
 */
export class KnownFiles<File> {
  /** Undefined where it is known that there is none. */
  readonly #files = new Map<string, File | undefined>();
  #isComplete = false;

  /** Whether all there are are known. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  isKnown(path: string): boolean {
    return this.#isComplete || this.#files.has(path);
  }

  /**
   * Undefined when there is no such file. Throws when it is not known: were a report taken for missing, its run would
   * begin again.
   */
  get(path: string): File | undefined {
    if (!this.isKnown(path)) throw new Error(`it is not known whether there is a file ${path}`);
    return this.#files.get(path);
  }

  /** Throws when it is not known. */
  has(path: string): boolean {
    return this.get(path) !== undefined;
  }

  /** @param file undefined when it is gone, or never was */
  set(path: string, file: File | undefined): void {
    if (file === undefined && this.#isComplete) this.#files.delete(path);
    else this.#files.set(path, file);
  }

  /** The same for a file of which nothing is known; what is known of others stays. */
  learn(path: string, file: File | undefined): void {
    if (!this.isKnown(path)) this.set(path, file);
  }

  /** From now on what is not known is not there. */
  complete(): void {
    for (const [path, file] of this.#files) if (file === undefined) this.#files.delete(path);
    this.#isComplete = true;
  }

  /** Those known to be there. */
  *present(): Iterable<[path: string, file: File]> {
    for (const [path, file] of this.#files) if (file !== undefined) yield [path, file];
  }
}
