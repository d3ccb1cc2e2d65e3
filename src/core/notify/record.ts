import { createHash } from 'node:crypto';
import type { Told } from './events.ts';

/**
 * What one receiver was told, as it is kept in the cluster: a line a run, so that 10,000 of them stay far below what an object
 * may hold. Lines that are not understood are passed over: the worst that comes of it is that something is told twice.
 */
export interface Entry extends Told {
  /** Days since the epoch when it was last changed. */
  day: number;
}

/** A run by a hash of its key. */
export function entryKey(key: string): string {
  return hash(key, 16);
}

export function editionMark(edition: string): string {
  return hash(edition, 8);
}

function hash(text: string, length: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length);
}

const LINE = /^([0-9a-f]{16}) (\d{1,6}) (s?)(f?)(?:(e)([0-9a-f]{8})?)?(?: ([wW])(\d{1,15}))?$/;

export function formatEntries(entries: ReadonlyMap<string, Entry>): string {
  return [...entries]
    .map(([key, { day, started, firstFailure, ended, wait }]) => {
      const marks = `${started === true ? 's' : ''}${firstFailure === true ? 'f' : ''}${ended === undefined ? '' : `e${ended}`}`;
      return `${key} ${day} ${marks}${wait === undefined ? '' : ` ${wait.told ? 'W' : 'w'}${wait.since}`}`;
    })
    .join('\n');
}

export function parseEntries(text: string): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  for (const line of text.split('\n')) {
    const [, key, day, s, f, e, edition = '', w, since] = LINE.exec(line) ?? [];
    if (key === undefined) continue;
    entries.set(key, {
      day: Number(day),
      ...(s === 's' && { started: true }),
      ...(f === 'f' && { firstFailure: true }),
      ...(e === 'e' && { ended: edition }),
      ...(w !== undefined && { wait: { since: Number(since), told: w === 'W' } }),
    });
  }
  return entries;
}

const DAY_MS = 24 * 3_600_000;
/** What happened longer ago is told nobody any more, so that nothing has to be remembered for good. */
export const RECENT_MS = 7 * DAY_MS;
/** About half a mebibyte. */
const MAX_ENTRIES = 12_000;

export function dayOf(now: number): number {
  return Math.floor(now / DAY_MS);
}

/** Without runs of which nothing can be told any more, and in any case not more than an object may hold: the oldest go first. */
export function pruned(
  entries: ReadonlyMap<string, Entry>,
  isOpen: (key: string) => boolean,
  now: number,
): Map<string, Entry> {
  const oldest = dayOf(now - RECENT_MS) - 1;
  const kept = [...entries].filter(([key, { day }]) => day >= oldest || isOpen(key));
  if (kept.length <= MAX_ENTRIES) return new Map(kept);
  return new Map(kept.toSorted(([, a], [, b]) => b.day - a.day).slice(0, MAX_ENTRIES));
}
