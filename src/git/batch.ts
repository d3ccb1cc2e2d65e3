/** Is given one content after the other, in the order they were asked for; undefined for one that is not there. */
type Take = (bytes: Buffer | undefined, index: number, header: string) => void;

/** Of a name that stands for no object, or for more than one, git says so in a word: `missing`, `ambiguous`, `submodule`. */
const FOUND = /^\S+ [a-z]+ (\d+)$/;

/**
 * Takes the answer of `git cat-file --batch` apart, in whatever pieces it comes: `<id> <type> <size>\n<bytes>\n` a found
 * object, `<name> missing\n` another.
 */
export class BatchParser {
  readonly #limitOf: (index: number) => number;
  readonly #take: Take;
  #index = 0;
  #pieces: Buffer[] = [];
  #held = 0;
  /** Bytes without which it does not go on. */
  #needed = 1;
  /** Bytes of a content that is too large, to be passed over. */
  #skip = 0;

  /** @param limitOf of a content that is larger only a stand-in is given, one byte larger than this */
  constructor(limitOf: (index: number) => number, take: Take) {
    this.#limitOf = limitOf;
    this.#take = take;
  }

  push(piece: Buffer): void {
    const skipped = Math.min(this.#skip, piece.length);
    this.#skip -= skipped;
    this.#pieces.push(piece.subarray(skipped));
    this.#held += piece.length - skipped;
    if (this.#held < this.#needed) return;
    const [only = piece] = this.#pieces;
    const buffer = this.#pieces.length === 1 ? only : Buffer.concat(this.#pieces, this.#held);
    const rest = buffer.subarray(this.#parse(buffer));
    this.#pieces = [rest];
    this.#held = rest.length;
  }

  /** @returns how far it came */
  #parse(buffer: Buffer): number {
    let at = 0;
    while (at < buffer.length) {
      const end = buffer.indexOf(0x0a, at);
      if (end < 0) {
        this.#needed = buffer.length - at + 1;
        return at;
      }
      const header = buffer.toString('latin1', at, end);
      const [, digits] = FOUND.exec(header) ?? [];
      const size = digits === undefined ? undefined : Number(digits);
      if (size === undefined) {
        at = end + 1;
        this.#take(undefined, this.#index++, header);
        continue;
      }
      const next = end + 1 + size + 1;
      const limit = this.#limitOf(this.#index);
      if (size > limit) {
        this.#take(Buffer.alloc(limit + 1), this.#index++, header);
        this.#skip = Math.max(0, next - buffer.length);
      } else if (next > buffer.length) {
        this.#needed = next - at;
        return at;
      } else this.#take(buffer.subarray(end + 1, end + 1 + size), this.#index++, header);
      at = next;
    }
    this.#needed = 1;
    return buffer.length;
  }
}
