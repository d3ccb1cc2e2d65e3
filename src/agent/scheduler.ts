import { nextTime } from '../api/cron.ts';
import { baselinePath, type Layout } from '../core/runs/paths.ts';
import { formatScheduled, isOurs, lastDue, scheduledPath, type Schedule } from '../core/runs/schedules.ts';
import type { Mirror } from '../git/mirror.ts';
import { lastChange } from '../git/read.ts';
import type { Snapshot } from './repository-snapshot.ts';

/** Clocks of those who commit and of the agent differ by less. */
const SKEW_MS = 24 * 3_600_000;

/**
 * Finds the run files that schedules ask for. What is there is told by the tip and its history, so a restart or another
 * agent finds the same; only what need not be asked again is remembered.
 */
export class Scheduler {
  readonly #mirror: Mirror;
  readonly #layout: Layout;
  /** By schedule as it stands: when it counts from, and before when nothing new is due. */
  readonly #known = new Map<string, { since: number; idleUntil: number }>();
  #firstContact: number | undefined;

  constructor(mirror: Mirror, layout: Layout) {
    this.#mirror = mirror;
    this.#layout = layout;
  }

  /** The run files to add, text by path. A schedule counts from its last change and from first contact on. */
  async due(snapshot: Snapshot, now: number): Promise<Map<string, string>> {
    const files = new Map<string, string>();
    for (const { blob, schedule } of snapshot.schedules) {
      if (!isOurs(schedule, this.#layout.cluster)) continue;
      const key = `${schedule.path}\0${blob}`;
      const known = this.#known.get(key) ?? { since: await this.#since(schedule, snapshot), idleUntil: 0 };
      this.#known.set(key, known);
      if (now < known.idleUntil) continue;
      const at = lastDue(schedule, known.since, now);
      if (at !== undefined) {
        const path = scheduledPath(schedule, at, this.#layout);
        if (!(await this.#wasAdded(path, at, snapshot))) {
          files.set(path, formatScheduled(schedule, at));
          continue;
        }
      }
      const { schedule: expression, timeZone } = schedule.run.spec;
      known.idleUntil = nextTime(expression, timeZone, now) ?? Infinity;
    }
    return files;
  }

  async #since({ path }: Schedule, { tip, baseline }: Snapshot): Promise<number> {
    const { git } = this.#mirror;
    const changed = await lastChange(git, tip, path);
    if (baseline !== undefined) {
      this.#firstContact ??= await lastChange(git, tip, baselinePath(this.#layout), { added: true });
    }
    return Math.max(changed ?? 0, this.#firstContact ?? 0);
  }

  /** One that people removed was added too. */
  async #wasAdded(path: string, at: number, { runs, tip }: Snapshot): Promise<boolean> {
    if (runs.has(path)) return true;
    const since = at - SKEW_MS;
    return (await lastChange(this.#mirror.git, tip, path, { added: true, since })) !== undefined;
  }
}
