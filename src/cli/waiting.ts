import { json } from '../core/text/output.ts';
import { LABEL_RECORD_PART } from '../api/labels.ts';
import { parseHead, type WaitingRun } from '../core/runs/ledger.ts';
import { oneLine, table } from '../core/text/table.ts';
import { isApiError } from '../kube/client.ts';
import type { ConfigMap } from '../kube/ledger-store.ts';
import { CONFIGMAPS } from '../kube/resources.ts';
import type { ReadOnlyCluster } from './cluster.ts';
import { print } from './terminal.ts';

/** Where the agent is installed unless somebody chose otherwise. */
const NAMESPACE = 'nodeop-system';

/** What the agents keep on record of runs that have not begun. */
export interface Waiting {
  waiting: readonly WaitingRun[];
  waitingCount: number;
  passedOver: number;
  /** Whether somebody may look. */
  isKnown: boolean;
}

/** Of all namespaces, or of the usual one where others must not be looked at. */
export async function readWaiting({ client }: ReadOnlyCluster): Promise<Waiting> {
  for (const namespace of [undefined, NAMESPACE]) {
    try {
      const labelSelector = `${LABEL_RECORD_PART}=head`;
      // oxlint-disable-next-line no-await-in-loop -- the second one only where the first is not allowed
      const { items } = await client.list<ConfigMap>(CONFIGMAPS, { labelSelector }, namespace);
      const heads = items.map(({ data }) => parseHead(data));
      const sum = (count: (head: (typeof heads)[number]) => number) =>
        heads.reduce((all, head) => all + count(head), 0);
      return {
        waiting: heads.flatMap(({ waiting }) => waiting),
        waitingCount: sum((head) => head.waitingCount),
        passedOver: sum((head) => head.passedOver),
        isKnown: true,
      };
    } catch (error) {
      if (!isApiError(error, 403, 404)) throw error;
    }
  }
  return { waiting: [], waitingCount: 0, passedOver: 0, isKnown: false };
}

/** The one that is meant by its path or the end of it. */
export function findWaiting({ waiting }: Waiting, wanted: string): WaitingRun | undefined {
  const file = wanted.replace(/^\.\//, '');
  return waiting.find(({ run }) => run === file || run.endsWith(`/${file}`));
}

export function showWaiting(it: WaitingRun, format: 'text' | 'json'): void {
  if (format === 'json') return print(json({ phase: 'Waiting', ...it }, 2));
  const until = it.until === undefined ? '' : `, until ${it.until}`;
  return print(`${oneLine(it.run, 200)}: Waiting (${it.reason})${until}: ${oneLine(it.message, 400)}`);
}

export function waitingLines({ waiting, waitingCount, passedOver, isKnown }: Waiting): string[] {
  if (!isKnown) return ['\nRuns that wait are not shown: they are in ConfigMaps, which you may not list.'];
  const rows = waiting.map((it) => [
    `  ${oneLine(it.run, 200)}`,
    it.reason,
    it.until ?? '',
    oneLine(it.message, 120),
  ]);
  const more = waitingCount - waiting.length;
  return [
    ...(rows.length === 0 ? [] : ['\nWaiting to begin:', table(rows)]),
    ...(more > 0 ? [`  … and ${more} more; see the results folder of the repository`] : []),
    ...(passedOver === 0
      ? []
      : [`\nPassed over: ${passedOver} run files, listed in .baseline.yaml of the results folder.`]),
  ];
}
