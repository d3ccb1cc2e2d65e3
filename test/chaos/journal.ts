import {
  appendFileSync,
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  truncateSync,
} from 'node:fs';
import type { Obj } from '../../src/sim/store/object.ts';
import type { EventType } from '../../src/sim/store/store.ts';

/** What happened in the cluster, in its order. Milliseconds of the wall clock. */
export type Entry = { at: number } & (
  | { what: 'stored'; key: string; type: EventType; object: Obj }
  /** A container was started by the node agent, or a reboot pod made its machine reboot. */
  | { what: 'starts' | 'asked'; node: string; pod: Obj }
);

/**
 * A file that holds what happened, line by line. What is in it is there whatever becomes of its writer: it is also what a
 * killed API server goes on from.
 */
export class JournalWriter {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** What an earlier writer left; a line that it was killed in is taken away. */
  past(): Entry[] | undefined {
    if (!existsSync(this.#file)) return undefined;
    const text = readFileSync(this.#file, 'utf8');
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    truncateSync(this.#file, Buffer.byteLength(whole));
    return linesOf(whole);
  }

  write(entry: Entry): void {
    appendFileSync(this.#file, `${JSON.stringify(entry)}\n`);
  }
}

/** Reads what is new in such a file. */
export class JournalReader {
  readonly #file: string;
  readonly #buffer = Buffer.alloc(1 << 20);
  /** Up to here whole lines were read. */
  #at = 0;

  constructor(file: string) {
    this.#file = file;
  }

  read(): Entry[] {
    if (!existsSync(this.#file)) return [];
    const handle = openSync(this.#file, 'r');
    const pieces: Buffer[] = [];
    for (let at = this.#at; ;) {
      const length = readSync(handle, this.#buffer, 0, this.#buffer.length, at);
      if (length === 0) break;
      at += length;
      pieces.push(Buffer.from(this.#buffer.subarray(0, length)));
    }
    closeSync(handle);
    const bytes = Buffer.concat(pieces);
    const end = bytes.lastIndexOf('\n') + 1;
    this.#at += end;
    return linesOf(bytes.toString('utf8', 0, end));
  }
}

function linesOf(text: string): Entry[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Entry);
}
