import type { Clock } from '../core/ports.ts';

type Fields = Record<string, unknown>;

const MINUTE_MS = 60_000;
/** Kinds that are told apart; what else comes within the minute is told as one. */
const MAX_KINDS = 50;

/** Tells of what others may cause as often as they like: the first of a kind at once, the rest of a minute in one line. */
export class Digest {
  readonly #clock: Clock;
  readonly #log: (fields: Fields) => void;
  readonly #kinds = new Map<string, { count: number; last: Fields; cancel: () => void }>();

  constructor(clock: Clock, log: (fields: Fields) => void) {
    this.#clock = clock;
    this.#log = log;
  }

  tell(kind: string, fields: Fields): void {
    const key = this.#kinds.has(kind) || this.#kinds.size < MAX_KINDS ? kind : '';
    const known = this.#kinds.get(key);
    if (known) {
      known.count += 1;
      known.last = fields;
      return;
    }
    this.#log(fields);
    this.#begin(key, fields);
  }

  /** Tells of what was not told yet. */
  close(): void {
    for (const [key, { cancel }] of this.#kinds) {
      cancel();
      this.#end(key);
    }
    this.#kinds.clear();
  }

  #begin(key: string, last: Fields): void {
    const cancel = this.#clock.after(MINUTE_MS, () => {
      const isOn = this.#end(key);
      this.#kinds.delete(key);
      if (isOn) this.#begin(key, last);
    });
    this.#kinds.set(key, { count: 0, last, cancel });
  }

  /** @returns whether there was anything to tell */
  #end(key: string): boolean {
    const { count = 0, last = {} } = this.#kinds.get(key) ?? {};
    if (count > 0) this.#log({ ...last, count });
    return count > 0;
  }
}
