import type { NodeOpStatus } from '../../api/nodeop.ts';
import { countsText } from '../../core/text/counts.ts';
import { spoken } from '../../core/text/table.ts';

/** How far a rollout is, how fast it goes, and how long the rest takes at that pace. */
export function progressText(status: NodeOpStatus, began: number | undefined, now: number): string {
  const { summary = { total: 0, pending: 0, inFlight: 0, completed: 0, failed: 0 } } = status;
  const over = summary.completed + summary.failed;
  const minutes = began === undefined ? 0 : (now - began) / 60_000;
  if (over === 0 || minutes <= 0) return countsText(summary);
  const rate = over / minutes;
  const left = ((summary.pending + summary.inFlight) / rate) * 60;
  const pace = rate >= 10 ? rate.toFixed(0) : rate.toFixed(1);
  return `${countsText(summary)}; ${pace} nodes a minute, about ${spoken(left)} to go`;
}
