import { ANNOTATION_WINDOW } from '../../api/labels.ts';
import { isFinalPhase, type NodeOp } from '../../api/nodeop.ts';
import type { NodeRow, Pause, RunRow, StepView } from '../../api/page.ts';
import { closedBetween, readWindow } from '../window.ts';

/** Times of a node in a rollout, epoch milliseconds. */
export interface Span {
  from: number;
  /** Absent while it goes on. */
  to?: number | undefined;
}

/** What is known to have been waited for in a stretch of time. */
export interface Wait extends Span {
  text: string;
}

/** A shorter one is only the time between two nodes. */
const SHORTEST_MS = 60_000;

interface Pausing {
  nodeOp: NodeOp | undefined;
  rows: readonly NodeRow[];
  steps: readonly StepView[];
  now: number;
}

/** What a stretch without nodes is for now is told by the run; of those before, what is on record is known. */
export function pausesIn(run: RunRow, { nodeOp, rows, steps, now }: Pausing): Pause[] {
  const { startedAt: began, finishedAt: end } = run;
  if (began === undefined) return [];
  const spans: Span[] = rows.flatMap(({ startedAt, finishedAt }) =>
    startedAt === undefined ? [] : [{ from: startedAt, to: finishedAt }],
  );
  const isOver = nodeOp ? isFinalPhase(nodeOp.status?.phase) : true;
  return pausesOf(spans, [...watched(steps, rows), ...closed(nodeOp, began, end ?? now)], {
    began,
    end: end ?? (isOver ? began : undefined),
    now: isOver ? undefined : run.why,
  });
}

/** Between the last node of a step and its passing. */
function watched(steps: readonly StepView[], rows: readonly NodeRow[]): Wait[] {
  return steps.flatMap(({ name, phase, since }): Wait[] => {
    const last = Math.max(
      ...rows.filter((it) => it.step === name).map(({ finishedAt = 0 }) => finishedAt),
      0,
    );
    if (since === undefined || last === 0 || phase === 'Running' || phase === 'Pending') return [];
    const isOver = phase === 'Passed' || phase === 'Failed';
    const text = phase === 'Checking' ? `step ${name} was checked` : `step ${name} was watched`;
    return [{ from: last, ...(isOver && { to: since }), text }];
  });
}

function closed(nodeOp: NodeOp | undefined, from: number, to: number): Wait[] {
  const annotation = nodeOp?.metadata.annotations?.[ANNOTATION_WINDOW];
  const window = annotation === undefined ? undefined : readWindow(annotation);
  if (window?.ok !== true) return [];
  return closedBetween(window.value, from, to).map((it) => ({ ...it, text: 'the window was closed' }));
}

/**
 * The stretches in which no node was worked on, each with what was waited for, as far as that is known.
 * @param end when the rollout was over; undefined while it goes on
 * @param now what is waited for now
 */
export function pausesOf(
  spans: readonly Span[],
  waits: readonly Wait[],
  { began, end, now }: { began: number; end: number | undefined; now: string | undefined },
): Pause[] {
  const pauses: Pause[] = [];
  let busyUntil = began;
  const take = (to: number | undefined) => {
    if (to !== undefined && to - busyUntil < SHORTEST_MS) return;
    const present = to === undefined ? now : undefined;
    const text = present ?? said(waits, busyUntil, to) ?? 'no node was in flight';
    pauses.push({ from: busyUntil, text, ...(to !== undefined && { to }) });
  };
  for (const { from, to } of spans.toSorted((a, b) => a.from - b.from)) {
    if (from > busyUntil) take(from);
    // From here on it is worked on it until now.
    if (to === undefined) return pauses;
    busyUntil = Math.max(busyUntil, to);
  }
  if (end === undefined || end > busyUntil) take(end);
  return pauses;
}

/** That which took most of it. */
function said(waits: readonly Wait[], from: number, to = Infinity): string | undefined {
  const shares = waits.map((it) => ({
    text: it.text,
    share: Math.min(to, it.to ?? Infinity) - Math.max(from, it.from),
  }));
  const [most] = shares.filter(({ share }) => share > 0).toSorted((a, b) => b.share - a.share);
  return most?.text;
}
