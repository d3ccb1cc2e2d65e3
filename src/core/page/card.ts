import type { NodeOpReport, ReportPhase } from '../../api/report.ts';
import type { NodeCounts } from '../../api/page.ts';
import { byCause } from '../text/causes.ts';
import { stepsText } from '../text/steps.ts';
import { oneLine } from '../text/table.ts';
import { known, ms } from './facts.ts';
import { withoutLog } from './sees.ts';

/** What lists and searches need of a report: small, since there may be ten thousand. */
export interface ReportCard {
  /** Path of the report, and object id of its content. */
  report: string;
  blob: string;
  /** Path of the run file. */
  path: string;
  cluster?: string;
  namespace?: string;
  /** Name of the NodeOp. */
  called?: string;
  state: ReportPhase;
  by?: string;
  mergedAt?: number;
  startedAt?: number;
  finishedAt?: number;
  until?: number;
  counts?: NodeCounts;
  step?: string;
  /** What it waits for, or why it ended as it did. */
  why?: string;
  /** Why nodes failed, as far as that is not in `why`. */
  causes?: string;
  /** What it is sorted by: when it began, or was merged. */
  at: number;
}

/** Of what is said at such a length more is in the report. */
const WHY = 400;
const CAUSES = 5;
const CAUSE = 160;

export function cardOf(report: NodeOpReport, place: { report: string; blob: string }): ReportCard {
  const { run, cluster, nodeOp, status } = report;
  const mergedAt = ms(run.committedAt);
  const startedAt = ms(status.startedAt);
  const current = status.steps?.find(({ phase }) => phase !== 'Passed');
  return known<ReportCard>({
    ...place,
    path: run.path,
    cluster,
    namespace: nodeOp?.namespace,
    called: nodeOp?.name,
    state: status.phase,
    by: run.author,
    mergedAt,
    startedAt,
    finishedAt: ms(status.finishedAt),
    until: ms(status.until),
    counts: countsOf(status.summary),
    step: current && oneLine(stepsText([current]), 200),
    why: whyOf(report),
    causes: causesOf(report),
    at: startedAt ?? mergedAt ?? 0,
  });
}

export function countsOf(
  summary: Partial<Record<string, number | string>> | undefined,
): NodeCounts | undefined {
  if (summary === undefined) return undefined;
  const count = (name: keyof NodeCounts) => Number(summary[name] ?? 0) || 0;
  return {
    total: count('total'),
    pending: count('pending'),
    inFlight: count('inFlight'),
    completed: count('completed'),
    failed: count('failed'),
    cancelled: count('cancelled'),
    skipped: count('skipped'),
  };
}

function whyOf({ status }: NodeOpReport): string | undefined {
  const { problems = [], message, stopped } = status;
  const [first] = problems;
  if (first) {
    const more = problems.length > 1 ? `; and ${problems.length - 1} more` : '';
    return oneLine(`${problemText(first)}${more}`, WHY);
  }
  const parts = [message, stopped?.message].filter((it) => it !== undefined && it !== '');
  return parts.length === 0 ? undefined : oneLine([...new Set(parts)].join('; '), WHY);
}

/** `line 4, column 3: spec.image: …`. */
export function problemText({
  path,
  message,
  line,
  column,
}: NonNullable<NodeOpReport['status']['problems']>[number]): string {
  const place = line === undefined ? '' : `line ${line}, column ${column ?? 1}: `;
  return `${place}${path === undefined ? '' : `${path}: `}${message}`;
}

function causesOf({ status }: NodeOpReport): string | undefined {
  const failed = (status.nodes ?? []).filter(({ phase }) => phase === 'Failed');
  if (failed.length === 0) return undefined;
  const groups = byCause(
    failed.map(({ name, phase, message, exitCode }) => [name, { phase, message, exitCode }]),
  );
  return groups
    .slice(0, CAUSES)
    .map(({ text }) => oneLine(text, CAUSE))
    .join('\n');
}

/** The card of one who may not see what containers said. */
export function quiet(card: ReportCard): ReportCard {
  const { causes: _, why, step, ...rest } = card;
  return known<ReportCard>({ ...rest, why: why && withoutLog(why), step: step && withoutLog(step) });
}
