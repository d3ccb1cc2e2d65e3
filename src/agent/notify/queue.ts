import type { NotifyTarget } from '../../api/notify.ts';
import type { NotifyEvent } from '../../core/notify/events.ts';
import type { Clock, Telemetry } from '../../core/ports.ts';
import { spoken } from '../../core/text/table.ts';
import { backoffMs, pause } from '../../time/backoff.ts';
import type { Delivery } from '../../web/webhook.ts';
import type { Logger } from '../logger.ts';

export type Post = (target: NotifyTarget, body: string, signal: AbortSignal) => Promise<Delivery>;

export interface QueueOptions {
  target: NotifyTarget;
  clock: Clock;
  logger: Logger;
  telemetry: Telemetry;
  post: Post;
  bodyOf: (event: NotifyEvent) => string;
  /** It arrived, or is given up for good. */
  onSettled: (event: NotifyEvent) => void;
  /** Since when (epoch milliseconds) and why nothing arrives, at each attempt that fails after a long time; undefined once one arrives again. */
  onFailing: (failing: { since: number; reason: string } | undefined) => void;
}

interface Waiting {
  event: NotifyEvent;
  /** On the steady clock. */
  since: number;
}

type Failed = Extract<Delivery, { ok: false }>;

/** So many wait at most: a receiver that is away for long must not fill the memory. */
const MAX_WAITING = 1_000;
/** A message that could not be sent for so long is no news any more. */
const GIVE_UP_MS = 24 * 3_600_000;
/** Once failures last for so long, the log says so as an error and `status` shows it. */
const LASTING_MS = 5 * 60_000;
const FIRST_RETRY_MS = 5_000;
const MAX_RETRY_MS = 5 * 60_000;
/** Slack takes a message a second. */
const GAP_MS = 1_000;

/** Messages on their way to one receiver, one after the other. Nobody waits for them. */
export class Queue {
  readonly #options: QueueOptions;
  readonly #log: Logger;
  readonly #abort = new AbortController();
  readonly #waiting: Waiting[] = [];
  #working: Promise<void> | undefined;
  /** Since when every attempt has failed. */
  #failing: { steady: number; wall: number; told: boolean } | undefined;

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#log = options.logger.child({ target: options.target.name });
  }

  add(events: readonly NotifyEvent[]): void {
    const { clock, telemetry } = this.#options;
    const since = clock.steady();
    this.#waiting.push(...events.map((event) => ({ event, since })));
    const tooMany = this.#waiting.length - MAX_WAITING;
    if (tooMany > 0) {
      // They are not settled: the next process finds them anew.
      this.#waiting.splice(0, tooMany);
      for (let i = 0; i < tooMany; i += 1) telemetry.notified(this.#options.target.name, 'dropped');
      this.#log.error({ dropped: tooMany }, 'too many notifications wait: the oldest are dropped');
    }
    this.#begin();
  }

  get quiet(): boolean {
    return this.#working === undefined;
  }

  /** Resolves when nothing is under way or waits. */
  async ended(): Promise<void> {
    await this.#working;
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#working;
  }

  #begin(): void {
    if (this.#abort.signal.aborted || this.#waiting.length === 0) return;
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
      this.#begin();
    });
  }

  async #work(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#abort;
    for (let failures = 0; ;) {
      const [next] = this.#waiting;
      if (next === undefined || signal.aborted) return;
      // oxlint-disable-next-line no-await-in-loop -- in their order, one after the other
      const wait = await this.#attempt(next, failures);
      failures = wait.failed ? failures + 1 : 0;
      // oxlint-disable-next-line no-await-in-loop
      if (this.#waiting.length > 0) await pause(clock, wait.ms, signal);
    }
  }

  /** @returns how long to wait before the next attempt, in milliseconds */
  async #attempt(waiting: Waiting, failures: number): Promise<{ failed: boolean; ms: number }> {
    const { target, telemetry } = this.#options;
    const delivery = await this.#post(waiting.event);
    if (delivery === undefined) return { failed: false, ms: 0 };
    if (!delivery.ok) return this.#afterFailure(waiting, delivery, failures);
    telemetry.notified(target.name, 'sent');
    this.#log.debug({ event: waiting.event.name, status: delivery.status }, 'notification sent');
    this.#settle(waiting);
    this.#reached();
    return { failed: false, ms: GAP_MS };
  }

  /** Undefined when it was given up by a stop. */
  async #post(event: NotifyEvent): Promise<Delivery | undefined> {
    const { target, post, bodyOf } = this.#options;
    const { signal } = this.#abort;
    try {
      return await post(target, bodyOf(event), signal);
    } catch (error) {
      if (signal.aborted) return undefined;
      const reason = error instanceof Error ? error.message : String(error);
      return { ok: false, isRefused: false, reason };
    }
  }

  #afterFailure(
    waiting: Waiting,
    { reason, isRefused, retryAfterMs }: Failed,
    failures: number,
  ): { failed: boolean; ms: number } {
    const { target, clock, telemetry } = this.#options;
    telemetry.notified(target.name, 'failed');
    if (isRefused || clock.steady() - waiting.since >= GIVE_UP_MS) {
      this.#drop(waiting, isRefused, reason);
      if (isRefused) return { failed: false, ms: GAP_MS };
    }
    const ms = retryAfterMs ?? backoffMs(clock, failures, FIRST_RETRY_MS, MAX_RETRY_MS);
    this.#log.warn(
      { event: waiting.event.name, reason, retryInMs: Math.round(ms) },
      'notification failed; will retry',
    );
    this.#stillFailing(reason);
    return { failed: true, ms };
  }

  #drop(waiting: Waiting, isRefused: boolean, reason: string): void {
    const { name, standing } = waiting.event;
    this.#options.telemetry.notified(this.#options.target.name, 'dropped');
    const why = isRefused
      ? 'the receiver refuses it'
      : `it could not be sent for ${spoken(GIVE_UP_MS / 1000)}`;
    this.#log.error(
      { event: name, key: standing.run ?? standing.nodeOp, reason, why },
      'notification dropped',
    );
    this.#settle(waiting);
  }

  /** Takes out this very one; it may have been dropped meanwhile. */
  #settle(waiting: Waiting): void {
    const at = this.#waiting.findIndex((it) => it === waiting);
    if (at >= 0) this.#waiting.splice(at, 1);
    this.#options.onSettled(waiting.event);
  }

  #stillFailing(reason: string): void {
    const { clock, onFailing } = this.#options;
    this.#failing ??= { steady: clock.steady(), wall: clock.wall(), told: false };
    const { steady, wall, told } = this.#failing;
    const lasted = clock.steady() - steady;
    if (lasted < LASTING_MS) return;
    this.#failing.told = true;
    const forSeconds = Math.round(lasted / 1000);
    if (!told) this.#log.error({ reason, forSeconds }, 'notifications have failed for long');
    onFailing({ since: wall, reason });
  }

  #reached(): void {
    const was = this.#failing;
    this.#failing = undefined;
    if (was?.told !== true) return;
    this.#log.info({ failing: false }, 'notifications arrive again');
    this.#options.onFailing(undefined);
  }
}
