import { LocalGitError } from '../api/errors.ts';
import { MAX_NAME, pathOfBytes } from '../core/runs/names.ts';

const [SPACE, NUL, SLASH, ZERO] = [0x20, 0, 0x2f, 0x30];
/** The bits of a mode that say what the entry is. */
const KIND = 0o170000;
const [FOLDER, FILE, LINK] = [0o040000, 0o100000, 0o120000];

/**
 * Goes through a tree object as git keeps it: `<mode in octal> <name>\0<id in bytes>`, one entry after the other. Nothing is
 * decoded that nobody asks for: of a hundred thousand entries mostly one is of interest.
 */
export class TreeCursor {
  readonly #bytes: Buffer;
  readonly #idBytes: number;
  #next = 0;
  #mode = 0;
  #name = 0;
  #nameEnd = 0;
  #isText = true;

  /** @param digits of an object id */
  constructor(bytes: Buffer, digits: number) {
    this.#bytes = bytes;
    this.#idBytes = digits / 2;
  }

  /** Moves on to the next entry. Throws when the object is cut off. */
  next(): boolean {
    const bytes = this.#bytes;
    if (this.#next >= bytes.length) return false;
    let at = this.#next;
    this.#mode = 0;
    // In 32 bits, as git has it: what more digits there are says nothing.
    for (; at < bytes.length && bytes[at] !== SPACE; at++)
      this.#mode = (this.#mode << 3) + (bytes[at] ?? 0) - ZERO;
    this.#name = ++at;
    let all = 0;
    for (; at < bytes.length && bytes[at] !== NUL; at++) all |= bytes[at] ?? 0;
    this.#isText = all < 0x80;
    this.#nameEnd = at;
    this.#next = at + 1 + this.#idBytes;
    if (this.#next > bytes.length) throw new LocalGitError('a tree in the clone ends within an entry');
    return true;
  }

  get isFolder(): boolean {
    return (this.#mode & KIND) === FOLDER;
  }

  /** As git prints it, whatever old tools wrote: of the permissions only that to execute counts. */
  get mode(): string {
    const kind = this.#mode & KIND;
    if (kind === FILE) return (this.#mode & 0o100) === 0 ? '100644' : '100755';
    if (kind === LINK) return '120000';
    return kind === FOLDER ? '040000' : '160000';
  }

  get id(): string {
    return this.#bytes.toString('hex', this.#nameEnd + 1, this.#next);
  }

  get name(): string {
    const isPlain = this.#isText && this.nameBytes <= MAX_NAME;
    return isPlain ? this.nameInBytes : pathOfBytes(this.#bytes.subarray(this.#name, this.#nameEnd));
  }

  get nameBytes(): number {
    return this.#nameEnd - this.#name;
  }

  /** One character a byte, whatever the encoding. */
  get nameInBytes(): string {
    return this.#bytes.toString('latin1', this.#name, this.#nameEnd);
  }

  /** Negative when this entry comes first in a tree; 0 when both are files, or both folders, of one name. */
  compare(other: TreeCursor): number {
    const [one, two] = [this.nameBytes, other.nameBytes];
    const shared = Math.min(one, two);
    for (let i = 0; i < shared; i++) {
      const difference = (this.#bytes[this.#name + i] ?? 0) - (other.#bytes[other.#name + i] ?? 0);
      if (difference !== 0) return difference;
    }
    return this.#byteAt(shared) - other.#byteAt(shared) || one - two;
  }

  /** Whether content and kind are the same. */
  equals(other: TreeCursor): boolean {
    const [at, there] = [this.#nameEnd + 1, other.#nameEnd + 1];
    const isSame = this.#bytes.compare(other.#bytes, there, other.#next, at, this.#next) === 0;
    return isSame && (this.#mode === other.#mode || this.mode === other.mode);
  }

  /** Git sorts the names of folders as if they ended with a slash. */
  #byteAt(i: number): number {
    if (i < this.nameBytes) return this.#bytes[this.#name + i] ?? 0;
    return this.isFolder ? SLASH : 0;
  }
}
