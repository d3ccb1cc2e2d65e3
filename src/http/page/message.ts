import { constants, deflateRawSync } from 'node:zlib';

/** What a gzip stream begins with; what follows are blocks that need nothing of each other, so that all streams can share them. */
export const GZIP_HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);

const FAST = { level: 4, finishFlush: constants.Z_FULL_FLUSH };

/** A part of a stream of events, made once for everybody who gets it. */
export class Message {
  readonly plain: Buffer;
  #gzip: Buffer | undefined;

  constructor(text: string) {
    this.plain = Buffer.from(text);
  }

  /** Only where somebody takes it. */
  get gzip(): Buffer {
    this.#gzip ??= deflateRawSync(this.plain, FAST);
    return this.#gzip;
  }
}

/** @param data JSON, which has no line breaks */
export function event(name: string, data: string, id?: string): Message {
  return new Message(`${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${data}\n\n`);
}

/** Says nothing, and keeps whoever is in between from closing the stream. */
export const HEARTBEAT = new Message(':\n\n');
