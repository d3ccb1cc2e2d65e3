import type { NodeOpReport, ReportPhase } from '../../api/report.ts';

/** What the overview and retention need of a report. Small and flat: a repository may hold a hundred thousand. */
export interface ReportBrief {
  /** Path of the run file. */
  run: string;
  phase: ReportPhase;
  reason: string | undefined;
  /** When it began, or else when its file was added; epoch milliseconds, 0 when unknown. */
  began: number;
  /** When it ended; as `began` when that is not told. */
  ended: number;
  durationSeconds: number | undefined;
  /** Nodes; -1 when there is no summary. */
  total: number;
  completed: number;
  failed: number;
}

export function briefOf({ run, status }: NodeOpReport): ReportBrief {
  const { summary } = status;
  return brief(run.path, status.phase, status.reason, {
    ...(run.committedAt !== undefined && { committedAt: run.committedAt }),
    ...(status.startedAt !== undefined && { startedAt: status.startedAt }),
    ...(status.finishedAt !== undefined && { finishedAt: status.finishedAt }),
    ...(status.durationSeconds !== undefined && { durationSeconds: String(status.durationSeconds) }),
    ...(summary && { total: String(summary['total'] ?? 0) }),
    ...(summary && { completed: String(summary['completed'] ?? 0) }),
    ...(summary && { failed: String(summary['failed'] ?? 0) }),
  });
}

const OVER: ReadonlySet<string> = new Set<ReportPhase>(['Completed', 'Failed', 'Cancelled']);

/** Whether nothing is left to do for the run, whatever becomes of its file. */
export function isOver(phase: string): boolean {
  return OVER.has(phase);
}

/**
 * The brief of a run that is over, from the text of its report and without parsing all of it: a start reads every
 * report there is. Undefined when the text is not as `formatReport` writes plain values; then it has to be parsed.
 */
export function briefOfText(text: string): ReportBrief | undefined {
  const run = section(text, '\nrun:\n');
  const status = section(text, '\nstatus:\n');
  const path = run?.get('path');
  const phase = status?.get('phase');
  if (!run || !status || path === undefined || phase === undefined || !isOver(phase)) return undefined;
  const fields = Object.fromEntries([...run, ...status]);
  return brief(path, phase as ReportPhase, status.get('reason'), fields);
}

/**
 * The plain values of a section up to its list of nodes, those of the summary among them. Deeper lines belong to texts,
 * so they can look like anything.
 * @returns undefined when the section is missing or a value that matters is not plain
 */
function section(text: string, heading: string): Map<string, string> | undefined {
  const start = text.indexOf(heading);
  if (start < 0) return undefined;
  const values = new Map<string, string>();
  let inSummary = false;
  for (let at = start + heading.length; at < text.length;) {
    const end = text.indexOf('\n', at);
    const line = text.slice(at, end < 0 ? text.length : end);
    at = end < 0 ? text.length : end + 1;
    if (!line.startsWith('  ') || line === '  nodes:') break;
    const isChild = line.startsWith('    ');
    if (!isChild) inSummary = line === '  summary:';
    if (!isChild && inSummary) values.set('total', '0');
    if (isChild && !inSummary) continue;
    const [, name = '', quoted, plain] = /^ +(\w+): (?:'([\w./:+-]+)'|([\w./:+-]+))$/.exec(line) ?? [];
    const value = quoted ?? plain;
    if (value !== undefined) values.set(name, value);
    else if (/^ {2}(?:path|phase|reason|\w+At|durationSeconds|summary): /.test(line)) return undefined;
  }
  return values;
}

function brief(
  run: string,
  phase: ReportPhase,
  reason: string | undefined,
  fields: Record<string, string>,
): ReportBrief {
  const time = (text: string | undefined) => Date.parse(text ?? '') || 0;
  const began = time(fields['startedAt'] ?? fields['committedAt']);
  const { durationSeconds } = fields;
  return {
    run: copy(run),
    phase,
    reason: reason === undefined ? undefined : copy(reason),
    began,
    ended: fields['finishedAt'] === undefined ? began : time(fields['finishedAt']),
    durationSeconds: durationSeconds === undefined ? undefined : Number(durationSeconds),
    total: Number(fields['total'] ?? -1),
    completed: Number(fields['completed'] ?? 0),
    failed: Number(fields['failed'] ?? 0),
  };
}

/** A part of a string keeps the whole of it in memory. */
function copy(text: string): string {
  return Buffer.from(text).toString();
}
