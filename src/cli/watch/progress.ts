import type { NodeOpStatus, Summary } from '../../api/nodeop.ts';
import { type Counts, countsText } from '../../core/text/counts.ts';
import { clip } from '../../core/text/fit.ts';
import { spoken } from '../../core/text/table.ts';

const NONE: Summary = { total: 0, pending: 0, inFlight: 0, completed: 0, failed: 0, cancelled: 0, done: '' };

/** How far a rollout is, how fast it goes, and how long the rest takes at that pace. */
export function progressText(status: NodeOpStatus, began: number | undefined, now: number): string {
  const { summary = NONE } = status;
  return [countsText(summary), paceText(status, began, now)].filter((it) => it !== '').join('; ');
}

/** Empty until there is a pace to tell of. */
export function paceText({ summary = NONE }: NodeOpStatus, began: number | undefined, now: number): string {
  const over = summary.completed + summary.failed;
  const left = summary.pending + summary.inFlight;
  const minutes = began === undefined ? 0 : (now - began) / 60_000;
  if (over === 0 || left === 0 || minutes <= 0) return '';
  const rate = over / minutes;
  const pace = rate >= 10 ? rate.toFixed(0) : rate.toFixed(1);
  return `${pace} nodes a minute, about ${spoken((left / rate) * 60)} to go`;
}

/** Columns that the bar takes at the least, and at the most. */
const SHORTEST = 8;
const LONGEST = 30;

/** The same for a terminal of so many columns, behind a bar: as much of the text as there is room for. */
export function progressBar(
  status: NodeOpStatus,
  began: number | undefined,
  { now, width }: { now: number; width: number },
): string {
  const { summary = NONE } = status;
  const texts = [
    progressText(status, began, now),
    shortText(summary, paceText(status, began, now)),
    countsText(summary),
  ];
  const text = texts.find((it) => it.length + SHORTEST + 3 <= width) ?? texts.at(-1) ?? '';
  const room = Math.min(LONGEST, width - text.length - 3);
  return room < SHORTEST ? clip(text, width) : `[${bar(summary, room)}] ${text}`;
}

function shortText({ total = 0, completed = 0, failed = 0 }: Counts, pace: string): string {
  const counts = `${completed}/${total}${failed > 0 ? `, ${failed} failed` : ''}`;
  return pace === '' ? counts : `${counts}; ${pace.replace(' nodes a minute, about', '/min,')}`;
}

/** Of those that are over, those that failed at its end, so that they are seen; a part of a column is none. */
function bar({ total = 0, completed = 0, failed = 0, cancelled = 0 }: Counts, room: number): string {
  const columnsOf = (count: number) => (total === 0 ? 0 : Math.floor((count / total) * room));
  const over = columnsOf(completed + failed + cancelled);
  const bad = Math.min(over, failed > 0 ? Math.max(1, columnsOf(failed)) : 0);
  return `${'#'.repeat(over - bad)}${'!'.repeat(bad)}${'-'.repeat(room - over)}`;
}
