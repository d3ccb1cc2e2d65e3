import { nextTime } from '../../api/cron.ts';
import { TransientError } from '../../api/errors.ts';
import { baselinePath, type Layout } from '../../core/runs/paths.ts';
import { flaw } from '../../core/runs/trust.ts';
import { formatScheduled, isOurs, lastDue, scheduledPath, type Schedule } from '../../core/runs/schedules.ts';
import type { Mirror } from '../../git/mirror.ts';
import { lastChange, touchedSince } from '../../git/log.ts';
import type { Logger } from '../logger.ts';
import type { Snapshot } from './snapshot.ts';
import type { SnapshotReader } from './snapshot-reader.ts';
import type { TrackedFile, Trust } from './trust.ts';

/** Clocks of those who commit and of the agent differ by less. */
const SKEW_MS = 24 * 3_600_000;

/**
 * Finds the run files that schedules ask for. What is there is told by the tip and its history, so a restart or another
 * agent finds the same; only what need not be asked again is remembered.
 */
export class Scheduler {
  readonly #mirror: Mirror;
  readonly #reader: SnapshotReader;
  readonly #layout: Layout;
  readonly #trust: Trust | undefined;
  readonly #log: Logger;
  /** Schedules that are not followed, as they stand, that the log has told of. */
  readonly #told = new Set<string>();
  /** By path, as of `#tip`: from when it counts as it stands, and before when nothing new is due. */
  readonly #known = new Map<string, { blob: string; since: number; idleUntil: number }>();
  #tip: string | undefined;
  readonly #executesAll: boolean;
  #firstContact: number | undefined;

  constructor({
    mirror,
    reader,
    layout,
    trust,
    executesAll,
    logger,
  }: {
    mirror: Mirror;
    reader: SnapshotReader;
    layout: Layout;
    trust?: Trust | undefined;
    /** Nothing is passed over at first contact, the times that were missed included. */
    executesAll: boolean;
    logger: Logger;
  }) {
    this.#mirror = mirror;
    this.#reader = reader;
    this.#layout = layout;
    this.#trust = trust;
    this.#executesAll = executesAll;
    this.#log = logger;
  }

  /** The run files to add, text by path. A schedule counts from its last change and from first contact on. */
  async due(snapshot: Snapshot, now: number): Promise<Map<string, string>> {
    const files = new Map<string, string>();
    await this.#moveTo(snapshot.tip);
    this.#forgetOthers(snapshot);
    for (const { blob, schedule } of snapshot.schedules) {
      try {
        await this.#add({ blob, schedule }, snapshot, now, files);
      } catch (error) {
        if (error instanceof TransientError) throw error;
        // It holds up no other.
        this.#tell(schedule.path, blob, error instanceof Error ? error.message : String(error));
      }
    }
    return files;
  }

  /** One that was taken away and put back as it was counts from then on: what was learned before is not its any more. */
  async #moveTo(tip: string): Promise<void> {
    const from = this.#tip;
    if (from === tip) return;
    const paths = [...this.#known.keys()];
    const { git } = this.#mirror;
    const touched = from === undefined ? undefined : await touchedSince(git, { from, to: tip }, paths);
    for (const path of touched ?? paths) this.#known.delete(path);
    if (!touched) this.#firstContact = undefined;
    this.#tip = tip;
  }

  async #add(
    { blob, schedule }: Snapshot['schedules'][number],
    snapshot: Snapshot,
    now: number,
    files: Map<string, string>,
  ): Promise<void> {
    if (!isOurs(schedule, this.#layout.cluster)) return;
    const before = this.#known.get(schedule.path);
    const known =
      before?.blob === blob ? before : { blob, since: await this.#since(schedule, snapshot), idleUntil: 0 };
    this.#known.set(schedule.path, known);
    if (now < known.idleUntil) return;
    const at = lastDue(schedule, known.since, now);
    if (at !== undefined) {
      const path = scheduledPath(schedule, at, this.#layout);
      if (!(await this.#wasAdded(path, at, snapshot))) {
        const from = await this.#trustedFrom({ path: schedule.path, blob }, snapshot);
        if (from !== undefined && at >= from) files.set(path, formatScheduled(schedule, at));
        if (from === undefined || at >= from) return;
      }
    }
    const { schedule: expression, timeZone } = schedule.run.spec;
    known.idleUntil = nextTime(expression, timeZone, now) ?? Infinity;
  }

  /** Once for a schedule as it stands. */
  #tell(path: string, blob: string, reason: string): void {
    const key = [path, blob, reason].join('\0');
    if (!this.#told.has(key)) this.#log.warn({ path, reason }, 'schedule is not followed');
    this.#told.add(key);
  }

  /** Schedules that are there no more, or stand otherwise. */
  #forgetOthers({ schedules }: Snapshot): void {
    const paths = new Set(schedules.map(({ schedule }) => schedule.path));
    for (const path of this.#known.keys()) if (!paths.has(path)) this.#known.delete(path);
    const known = new Set(schedules.map(({ blob, schedule }) => `${schedule.path}\0${blob}`));
    for (const key of this.#told) if (!known.has(key.split('\0', 2).join('\0'))) this.#told.delete(key);
  }

  /**
   * The agent's own commit vouches for what it adds, so it adds nothing of which nobody knows who wrote it, and nothing that was
   * due before that was written: history says when a file came to the branch, and anybody may lay other history over it.
   * @returns from when it counts; undefined when it does not
   */
  async #trustedFrom(file: TrackedFile, snapshot: Snapshot): Promise<number | undefined> {
    if (!this.#trust) return -Infinity;
    const found = await vouched(this.#trust, file, snapshot, (error) => this.#mirror.blame(error));
    if ('from' in found) return found.from;
    this.#tell(file.path, file.blob, found.reason);
    return undefined;
  }

  async #since({ path }: Schedule, { tip, resultsTip, baseline }: Snapshot): Promise<number> {
    const { git } = this.#mirror;
    const changed = await lastChange(git, tip, path);
    if (!this.#executesAll && baseline !== undefined && resultsTip !== undefined) {
      this.#firstContact ??= await lastChange(git, resultsTip, baselinePath(this.#layout), { added: true });
    }
    return Math.max(changed ?? 0, this.#firstContact ?? 0);
  }

  /** One that people removed was added too. */
  async #wasAdded(path: string, at: number, snapshot: Snapshot): Promise<boolean> {
    const { runs, tip } = snapshot;
    await this.#reader.lookUp.runs(snapshot, [path]);
    if (runs.has(path)) return true;
    const since = at - SKEW_MS;
    return (await lastChange(this.#mirror.git, tip, path, { added: true, since })) !== undefined;
  }
}

/** From when the file counts, or why it is not to be acted on. */
async function vouched(
  trust: Trust,
  file: TrackedFile,
  snapshot: Snapshot,
  onFailure: (error: unknown) => void,
): Promise<{ from: number } | { reason: string }> {
  try {
    const made = await trust.provenance(file, snapshot);
    const [reason] = [made, await trust.history(snapshot)].flatMap((it) => (it && flaw(it)) ?? []);
    return reason === undefined ? { from: Date.parse(made.committedAt ?? '') } : { reason };
  } catch (error) {
    onFailure(error);
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}
