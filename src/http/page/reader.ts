import { GZIP_HEADER, type Message } from './message.ts';

/** Where a stream of events goes; a response, as far as it is needed. */
export interface Sink {
  write: (bytes: Buffer) => unknown;
  /** Bytes that were written and have not gone out yet. */
  readonly writableLength: number;
  end: () => unknown;
  destroy: () => unknown;
}

/** Whether one sees the same as when the stream began, something else by now, or is signed in no more. */
export type Standing = 'same' | 'other' | 'signed-out';

/** Somebody with more than this before him gets nothing new until it has gone. */
const MOST_QUEUED = 256 * 1024;

/** One stream of events. What a slow one does not take is not kept for it: it gets all anew once it has room. */
export class Reader {
  readonly #sink: Sink;
  readonly #gzip: boolean;
  /** How it stands with whoever reads; asked again and again. */
  readonly standing: () => Promise<Standing>;
  /** Since when it has missed something; undefined when it has not. */
  behindSince: number | undefined;

  constructor(sink: Sink, { gzip, standing }: { gzip: boolean; standing: () => Promise<Standing> }) {
    this.#sink = sink;
    this.#gzip = gzip;
    this.standing = standing;
    if (gzip) sink.write(GZIP_HEADER);
  }

  /** Whether there is room for more. */
  get hasRoom(): boolean {
    return this.#sink.writableLength <= MOST_QUEUED;
  }

  send(message: Message): void {
    this.#sink.write(this.#gzip ? message.gzip : message.plain);
  }

  end(): void {
    this.#sink.end();
  }

  cut(): void {
    this.#sink.destroy();
  }
}
