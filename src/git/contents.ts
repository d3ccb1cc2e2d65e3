import { LocalGitError } from '../api/errors.ts';
import { eachBlob } from './blobs.ts';
import type { GitCommand } from './command.ts';

/** Gets objects into the clone by their ids, but for those that are larger than `limit` bytes, whose ids are given. */
type FetchObjects = (ids: readonly string[], limit: number) => Promise<readonly string[]>;

/** Enough for all that somebody looks at again. */
const MAX_REMEMBERED = 10_000;

/**
 * Contents of files in a clone that may lack those nobody has asked for yet. Each is given by object id; of one larger
 * than `limit` bytes only a stand-in is given, one byte larger than the limit. Throws TransientError when what is missing
 * cannot be had.
 */
export class Contents {
  readonly #git: GitCommand;
  readonly #fetch: FetchObjects | undefined;
  /** Those that were left where they are, with the limit they are above. */
  readonly #tooLarge = new Map<string, number>();

  /** Without `fetch` everything is expected to be there. */
  constructor(git: GitCommand, fetch?: FetchObjects) {
    this.#git = git;
    this.#fetch = fetch;
  }

  /**
   * One after the other, in one process however many there are. No more is held than one content, unless `take` keeps it.
   * Where nothing can be fetched it is given undefined for what is not there.
   */
  async each<Item extends { blob: string }>(
    items: readonly Item[],
    limit: number,
    take: (item: Item, bytes: Uint8Array | undefined) => void | Promise<void>,
  ): Promise<void> {
    const missing: Item[] = [];
    await eachBlob(this.#git, items, limit, (item, bytes) => {
      if (bytes) return take(item, bytes);
      missing.push(item);
      return undefined;
    });
    if (missing.length === 0) return;
    if (!this.#fetch) {
      for (const item of missing) await take(item, undefined);
      return;
    }
    const isTooLarge = ({ blob }: Item) => (this.#tooLarge.get(blob) ?? -1) >= limit;
    const wanted = missing.filter((it) => !isTooLarge(it)).map(({ blob }) => blob);
    if (this.#tooLarge.size > MAX_REMEMBERED) this.#tooLarge.clear();
    for (const id of await this.#fetch([...new Set(wanted)], limit)) this.#tooLarge.set(id, limit);
    for (const item of missing.filter(isTooLarge)) await take(item, Buffer.alloc(limit + 1));
    const fetched = missing.filter((it) => !isTooLarge(it));
    await eachBlob(this.#git, fetched, limit, (item, bytes) => {
      // The remote gave it: nothing would be known of a content that is there.
      if (!bytes) throw new LocalGitError(`object ${item.blob} was fetched and is not in the clone`);
      return take(item, bytes);
    });
  }

  /** Those of the ids that are known, all held at once. */
  async read(ids: readonly string[], limit: number): Promise<Map<string, Uint8Array>> {
    const found = new Map<string, Uint8Array>();
    const wanted = [...new Set(ids)].map((blob) => ({ blob }));
    await this.each(wanted, limit, ({ blob }, bytes) => {
      if (bytes) found.set(blob, bytes);
    });
    return found;
  }
}
