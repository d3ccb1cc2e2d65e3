import type { Clock } from '../../core/ports.ts';
import type { Refusal } from '../../core/runs/plan.ts';
import { ApiError } from '../../kube/api-error.ts';

/** A NodeOp that is refused for so long is not asked for any more. */
const LASTING_MS = 5 * 60_000;
const FIRST_WAIT_MS = 5_000;
const LONGEST_WAIT_MS = 60_000;
/** Not about the NodeOp, but about who asks and how often. */
const NOT_ABOUT_IT: ReadonlySet<number> = new Set([401, 408, 409, 429]);

/** NodeOps that the API server refuses: its namespace is not there, a quota is used up, a webhook says no. */
export class Refusals {
  readonly #clock: Clock;
  readonly #known = new Map<
    string,
    { message: string; since: number; retryAt: number; count: number; isFinal: boolean }
  >();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether the answer is one of these. When the server itself is in trouble it is asked again for as long as that lasts. */
  take(path: string, error: unknown): boolean {
    if (!(error instanceof ApiError) || error.code < 400 || NOT_ABOUT_IT.has(error.code)) return false;
    const now = this.#clock.steady();
    const { since = now, count = 0 } = this.#known.get(path) ?? {};
    const retryAt = now + Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** count);
    const isFinal = error.code < 500;
    this.#known.set(path, { message: error.message, since, retryAt, count: count + 1, isFinal });
    return true;
  }

  of(path: string): Refusal | undefined {
    const known = this.#known.get(path);
    if (known === undefined) return undefined;
    const now = this.#clock.steady();
    const { message, since, retryAt, isFinal } = known;
    return { message, isLasting: isFinal && now >= since + LASTING_MS, retryInMs: retryAt - now };
  }

  /** Forgets all runs but these. */
  retain(runs: ReadonlySet<string>): void {
    for (const run of this.#known.keys()) if (!runs.has(run)) this.#known.delete(run);
  }

  forget(path: string): void {
    this.#known.delete(path);
  }
}
