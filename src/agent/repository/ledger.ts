import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzipSync, gzip } from 'node:zlib';
import { InvalidError, TransientError } from '../../api/errors.ts';
import { type NodeOpReport, readReport, REPORT_BYTES } from '../../api/report.ts';
import type { LedgerStore } from '../../core/ports.ts';
import {
  entriesOf,
  entryOf,
  HEAD,
  type Head,
  headData,
  type LedgerPart,
  parseHead,
  recentOf,
  roomIn,
  withEntries,
} from '../../core/runs/ledger.ts';
import { writeReport } from '../../core/runs/report.ts';
import { inTurns } from '../../time/breather.ts';

/** Somebody else writes now and then, never all the time. */
const ATTEMPTS = 5;
/** Told before it is full. */
const SCARCE = 10_000;

const FULL =
  'the record of what began is full: no run starts any more; see docs/reports.md, "The record in the cluster"';

/**
 * What the cluster remembers of runs. It is read once, and again whenever another agent has written: an agent that lost
 * its lease may still have a write under way.
 */
export class Ledger {
  readonly #store: LedgerStore;
  #parts = new Map<string, LedgerPart>();
  #entries = new Set<string>();
  #recent = new Map<string, string>();
  /** Entries that were on record and were lost with a part that somebody removed; they are put back with the next one. */
  #lost = new Set<string>();
  #identity: string | undefined;
  #isLoaded = false;
  #results = new Map<string, NodeOpReport>();

  constructor(store: LedgerStore) {
    this.#store = store;
  }

  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /** Of the cluster. Throws before it was loaded. */
  get identity(): string {
    if (this.#identity === undefined)
      throw new TransientError('the identity of the cluster is not known yet');
    return this.#identity;
  }

  get head(): Head {
    return parseHead(this.#parts.get(HEAD)?.data);
  }

  /** Why nothing new may start. */
  get problem(): string | undefined {
    return this.#isLoaded && this.#room === 0 ? FULL : undefined;
  }

  /** How much room is left, when that is little. */
  get scarce(): number | undefined {
    return this.#room < SCARCE ? this.#room : undefined;
  }

  /** Results that Git may not have yet, by path of the run file. */
  get results(): ReadonlyMap<string, NodeOpReport> {
    return this.#results;
  }

  /** Reads it once. */
  async load(): Promise<void> {
    if (this.#isLoaded) return;
    this.#identity ??= await this.#store.identity();
    await this.#read();
    this.#isLoaded = true;
  }

  /** Whether the run began. Throws before it was loaded: to go on without it could begin a run again. */
  has(path: string): boolean {
    if (!this.#isLoaded) throw new TransientError('what began is not known yet');
    return this.#entries.has(entryOf(path));
  }

  /** UID of the NodeOp that began the run; undefined when it did not begin, and some text when the UID is not known any more. */
  uidOf(path: string): string | undefined {
    return this.has(path) ? (this.#recent.get(entryOf(path)) ?? 'not known any more') : undefined;
  }

  /**
   * Resolves when all of them are on record.
   * @param runs by path the UID of the NodeOp that carries it out, if there is one yet
   */
  async add(runs: ReadonlyMap<string, string | undefined>): Promise<void> {
    for (let attempt = 0; ;) {
      const fresh = [...runs].flatMap(([path, uid]) =>
        this.has(path) ? [] : [{ entry: entryOf(path), uid }],
      );
      const missing = [...[...this.#lost].map((entry) => ({ entry, uid: undefined })), ...fresh];
      if (missing.length === 0) return;
      const next = withEntries(this.#parts, missing);
      if (!next) throw new InvalidError(FULL);
      // oxlint-disable-next-line no-await-in-loop -- each goes on where the one before ended
      if (await this.#write(next.part)) {
        for (const { entry } of missing.slice(0, next.taken)) {
          this.#entries.add(entry);
          this.#lost.delete(entry);
        }
        this.#recent = recentOf(this.#parts.values());
      } else if (++attempt >= ATTEMPTS) throw new TransientError('others write the record all the time');
    }
  }

  /** Nothing is decided by what `status` shows, so that it is behind for a moment does no harm. */
  async setHead(head: Head): Promise<void> {
    const data = headData(head);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const part = this.#parts.get(HEAD);
      if (part && Object.entries(data).every(([key, value]) => part.data[key] === value)) return;
      // oxlint-disable-next-line no-await-in-loop
      if (await this.#write({ name: HEAD, version: part?.version, data })) return;
    }
    throw new TransientError('others write the record all the time');
  }

  /** Keeps a result until Git has it. */
  async keep(path: string, report: NodeOpReport): Promise<void> {
    const name = resultName(path);
    const text = await inTurns(writeReport(report));
    const packed = (await promisify(gzip)(text)).toString('base64');
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const { version } = this.#parts.get(name) ?? {};
      // oxlint-disable-next-line no-await-in-loop
      if (!(await this.#write({ name, version, data: { run: path, report: packed } }))) continue;
      this.#results.set(path, report);
      return;
    }
    throw new TransientError('others write the record all the time');
  }

  async drop(path: string): Promise<void> {
    const name = resultName(path);
    if (!this.#parts.has(name)) return;
    await this.#store.remove(name);
    this.#parts.delete(name);
    this.#results.delete(path);
  }

  get #room(): number {
    return roomIn(this.#parts.values());
  }

  /** False when another one was first; then it was read anew. */
  async #write(part: LedgerPart): Promise<boolean> {
    const written = await this.#store.write(part);
    if (written === 'conflict') {
      await this.#read();
      return false;
    }
    this.#parts.set(written.name, written);
    return true;
  }

  async #read(): Promise<void> {
    const parts = await this.#store.read();
    this.#parts = new Map(parts.map((it) => [it.name, it]));
    const entries = entriesOf(parts);
    this.#lost = new Set([...this.#entries].filter((it) => !entries.has(it)));
    this.#entries = new Set([...entries, ...this.#lost]);
    this.#recent = recentOf(parts);
    this.#results = new Map();
    for (const { name, data } of parts) {
      const { run = '', report: packed = '' } = data;
      if (name !== resultName(run)) continue;
      const report = await unpack(packed);
      if (report) this.#results.set(run, report);
    }
  }
}

function resultName(path: string): string {
  return `result-${createHash('sha256').update(path).digest('hex').slice(0, 24)}`;
}

/** Undefined when somebody damaged it. */
async function unpack(packed: string): Promise<NodeOpReport | undefined> {
  try {
    return await inTurns(
      readReport(gunzipSync(Buffer.from(packed, 'base64'), { maxOutputLength: REPORT_BYTES })),
    );
  } catch {
    return undefined;
  }
}
