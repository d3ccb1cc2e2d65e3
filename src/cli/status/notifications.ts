import { parseFailing } from '../../core/notify/failing.ts';
import { naturally } from '../../core/text/order.ts';
import { oneLine, period } from '../../core/text/table.ts';
import { NOTIFY_PART } from '../../kube/notify-store.ts';
import type { ReadOnlyCluster } from '../cluster.ts';
import { recordsOf } from '../records.ts';

/** A receiver of notifications that has not been reached for long, as the agent put it on record. */
export interface Unreached {
  target: string;
  since: string;
  reason: string;
}

/** None where nobody may look. */
export async function readUnreached(cluster: ReadOnlyCluster, now: number): Promise<Unreached[]> {
  const records = (await recordsOf(cluster, NOTIFY_PART)) ?? [];
  const found = records.flatMap(({ metadata: { name = '' }, data = {} }) => {
    const failing = parseFailing(data['failing'], now);
    if (failing === undefined) return [];
    const target = name.slice(name.lastIndexOf(`-${NOTIFY_PART}-`) + NOTIFY_PART.length + 2);
    return [{ target, since: new Date(failing.since).toISOString(), reason: failing.reason }];
  });
  return found.toSorted((a, b) => naturally(a.target, b.target));
}

export function unreachedLines(unreached: readonly Unreached[], now: number): string[] {
  if (unreached.length === 0) return [];
  const lines = unreached.map(({ target, since, reason }) => {
    const long = period((now - Date.parse(since)) / 1000);
    return `  ${target}: nothing has arrived for ${long}: ${oneLine(reason, 300)}`;
  });
  return ['\nNotifications that do not arrive:', ...lines];
}
