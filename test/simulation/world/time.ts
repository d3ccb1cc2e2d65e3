import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from '../../../src/core/ports.ts';

/** Whose code is running: several agents live in this one process. */
export const currentProcess = new AsyncLocalStorage<ProcessClock>();

interface Timer {
  at: number;
  order: number;
  call: () => void;
  cancelled: boolean;
}

/** Whether what runs is part of a command, which may be made of others. */
const inCommand = new AsyncLocalStorage<boolean>();

const START = Date.parse('2030-01-01T00:00:00Z');

/** What Node calls that which is waited for outside of it: processes, files that are read, written and closed. */
const REAL = new Set(['ProcessWrap', 'FSReqCallback', 'FSReqPromise', 'CloseReq']);
/** Who gives way to others while it works comes back by one, however long its work takes this machine. */
const TURN = 'Immediate';

/** Rounds without anything new after which all that is due at one moment has been done. */
const QUIET_ROUNDS = 3;

/** Time that passes only when nothing is left to do in the present moment. */
export class VirtualTime {
  now = START;
  /** Raised by whatever happens, so that it can be told when nothing does any more. */
  activity = 0;
  /** Whether anything in it is done by the real world. */
  real = false;
  /** Moments at which something happened. */
  steps = 0;
  #order = 0;
  readonly #heap: Timer[] = [];
  /** Commands of the real world: how many are under way, and which wait for their turn. */
  #commands = 0;
  readonly #waiting: (() => void)[] = [];

  after(ms: number, call: () => void): () => void {
    const timer = { at: this.now + Math.max(0, ms), order: this.#order++, call, cancelled: false };
    push(this.#heap, timer);
    return () => {
      timer.cancelled = true;
    };
  }

  /** Lets everything run that needs no time. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_ROUNDS || this.#nextCommand();) {
      const before = this.activity;
      // oxlint-disable-next-line no-await-in-loop -- one round after the other
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      quiet = before === this.activity ? quiet + 1 : 0;
      // oxlint-disable-next-line no-await-in-loop
      if (this.real && (await this.#worked())) quiet = 0;
    }
  }

  /** Time stands still while something of the real world is under way: a git command, a file. */
  async #worked(): Promise<boolean> {
    let worked = false;
    while (this.#commands > 0 || isBusy()) {
      worked = true;
      // oxlint-disable-next-line no-await-in-loop
      await new Promise((resolve) => {
        setTimeout(resolve, 1);
      });
    }
    return worked;
  }

  /**
   * Does something by a command of the real world, once all that came of the one before it is done: which of two would end first
   * is this machine's chance, and no history's.
   */
  async command<T>(work: () => Promise<T>): Promise<T> {
    if (inCommand.getStore() === true) return work();
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
    try {
      return await inCommand.run(true, work);
    } finally {
      this.#commands -= 1;
    }
  }

  #nextCommand(): boolean {
    const next = this.#waiting.shift();
    if (next === undefined) return false;
    this.#commands += 1;
    next();
    return true;
  }

  /** Goes on until the moment, or until `done` says so. @returns whether it did */
  async run(until: number, done: () => boolean = () => false): Promise<boolean> {
    await this.settle();
    while (!done()) {
      const [next] = this.#heap;
      if (next === undefined || next.at > until) {
        this.now = until;
        return false;
      }
      pop(this.#heap);
      if (next.cancelled) continue;
      this.now = Math.max(this.now, next.at);
      this.steps += 1;
      next.call();
      // oxlint-disable-next-line no-await-in-loop -- time passes in order
      await this.settle();
    }
    return true;
  }
}

/** What one process sees of the time: its machine's clock may be set, it may be stopped for a while, or be killed. */
export class ProcessClock implements Clock {
  readonly #time: VirtualTime;
  readonly random: () => number;
  #offset: number;
  #state: 'running' | 'paused' | 'dead' = 'running';
  #held: (() => void)[] = [];

  constructor(time: VirtualTime, random: () => number, offset = 0) {
    this.#time = time;
    this.random = random;
    this.#offset = offset;
  }

  readonly wall = (): number => this.#time.now + this.#offset;
  readonly steady = (): number => this.#time.now;
  readonly after = (ms: number, call: () => void): (() => void) => {
    let cancelled = false;
    const cancel = this.#time.after(ms, () => {
      this.when(() => {
        if (!cancelled) call();
      });
    });
    return () => {
      cancelled = true;
      cancel();
    };
  };

  /** Calls when the process runs: at once, after its pause, or never. */
  when(call: () => void): void {
    if (this.#state === 'running') currentProcess.run(this, call);
    else if (this.#state === 'paused') this.#held.push(call);
  }

  get dead(): boolean {
    return this.#state === 'dead';
  }

  /** By the real world, in its turn. */
  command<T>(work: () => Promise<T>): Promise<T> {
    return this.#time.command(work);
  }

  /** What it did or did not do in time may come of that. */
  wasPaused = false;

  set(byMs: number): void {
    this.#offset += byMs;
  }

  pause(): void {
    if (this.#state !== 'running') return;
    this.#state = 'paused';
    this.wasPaused = true;
  }

  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'running';
    const held = this.#held;
    this.#held = [];
    for (const call of held) this.when(call);
  }

  kill(): void {
    this.#state = 'dead';
    this.#held = [];
  }
}

function isBusy(): boolean {
  return process.getActiveResourcesInfo().some((kind) => REAL.has(kind) || kind === TURN);
}

function isEarlier(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function push(heap: Timer[], timer: Timer): void {
  let at = heap.push(timer) - 1;
  while (at > 0) {
    const up = (at - 1) >> 1;
    const parent = heap[up];
    if (parent === undefined || !isEarlier(timer, parent)) break;
    heap[at] = parent;
    at = up;
  }
  heap[at] = timer;
}

function pop(heap: Timer[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let down = 2 * at + 1;
    const right = heap[down + 1];
    const left = heap[down];
    if (left === undefined) break;
    if (right !== undefined && isEarlier(right, left)) down += 1;
    const child = heap[down];
    if (child === undefined || !isEarlier(child, last)) break;
    heap[at] = child;
    at = down;
  }
  heap[at] = last;
}
