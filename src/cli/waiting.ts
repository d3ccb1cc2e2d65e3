import { parseHead, together, type WaitingRun } from '../core/runs/ledger.ts';
import { BASELINE, passedOverText } from '../core/runs/passed-over.ts';
import { isPathOf } from './find-run.ts';
import { oneLine, table } from '../core/text/table.ts';
import type { ReadOnlyCluster } from './cluster.ts';
import { type Format, printDocument } from './output.ts';
import { recordsOf } from './records.ts';
import { print } from './terminal.ts';

/** What the agents keep on record of runs that have not begun. */
export interface Waiting {
  waiting: readonly WaitingRun[];
  waitingCount: number;
  /** How many run files never begin, and the last of them by path. */
  passedOver: number;
  passedOverRuns: readonly string[];
  /** What the agent does not read, though it may be meant for it. */
  misnamed?: readonly string[];
  /** Whether somebody may look. */
  isKnown: boolean;
}

/** Of all namespaces, or of the usual one where others must not be looked at. */
export async function readWaiting(cluster: ReadOnlyCluster): Promise<Waiting> {
  const records = await recordsOf(cluster, 'head');
  const heads = (records ?? []).map(({ data }) => parseHead(data));
  return { ...together(heads), isKnown: records !== undefined };
}

/** The one that is meant by its path, the end of it, or that of its report. */
export function findWaiting({ waiting }: Waiting, wanted: string): WaitingRun | undefined {
  return waiting.find(({ run }) => isPathOf(run, wanted));
}

/** The run file that is meant and never begins. */
export function findPassedOver({ passedOverRuns }: Waiting, wanted: string): string | undefined {
  return passedOverRuns.find((run) => isPathOf(run, wanted));
}

export const PASSED_OVER = `never begins: it was there before the agent first looked, was moved after its end, or its report was removed (${BASELINE}); to carry it out, add it under another name`;

/** The same in a sentence, for people. */
export function passedOverSentence(run: string): string {
  return `${oneLine(run, 200)}: ${PASSED_OVER}`;
}

export function showPassedOver(run: string, format: Format): void {
  if (format !== 'text') return printDocument({ phase: 'PassedOver', run, message: PASSED_OVER }, format);
  return print(passedOverSentence(run));
}

/** Of those that are not named one by one. */
export function othersPassedOver({ passedOver, passedOverRuns }: Waiting): string | undefined {
  const others = passedOver - passedOverRuns.length;
  return others > 0 ? `${others} more run files never begin, see ${BASELINE}` : undefined;
}

export function showWaiting(it: WaitingRun, format: Format): void {
  if (format !== 'text') return printDocument({ phase: 'Waiting', ...it }, format);
  return print(waitingSentence(it));
}

export function waitingSentence(it: WaitingRun): string {
  return `${oneLine(it.run, 200)}: Waiting (${it.reason}): ${oneLine(it.message, 400)}${untilText(it)}`;
}

/** The time that is waited for, where the message does not name it. */
function untilText({ message, until = '' }: WaitingRun): string {
  const plain = until.replace('.000Z', 'Z');
  return plain === '' || message.includes(plain) ? '' : `, until ${plain}`;
}

export function waitingLines({
  waiting,
  waitingCount,
  passedOver,
  passedOverRuns,
  misnamed = [],
  isKnown,
}: Waiting): string[] {
  if (!isKnown) return ['\nRuns that wait are not shown: they are in ConfigMaps, which you may not list.'];
  const rows = waiting.map((it) => [
    `  ${oneLine(it.run, 200)}`,
    it.reason,
    oneLine(`${it.message}${untilText(it)}`, 160),
  ]);
  const more = waitingCount - waiting.length;
  return [
    ...(rows.length === 0 ? [] : ['\nWaiting to begin:', table(rows)]),
    ...(more > 0 ? [`  … and ${more} more; see the results folder of the repository`] : []),
    ...misnamed.map((text) => `\n${oneLine(text, 300)}`),
    ...(passedOver === 0 ? [] : [`\n${passedOverText({ passedOver, passedOverRuns })}`]),
  ];
}
