import type { Clock } from '../../core/ports.ts';
import type { Refusal } from '../../core/rollout/facts.ts';
import { backoffMs } from '../../time/backoff.ts';

/** So many failures one after the other are told in the status. */
const LASTING = 5;

/** Of an action, since it last succeeded. */
interface Failure {
  count: number;
  until: number;
  text: string;
  /** Since when every answer was a refusal. */
  refusedSince: number | undefined;
  /** The last refusal, if it may be for good. */
  refusal: Refusal | undefined;
}

export interface FailureFacts {
  text: string;
  /** How long the server asks to be left alone. */
  askedMs: number | undefined;
  isRefusal: boolean;
  /** A refusal by what was asked for, rather than by what ails the server. */
  isForGood: boolean;
  /** Until when what was asked for may come yet, though there was no answer. */
  mayComeUntil: number | undefined;
}

/** What became of the actions on one NodeOp that failed, by their keys. */
export class Failures {
  private readonly known = new Map<string, Failure>();
  /** What one attempt has asked for may come after another one has succeeded. */
  private readonly coming = new Map<string, number>();

  /** Whether an action waits after a failed attempt. */
  waits(key: string, clock: Clock): boolean {
    return (this.known.get(key)?.until ?? 0) > clock.steady();
  }

  forget(key: string): void {
    this.known.delete(key);
  }

  /** Answers how long to wait before the next attempt, in milliseconds. */
  add(key: string, clock: Clock, facts: FailureFacts): number {
    const { text, askedMs, isRefusal, isForGood, mayComeUntil = 0 } = facts;
    if (mayComeUntil > (this.coming.get(key) ?? 0)) this.coming.set(key, mayComeUntil);
    const before = this.known.get(key);
    const count = (before?.count ?? 0) + 1;
    const now = clock.steady();
    const wait = askedMs ?? backoffMs(clock, count - 1);
    const refusedSince = isRefusal ? (before?.refusedSince ?? now) : undefined;
    const refusal = isForGood ? { since: before?.refusal?.since ?? now, at: now, why: text } : undefined;
    this.known.set(key, { count, until: now + wait, text, refusedSince, refusal });
    return wait;
  }

  /** Since when the API server has refused an action whenever it was asked; undefined when it did not, or did not answer. */
  refusedSince(key: string): number | undefined {
    return this.known.get(key)?.refusedSince;
  }

  refusal(key: string): Refusal | undefined {
    return this.known.get(key)?.refusal;
  }

  /** Until when an action that was not answered may take effect yet. */
  mayComeUntil(key: string): number | undefined {
    return this.coming.get(key);
  }

  /** Whether an action has just failed so often that people are to be told. */
  becameLasting(key: string): boolean {
    return this.known.get(key)?.count === LASTING;
  }

  /** The actions that have failed again and again, and why; that one fails once is nobody's concern. */
  troubles(): Map<string, string> {
    const lasting = [...this.known].filter(([, { count }]) => count >= LASTING);
    return new Map(lasting.map(([key, { text }]) => [key, text]));
  }
}
