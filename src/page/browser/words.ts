import type { NodeCounts, NodeRow, RunRow, RunState } from '../../api/page.ts';
import { countsText } from '../../core/text/counts.ts';
import { visible, visibleLines } from '../../core/text/output.ts';
import { spoken } from '../../core/text/table.ts';

export type Phase = NodeRow['phase'];

/** What the colour of something says. */
export type Tone = 'wait' | 'flight' | 'done' | 'failed' | 'held' | 'gone';

export const PHASE_TONES: Readonly<Record<Phase, Tone>> = {
  Pending: 'wait',
  Preflight: 'flight',
  Draining: 'flight',
  Running: 'flight',
  Rebooting: 'flight',
  Postflight: 'flight',
  Completed: 'done',
  Failed: 'failed',
  Cancelled: 'gone',
};

/** On the way, in its order. */
export const IN_FLIGHT: readonly Phase[] = ['Preflight', 'Draining', 'Running', 'Rebooting', 'Postflight'];

export function isOver(state: RunState): boolean {
  return state !== 'Waiting' && state !== 'Pending' && state !== 'Running';
}

export function isFinished(phase: Phase): boolean {
  return phase === 'Completed' || phase === 'Failed' || phase === 'Cancelled';
}

/** A period in milliseconds, as people say it. */
export function lasting(ms: number): string {
  return spoken(ms / 1000);
}

/** Names and messages come from others: what is not seen, or turns text around, is shown as an escape. */
export function said(text: string): string {
  return visible(text);
}

/** The same for a text of several lines. */
export function saidLines(text: string): string {
  return visibleLines(text);
}

/** A person without their address, which is for those who point at the name. */
export function nameOf(person: string): string {
  const end = person.indexOf(' <');
  return said(end > 0 ? person.slice(0, end) : person);
}

/** `12 Mar 2030, 14:05`, in the time zone and the order of whoever looks. */
export function moment(time: number): string {
  return new Date(time).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
}

/** The time alone where it is of today, with seconds where they matter. */
export function shortMoment(time: number, now: number, withSeconds = false): string {
  const isToday = new Date(time).toDateString() === new Date(now).toDateString();
  return isToday
    ? new Date(time).toLocaleTimeString(undefined, { timeStyle: withSeconds ? 'medium' : 'short' })
    : moment(time);
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}

export function countsWords(counts: NodeCounts): string {
  return countsText(counts);
}

/** How long a run took, or goes on for, or has waited; undefined where that is not known. */
export function runTime(run: RunRow, now: number): string | undefined {
  const { startedAt, finishedAt } = run;
  if (startedAt === undefined) return undefined;
  if (finishedAt !== undefined) return `took ${lasting(finishedAt - startedAt)}`;
  return isOver(run.state) ? undefined : `for ${lasting(now - startedAt)}`;
}
