/**
 * Lets so many pieces of work go on at once; of those that wait the last to come is the next. Where each piece asks for more of
 * them, what it begins is done before others are begun, and few wait at a time.
 */
export class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.pop();
      if (next) next();
      else this.#free += 1;
    }
  }
}
