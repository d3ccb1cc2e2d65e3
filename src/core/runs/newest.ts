import type { ReportBrief } from './brief.ts';

/** A report's path, and what it says in brief. */
export type Entry = [path: string, brief: ReportBrief];

/** So many are held at least, once there are so many: half of them may be taken away until others have to be looked for. */
const HELD = 100;

/** The newest reports of a folder that may hold a hundred thousand, as they come, change and go. */
export class NewestReports {
  readonly #held = new Map<string, ReportBrief>();
  /** Every report newer than this one is held; absent while there are no others at all. */
  #horizon: Entry | undefined;

  /** @param reports all there are, or else the newest of them: then `hasOlder` */
  constructor(reports: Iterable<Entry> = [], hasOlder = false) {
    for (const [path, brief] of reports) this.set(path, brief);
    if (hasOlder) this.#horizon ??= this.#sorted().at(-1);
  }

  copy(): NewestReports {
    const copy = new NewestReports(this.#held);
    copy.#horizon = this.#horizon;
    return copy;
  }

  set(path: string, brief: ReportBrief): void {
    this.#held.delete(path);
    if (this.#horizon && newestFirst([path, brief], this.#horizon) > 0) return;
    this.#held.set(path, brief);
    if (this.#held.size < 2 * HELD) return;
    const kept = this.#sorted().slice(0, HELD);
    this.#held.clear();
    for (const [each, it] of kept) this.#held.set(each, it);
    this.#horizon = kept.at(-1);
  }

  delete(path: string): void {
    this.#held.delete(path);
  }

  /** So many, newest first, or all when there are fewer; undefined when others would have to be read to tell. */
  first(count: number): Entry[] | undefined {
    if (this.#horizon && this.#held.size < count) return undefined;
    return this.#sorted().slice(0, count);
  }

  /** All that are held, newest first. */
  all(): Entry[] {
    return this.#sorted().slice(0, HELD);
  }

  /** Whether there are older ones than those of `all`. */
  get hasOlder(): boolean {
    return this.#horizon !== undefined || this.#held.size > HELD;
  }

  #sorted(): Entry[] {
    return [...this.#held].toSorted(newestFirst);
  }
}

function newestFirst([a, { began: x }]: Entry, [b, { began: y }]: Entry): number {
  return y - x || (a < b ? -1 : 1);
}
