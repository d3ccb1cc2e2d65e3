import { isFinalReport, type NodeOpReport } from '../../api/report.ts';
import { beginOf } from './overview.ts';
import { reportPath, type Layout } from './paths.ts';

export interface Keep {
  /** The newest so many. */
  count?: number | undefined;
  /** Those that ended within so many milliseconds. */
  ageMs?: number | undefined;
}

export interface Pruning {
  /** Files to remove, all of them the agent's own. */
  remove: string[];
  /** Run files to put on record as over, in the same commit. */
  over: string[];
}

/**
 * Which final reports may go. A run file is known to be over by its report, so the path of each one that goes
 * moves to the record of those passed over: present, edited or added again, it stays over. A report that
 * says `Invalid` goes only with its file, and leaves no record: that run never began.
 * @param files every file of the results folder, by path; a report where there is one
 * @param recorded how many run files are on record; the record is rewritten only for a hundredth more
 */
export function pruneReports(
  files: ReadonlyMap<string, NodeOpReport | undefined>,
  runs: ReadonlyMap<string, unknown>,
  { keep, layout, now, recorded }: { keep: Keep; layout: Layout; now: number; recorded: number },
): Pruning {
  const own = [...files].flatMap(([path, report]) =>
    report !== undefined && isFinalReport(report) && reportPath(layout, report.run.path) === path
      ? [{ path, report, at: endOf(report) }]
      : [],
  );
  const newestFirst = own.toSorted((a, b) => b.at - a.at || (a.path < b.path ? -1 : 1));
  const { count = Infinity, ageMs = Infinity } = keep;
  const due = newestFirst
    .filter(({ at }, i) => i >= count || at < now - ageMs)
    .filter(({ report }) => report.status.phase !== 'Invalid' || !runs.has(report.run.path));
  if (due.length === 0 || due.length < recorded / 100) return { remove: [], over: [] };
  const logs = due.map(({ path }) => logFolder(path));
  const gone = new Set(due.map(({ path }) => path));
  const remove = [...files.keys()].filter((path) => gone.has(path) || inOneOf(logs, path));
  const over = due
    .filter(({ report }) => report.status.phase !== 'Invalid')
    .map(({ report }) => report.run.path);
  return { remove, over };
}

/** Where the logs of a run's nodes lie, beside its report. */
export function logFolder(report: string): string {
  return `${report}.logs/`;
}

function inOneOf(folders: readonly string[], path: string): boolean {
  return path.endsWith('.log') && folders.includes(path.slice(0, path.lastIndexOf('/') + 1));
}

function endOf(report: NodeOpReport): number {
  return Date.parse(report.status.finishedAt ?? beginOf(report)) || 0;
}
