import type { Clock } from '../../core/ports.ts';

const LIMIT = 256 * 1024;

export interface LogLine {
  /** RFC 3339 with nanoseconds, of which no two lines have the same. */
  time: string;
  text: string;
}

/** What a container has written, the end of it when it is much. */
export class ContainerLog {
  readonly #clock: Clock;
  #lines: LogLine[] = [];
  /** The last line has no end yet. */
  #open = false;
  #size = 0;
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  append(text: string): void {
    if (text === '') return;
    this.#size += text.length;
    const pieces = text.split('\n');
    const rest = pieces.pop() ?? '';
    for (const piece of pieces) {
      this.#put(piece);
      this.#open = false;
    }
    if (rest !== '') {
      this.#put(rest);
      this.#open = true;
    }
    while (this.#size > LIMIT && this.#lines.length > 1)
      this.#size -= (this.#lines.shift()?.text.length ?? 0) + 1;
    const [only] = this.#lines;
    if (only && this.#size > LIMIT) {
      only.text = only.text.slice(-LIMIT);
      this.#size = only.text.length;
    }
  }

  #put(text: string): void {
    const last = this.#lines.at(-1);
    if (this.#open && last) {
      last.text += text;
      return;
    }
    this.#count += 1;
    const nanos = String(this.#count % 1_000_000).padStart(6, '0');
    const time = `${new Date(this.#clock.wall()).toISOString().slice(0, -1)}${nanos}Z`;
    this.#lines.push({ time, text });
  }

  text(): string {
    const all = this.#lines.map(({ text }) => text).join('\n');
    return this.#lines.length === 0 || this.#open ? all : `${all}\n`;
  }

  /** Those that have ended; the last one as well when `all` are asked for. */
  lines(all: boolean): readonly LogLine[] {
    return this.#open && !all ? this.#lines.slice(0, -1) : this.#lines;
  }
}

/** The logs of one container; `current` is undefined before it was started. */
export interface ContainerLogs {
  current: ContainerLog | undefined;
  /** Of the run before, when it was started again. */
  previous: ContainerLog | undefined;
  isOver: () => boolean;
}
