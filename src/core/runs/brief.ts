import type { NodeOpReport, ReportPhase } from '../../api/report.ts';

/** What the overview and retention need of a report. Small and flat: a repository may hold a hundred thousand. */
export interface ReportBrief {
  /** Path of the run file. */
  run: string;
  phase: ReportPhase;
  reason?: string | undefined;
  /** The time a run waits for; RFC 3339. */
  until?: string | undefined;
  /** When it began, or else when its file was added; epoch milliseconds, 0 when unknown. */
  began: number;
  /** When it ended; as `began` when that is not told. */
  ended: number;
  durationSeconds?: number | undefined;
  /** Nodes; -1 when there is no summary. */
  total: number;
  completed: number;
  failed: number;
}

export function briefOf({ run, status }: NodeOpReport): ReportBrief {
  const { phase, reason, until, startedAt, finishedAt, durationSeconds, summary } = status;
  return {
    run: copy(run.path),
    phase,
    reason: reason === undefined ? undefined : copy(reason),
    ...(until !== undefined && { until: copy(until) }),
    ...period(run.committedAt, startedAt, finishedAt),
    durationSeconds,
    total: summary ? (summary['total'] ?? 0) : -1,
    completed: summary?.['completed'] ?? 0,
    failed: summary?.['failed'] ?? 0,
  };
}

const OVER: ReadonlySet<string> = new Set<ReportPhase>(['Completed', 'Failed', 'Cancelled']);

/** Whether nothing is left to do for the run, whatever becomes of its file. */
export function isOver(phase: string): boolean {
  return OVER.has(phase);
}

/** A value that means in YAML what it is, with quotes or without. */
const PLAIN = String.raw`('[\w./:+-]+'|[\w./:+-]+)\n`;
/** What may be anything, over several lines; a key of the section is indented less than those. */
const ANY = String.raw`[^\n]*\n(?:(?: {4}[^\n]*)?\n)*`;
/** A run that is over, as `formatReport` writes it: its keys are always in this order. */
const RUN = new RegExp(
  String.raw`\nrun:\n  path: ${PLAIN}(?:  commit: ${ANY})?(?:  author: ${ANY})?(?:  committedAt: ${PLAIN})?(?!  committedAt)`,
);
const STATUS = new RegExp(
  String.raw`\nstatus:\n  phase: (Completed|Failed|Cancelled)\n(?:  reason: ${PLAIN})?(?:  message: ${ANY})?` +
    String.raw`(?:  startedAt: ${PLAIN})?(?:  finishedAt: ${PLAIN})?(?:  durationSeconds: (\d+)\n)?` +
    String.raw`(?:  observedChange:${ANY})?(?:  stopped:${ANY})?(?:  summary:((?:\n    \w+: \d+)+)\n)?(?:  (?:amounts|steps|nodes):|$)`,
);
const COUNTS = { total: / total: (\d+)/, completed: / completed: (\d+)/, failed: / failed: (\d+)/ };

/**
 * The brief of a run that is over, from the text of its report and without parsing all of it: a start reads every
 * report there is. Undefined when the text is not as `formatReport` writes plain values; then it has to be parsed.
 */
export function briefOfText(text: string): ReportBrief | undefined {
  const run = RUN.exec(text);
  const status = run && STATUS.exec(text);
  if (!status) return undefined;
  const [, path = '', committedAt] = run;
  const [, phase = '', reason, startedAt, finishedAt, duration, summary] = status;
  const count = (name: keyof typeof COUNTS) => Number(COUNTS[name].exec(summary ?? '')?.[1] ?? 0);
  return {
    run: copy(unquoted(path)),
    phase: phase as ReportPhase,
    reason: reason === undefined ? undefined : copy(unquoted(reason)),
    ...period(unquoted(committedAt), unquoted(startedAt), unquoted(finishedAt)),
    durationSeconds: duration === undefined ? undefined : Number(duration),
    total: summary === undefined ? -1 : count('total'),
    completed: count('completed'),
    failed: count('failed'),
  };
}

function unquoted<T extends string | undefined>(text: T): T | string {
  return text?.startsWith("'") === true ? text.slice(1, -1) : text;
}

/** What stands before the nodes is shorter, but for the longest specs. */
const MAX_QUICK = 256 * 1024;

/** As much of a report's bytes as `briefOfText` looks at: not the nodes, of which there may be thousands. */
export function textBeforeNodes(bytes: Uint8Array): string {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, MAX_QUICK));
  const end = all.indexOf('\n  nodes:\n');
  // What people made of it is read with care: the patterns go back over each of its lines.
  if (end < 0 && bytes.length > MAX_QUICK) return '';
  // No value that is taken holds a character that is not ASCII.
  return all.toString('latin1', 0, end < 0 ? all.length : end + 1);
}

function period(
  committedAt: string | undefined,
  startedAt: string | undefined,
  finishedAt: string | undefined,
) {
  const time = (text: string | undefined) => Date.parse(text ?? '') || 0;
  const began = time(startedAt ?? committedAt);
  return { began, ended: finishedAt === undefined ? began : time(finishedAt) };
}

/** A part of a string keeps the whole of it in memory. */
function copy(text: string): string {
  return Buffer.from(text).toString();
}
