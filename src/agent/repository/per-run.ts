/** What is remembered of runs that are under way, and forgotten with them: an agent that runs for years must not grow. */
export class PerRun<Value> {
  readonly #byRun = new Map<string, Map<string, Value>>();

  /** Of one run, by whatever key; made when there is none. */
  of(run: string): Map<string, Value> {
    let own = this.#byRun.get(run);
    if (own === undefined) this.#byRun.set(run, (own = new Map<string, Value>()));
    return own;
  }

  /** Forgets all runs but these. */
  retain(runs: ReadonlySet<string>): void {
    for (const run of this.#byRun.keys()) if (!runs.has(run)) this.#byRun.delete(run);
  }

  get size(): number {
    return this.#byRun.size;
  }
}
