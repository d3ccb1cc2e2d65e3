import type { Readable } from 'node:stream';
import type { Clock } from '../core/ports.ts';

/**
 * The lines of a body as they come. The body is read as such, since readline tells nobody of a stream that breaks; a last
 * line without an end is half of one.
 */
export async function* linesOf(body: Readable): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const piece of body as AsyncIterable<Buffer>) {
      const text = decoder.decode(piece, { stream: true });
      if (!text.includes('\n')) {
        rest += text;
        continue;
      }
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') yield line;
    }
  } finally {
    body.destroy();
  }
}

/** Calls whenever something was silent for so long, one call after the other. */
export class Silence {
  private readonly clock: Clock;
  private readonly ms: number;
  private readonly onSilence: () => Promise<void>;
  private since: number;
  private over = false;
  private cancel: () => void = () => {};

  constructor(clock: Clock, ms: number, onSilence: () => Promise<void>) {
    this.clock = clock;
    this.ms = ms;
    this.onSilence = onSilence;
    this.since = clock.steady();
    this.wait();
  }

  /** Something was heard. */
  broken(): void {
    this.since = this.clock.steady();
  }

  end(): void {
    this.over = true;
    this.cancel();
  }

  private wait(): void {
    if (this.over) return;
    this.cancel = this.clock.after(this.since + this.ms - this.clock.steady(), () => {
      if (this.clock.steady() - this.since < this.ms) return this.wait();
      void this.onSilence().finally(() => {
        this.broken();
        this.wait();
      });
    });
  }
}
