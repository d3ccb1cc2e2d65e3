import { randomBytes } from 'node:crypto';
import type { Keyed, PageEvents, View } from '../../api/page.ts';
import type { Clock } from '../../core/ports.ts';
import { breather } from '../../time/breather.ts';
import { event, HEARTBEAT, type Message } from './message.ts';
import type { Reader } from './reader.ts';

export interface ChannelOptions {
  clock: Clock;
  /** The view as it is now; undefined when there is no such thing. */
  compute: () => Promise<View<unknown, Keyed> | undefined>;
  /** Told of what may have changed the view, until it is called. */
  watch: (onChange: () => void) => () => void;
  /** Makes JSON of it. */
  encode: (value: unknown) => string;
  onError: (error: unknown) => void;
  /** Nobody has looked for a while. */
  onIdle: () => void;
}

/** Changes go out at most so often, however many nodes change. */
const GAP_MS = 500;
/** What could not be worked out is tried again, whether or not anything changes meanwhile: ever more seldom, up to this. */
const MOST_GAP_MS = 30_000;
const HEARTBEAT_MS = 15_000;
/** Who comes back within this time gets what changed meanwhile. */
const LINGER_MS = 30_000;
/** Whoever takes nothing for so long is gone. */
const STALLED_MS = 60_000;
/** Changes that are kept for those who come back. */
const RING = { count: 200, bytes: 1024 * 1024 };

interface State {
  head: string;
  rows: Map<string, string>;
}

/**
 * One view for all who look at it: it is worked out while somebody does, what changed is made into a message once, and the
 * same bytes go to everybody.
 */
export class Channel {
  readonly #options: ChannelOptions;
  readonly #readers = new Set<Reader>();
  /** Those who have to get all of it. */
  readonly #fresh = new Set<Reader>();
  readonly #epoch = randomBytes(6).toString('hex');
  #version = 0;
  #state: State | undefined;
  #snapshot: Message | undefined;
  #ring: { version: number; message: Message }[] = [];
  #ringBytes = 0;
  #unwatch: (() => void) | undefined;
  #cancelLook: (() => void) | undefined;
  #cancelBeat: (() => void) | undefined;
  #cancelIdle: (() => void) | undefined;
  #notBefore = -Infinity;
  #failures = 0;
  #looking = false;
  #isDirty = false;
  #closed = false;

  constructor(options: ChannelOptions) {
    this.#options = options;
  }

  get readers(): number {
    return this.#readers.size;
  }

  /** @param last what the reader has already, as it was told */
  join(reader: Reader, last: string | undefined): void {
    this.#cancelIdle?.();
    this.#cancelIdle = undefined;
    this.#readers.add(reader);
    if (this.#unwatch === undefined) {
      this.#unwatch = this.#options.watch(() => this.#mark());
      this.#isDirty = true;
    }
    this.#beatLater();
    const missed = this.#missedSince(last);
    if (missed === undefined) this.#fresh.add(reader);
    else for (const message of missed) reader.send(message);
    this.#refresh();
    if (this.#isDirty) this.#lookLater();
  }

  leave(reader: Reader): void {
    this.#fresh.delete(reader);
    if (!this.#readers.delete(reader) || this.#readers.size > 0 || this.#closed) return;
    this.#cancelIdle?.();
    this.#cancelIdle = this.#options.clock.after(LINGER_MS, () => {
      this.close();
      this.#options.onIdle();
    });
  }

  /** The reader has taken what it had before it. */
  drained(reader: Reader): void {
    if (reader.behindSince === undefined || !reader.hasRoom || !this.#readers.has(reader)) return;
    this.#fresh.add(reader);
    this.#refresh();
  }

  /** Ends the streams of those who may not have them any more; each as soon as that is known of it. */
  async check(): Promise<void> {
    await Promise.all([...this.#readers].map((reader) => this.#checkOne(reader)));
  }

  async #checkOne(reader: Reader): Promise<void> {
    const standing = await reader.standing();
    if (standing === 'same' || !this.#readers.has(reader)) return;
    if (standing === 'signed-out') return this.#over('signed-out', 'sign in again', [reader]);
    // It comes back by itself, to what it may see now.
    reader.end();
    this.leave(reader);
  }

  close(): void {
    this.#closed = true;
    for (const cancel of [this.#cancelLook, this.#cancelBeat, this.#cancelIdle, this.#unwatch]) cancel?.();
    for (const reader of this.#readers) reader.end();
    this.#readers.clear();
    this.#fresh.clear();
  }

  #mark(): void {
    this.#isDirty = true;
    this.#lookLater();
  }

  #lookLater(): void {
    if (this.#closed || this.#looking || this.#cancelLook || this.#readers.size === 0) return;
    const { clock } = this.#options;
    const wait = Math.max(0, this.#notBefore - clock.steady());
    this.#cancelLook = clock.after(wait, () => {
      this.#cancelLook = undefined;
      void this.#look();
    });
  }

  async #look(): Promise<void> {
    const { clock, compute, onError } = this.#options;
    this.#looking = true;
    this.#isDirty = false;
    this.#notBefore = clock.steady() + GAP_MS;
    try {
      const view = await compute();
      if (this.#closed) return;
      if (view) await this.#take(view);
      else this.#nothing();
      this.#failures = 0;
    } catch (error) {
      this.#isDirty = true;
      this.#notBefore = clock.steady() + Math.min(GAP_MS * 2 ** this.#failures, MOST_GAP_MS);
      this.#failures += 1;
      onError(error);
    } finally {
      this.#looking = false;
      if (this.#isDirty) this.#lookLater();
    }
  }

  /** Whoever asks next has it looked for again, and gets nothing that was known before. */
  #nothing(): void {
    this.#state = undefined;
    this.#snapshot = undefined;
    this.#ring = [];
    this.#ringBytes = 0;
    this.#isDirty = true;
    this.#over('not-found', 'there is nothing of this name');
  }

  async #take(view: View<unknown, Keyed>): Promise<void> {
    const { encode } = this.#options;
    const breathe = breather();
    const rows = new Map<string, string>();
    for (const row of view.rows) {
      rows.set(row.key, encode(row));
      await breathe();
    }
    const state = { head: encode(view.head), rows };
    if (this.#closed) return;
    const change = this.#state && changeOf(this.#state, state, encode);
    if (change === '') return this.#refresh();
    this.#state = state;
    this.#snapshot = undefined;
    this.#version += 1;
    if (change !== undefined) this.#tell(event('change', change, this.#id(this.#version)));
    this.#refresh();
  }

  #tell(message: Message): void {
    this.#ring.push({ version: this.#version, message });
    this.#ringBytes += message.plain.length;
    while (this.#ring.length > RING.count || this.#ringBytes > RING.bytes) {
      this.#ringBytes -= this.#ring.shift()?.message.plain.length ?? 0;
    }
    for (const reader of this.#readers) {
      if (this.#fresh.has(reader) || reader.behindSince !== undefined) continue;
      if (reader.hasRoom) reader.send(message);
      else reader.behindSince = this.#options.clock.steady();
    }
  }

  /** All of it to those who need that. */
  #refresh(): void {
    if (this.#state === undefined) return;
    for (const reader of this.#fresh) {
      this.#snapshot ??= this.#snapshotOf(this.#state);
      reader.behindSince = undefined;
      reader.send(this.#snapshot);
    }
    this.#fresh.clear();
  }

  #snapshotOf({ head, rows }: State): Message {
    return event(
      'snapshot',
      `{"head":${head},"rows":[${[...rows.values()].join(',')}]}`,
      this.#id(this.#version),
    );
  }

  #id(version: number): string {
    return `${this.#epoch}.${version}`;
  }

  /** Undefined when that is not known, or too long ago. */
  #missedSince(last: string | undefined): Message[] | undefined {
    const [epoch, version] = last?.split('.') ?? [];
    const known = Number(version);
    if (epoch !== this.#epoch || !Number.isInteger(known) || known > this.#version || !this.#state)
      return undefined;
    if (known === this.#version) return [];
    const [first] = this.#ring;
    if (first === undefined || first.version > known + 1) return undefined;
    return this.#ring.filter((it) => it.version > known).map(({ message }) => message);
  }

  #over(reason: PageEvents<'runs'>['over']['reason'], message: string, readers = [...this.#readers]): void {
    const last = event('over', this.#options.encode({ reason, message }));
    for (const reader of readers) {
      reader.send(last);
      reader.end();
      this.leave(reader);
    }
  }

  #beatLater(): void {
    this.#cancelBeat ??= this.#options.clock.after(HEARTBEAT_MS, () => {
      this.#cancelBeat = undefined;
      this.#beat();
    });
  }

  #beat(): void {
    // A cluster that is slow to say who may look keeps nobody's stream from going on.
    this.check().catch(this.#options.onError);
    const now = this.#options.clock.steady();
    for (const reader of this.#readers) {
      if (reader.behindSince !== undefined && now - reader.behindSince > STALLED_MS) reader.cut();
      else if (reader.hasRoom) reader.send(HEARTBEAT);
    }
    if (this.#readers.size > 0 && !this.#closed) this.#beatLater();
  }
}

/** What is new in the one or gone from it, as JSON; '' when nothing is. */
function changeOf(before: State, after: State, encode: (value: unknown) => string): string {
  const upserts = [...after.rows].filter(([key, row]) => before.rows.get(key) !== row).map(([, row]) => row);
  const gone = [...before.rows.keys()].filter((key) => !after.rows.has(key));
  const parts = [
    ...(before.head === after.head ? [] : [`"head":${after.head}`]),
    ...(upserts.length === 0 ? [] : [`"upserts":[${upserts.join(',')}]`]),
    ...(gone.length === 0 ? [] : [`"gone":${encode(gone)}`]),
  ];
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}
