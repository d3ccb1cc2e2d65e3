import { durationMs } from '../../api/schema.ts';
import { type NotifyTarget } from '../../api/notify.ts';
import type { NotifyEvent, Now } from '../../core/notify/events.ts';
import { filterOf } from '../../core/notify/filter.ts';
import { formatFailing } from '../../core/notify/failing.ts';
import { TargetMemory } from '../../core/notify/memory.ts';
import type { Standing } from '../../core/notify/standing.ts';
import type { Clock, NotifyStore, Telemetry } from '../../core/ports.ts';
import { backoffMs, pause } from '../../time/backoff.ts';
import type { Logger } from '../logger.ts';
import { type Post, Queue } from './queue.ts';

export interface TargetOptions {
  target: NotifyTarget;
  cluster: string | undefined;
  store: NotifyStore;
  clock: Clock;
  logger: Logger;
  telemetry: Telemetry;
  post: Post;
  bodyOf: (event: NotifyEvent) => string;
}

/** Between two writes of one record. */
const WRITE_MS = 1_000;

/** One receiver: what it is to be told of, what it was told, and what is on its way. */
export class Target {
  readonly #options: TargetOptions;
  readonly #log: Logger;
  readonly #abort = new AbortController();
  readonly #queue: Queue;
  #memory: TargetMemory | undefined;
  #version: string | undefined;
  /** To be written with the next record; null: it fails no more. */
  #failing: string | null | undefined;
  #writing: Promise<void> | undefined;

  constructor(options: TargetOptions) {
    this.#options = options;
    const { target, clock, logger, telemetry, post, bodyOf } = options;
    this.#log = logger.child({ target: target.name });
    this.#queue = new Queue({
      target,
      clock,
      logger,
      telemetry,
      post,
      bodyOf,
      onSettled: (event) => {
        this.#memory?.settled(event, this.#now());
        this.#write();
      },
      onFailing: (failing) => {
        this.#failing = failing === undefined ? null : formatFailing({ ...failing, last: clock.wall() });
        this.#write();
      },
    });
  }

  /** Resolves when what it was told is known; before, nothing is sent, since it may have been told already. */
  async load(): Promise<void> {
    const { signal } = this.#abort;
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        // oxlint-disable-next-line no-await-in-loop -- until it succeeds
        await this.#read();
        return;
      } catch (error) {
        if (signal.aborted) return;
        const reason = error instanceof Error ? error.message : String(error);
        this.#log.warn({ reason }, 'what was told is not known; nothing is sent until it is');
        // oxlint-disable-next-line no-await-in-loop
        await pause(this.#options.clock, backoffMs(this.#options.clock, failures, 1_000), signal);
      }
    }
  }

  /** @returns when to look again, on the steady clock */
  look(standings: readonly Standing[]): number | undefined {
    if (this.#memory === undefined) return undefined;
    const { events, lookAgainAt } = this.#memory.look(standings, this.#now());
    if (events.length > 0) this.#queue.add(events);
    this.#write();
    return lookAgainAt;
  }

  get quiet(): boolean {
    return this.#queue.quiet && this.#writing === undefined;
  }

  /** Resolves when all that is known now is told and on record. */
  async ended(): Promise<void> {
    await this.#queue.ended();
    await this.#writing;
  }

  async stop(): Promise<void> {
    await this.#queue.stop();
    this.#abort.abort();
    await this.#writing;
  }

  #now(): Now {
    const { clock } = this.#options;
    return { wall: clock.wall(), steady: clock.steady() };
  }

  async #read(): Promise<void> {
    const { store, target } = this.#options;
    const { name } = target;
    const now = this.#now();
    let part = await store.read(name);
    if (part === undefined) {
      // From now on: what has happened by then is no news.
      const made = await store.write({ name, data: { since: String(now.wall), told: '' } });
      if (made === 'conflict') throw new Error('another agent has just made the record');
      part = made;
    }
    const { since = '', told = '', failing } = part.data;
    // A failure of a former process is over, or will be told anew.
    if (failing !== undefined) this.#failing = null;
    const rules = {
      waitingAfterMs: durationMs(target.waitingAfter),
      wants: filterOf(target, this.#options.cluster),
    };
    this.#version = part.version;
    this.#memory = new TargetMemory(rules, { since: Number(since) || now.wall, text: told }, now);
  }

  /** Puts on record what is new, as soon as may be. */
  #write(): void {
    if (this.#abort.signal.aborted || !this.#hasNews()) return;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
      this.#write();
    });
  }

  #hasNews(): boolean {
    return this.#memory?.isDirty === true || this.#failing !== undefined;
  }

  async #writeAll(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#abort;
    for (let failures = 0; this.#hasNews();) {
      try {
        // oxlint-disable-next-line no-await-in-loop -- one write after the other
        await this.#writeOnce();
        failures = 0;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        this.#log.warn({ reason }, 'what was told is not on record; will retry');
        failures += 1;
      }
      if (signal.aborted) return;
      // oxlint-disable-next-line no-await-in-loop
      await pause(clock, failures === 0 ? WRITE_MS : backoffMs(clock, failures, WRITE_MS), signal);
    }
  }

  async #writeOnce(): Promise<void> {
    const memory = this.#memory;
    if (memory === undefined) return;
    const { store, target } = this.#options;
    const failing = this.#failing;
    memory.isDirty = false;
    const data = { told: memory.text(this.#now()), ...(failing !== undefined && { failing }) };
    try {
      const written = await store.write({ name: target.name, version: this.#version, data });
      // Whoever else writes it leads, or is a person: what is here is the newer of both.
      if (written === 'conflict') throw new Error('it was changed by somebody else');
      this.#version = written.version;
      if (this.#failing === failing) this.#failing = undefined;
    } catch (error) {
      memory.isDirty = true;
      this.#version = (await store.read(target.name))?.version;
      throw error;
    }
  }
}
