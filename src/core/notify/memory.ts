import { after, eventsOf, type NotifyEvent, type Now, type Told, waitOf, withWait } from './events.ts';
import { dayOf, type Entry, formatEntries, parseEntries, pruned, RECENT_MS } from './record.ts';
import { isEnded, type Standing } from './standing.ts';

interface Rules {
  waitingAfterMs: number;
  /** Whether the target wants to be told of it. */
  wants: (event: NotifyEvent) => boolean;
}

/** A wait goes on record once it lasts this long. Most are shorter, and would be written for nothing. */
const LASTING_MS = 60_000;

/**
 * What one target was told, and what is on its way to it. Only what arrived goes on record; the next process knows nothing of
 * the rest, and tells it again.
 */
export class TargetMemory {
  readonly #rules: Rules;
  /** Since when the target is there: what happened before is not told. Epoch milliseconds. */
  readonly #since: number;
  #record: Map<string, Entry>;
  readonly #planned = new Map<string, Told>();
  #open = new Set<string>();
  /** Something is to be put on record. */
  isDirty = false;

  /** @param record as it was written last, from which waits go on */
  constructor(rules: Rules, { since, text }: { since: number; text: string }, now: Now) {
    this.#rules = rules;
    this.#since = since;
    this.#record = parseEntries(text);
    for (const [key, { day: _, ...told }] of this.#record) {
      const { wait } = told;
      // On the steady clock of this process. A wait that would begin in the future begins now: the wall clock was set back.
      const began = wait && Math.min(now.steady, now.steady - (now.wall - wait.since));
      this.#planned.set(key, withWait(told, wait && { ...wait, since: began ?? 0 }));
    }
  }

  /** What is to be sent now of all runs, oldest news of a run first; and when a wait becomes worth telling, on the steady clock. */
  look(standings: readonly Standing[], now: Now): { events: NotifyEvent[]; lookAgainAt: number | undefined } {
    const events: NotifyEvent[] = [];
    let lookAgainAt = Infinity;
    this.#open = new Set();
    const seen = new Set<string>();
    for (const standing of standings) {
      const { key } = standing;
      seen.add(key);
      if (!isEnded(standing)) this.#open.add(key);
      const known = this.#planned.get(key) ?? {};
      let told = withWait(known, waitOf(standing, known, now));
      for (const event of eventsOf(standing, told, now, this.#rules.waitingAfterMs)) {
        if (this.#isWorthTelling(event, now)) events.push(event);
        told = after(told, event);
      }
      this.#planned.set(key, told);
      const { wait } = told;
      this.#keepWait(key, wait, now);
      if (wait?.told === false) {
        const due = [this.#rules.waitingAfterMs, LASTING_MS].map((ms) => wait.since + ms);
        lookAgainAt = Math.min(lookAgainAt, ...due.filter((at) => at > now.steady));
      }
    }
    for (const key of this.#planned.keys())
      if (!seen.has(key) && !this.#record.has(key)) this.#planned.delete(key);
    return { events, lookAgainAt: lookAgainAt === Infinity ? undefined : lookAgainAt };
  }

  /** It arrived, or was given up for good. */
  settled(event: NotifyEvent, now: Now): void {
    const { key } = event.standing;
    const entry = this.#record.get(key) ?? { day: 0 };
    this.#put(key, after(entry, event), now);
  }

  /** What is to be written, without what nobody needs any more. */
  text({ wall }: Now): string {
    this.#record = pruned(this.#record, (key) => this.#open.has(key), wall);
    return formatEntries(this.#record);
  }

  /** What was told earlier counts as told: a target that was just added gets no history. */
  #isWorthTelling(event: NotifyEvent, { wall }: Now): boolean {
    const isOld = event.at < this.#since || event.at < wall - RECENT_MS;
    return !isOld && this.#rules.wants(event);
  }

  #keepWait(key: string, wait: Told['wait'], now: Now): void {
    const entry = this.#record.get(key);
    // One that was told is on record once it arrived, and is taken off it once its end did.
    if (entry?.wait?.told === true || wait?.told === true) return;
    const isLasting = wait !== undefined && now.steady - wait.since >= LASTING_MS;
    if (isLasting === (entry?.wait !== undefined)) return;
    const kept = isLasting ? { since: now.wall - (now.steady - wait.since), told: false } : undefined;
    this.#put(key, withWait(entry ?? { day: 0 }, kept), now);
  }

  #put(key: string, entry: Entry, { wall }: Now): void {
    this.#record.set(key, { ...entry, day: dayOf(wall) });
    this.isDirty = true;
  }
}
