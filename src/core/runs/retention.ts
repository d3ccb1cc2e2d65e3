import { isOver, type ReportBrief } from './brief.ts';
import { reportPath, type Layout } from './paths.ts';
import { picturePath } from './picture.ts';

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
  files: ReadonlyMap<string, ReportBrief | undefined>,
  runs: { has: (path: string) => boolean },
  { keep, layout, now, recorded }: { keep: Keep; layout: Layout; now: number; recorded: number },
): Pruning {
  const { count = Infinity, ageMs = Infinity } = keep;
  const nothing = { remove: [], over: [] };
  if (count === Infinity && ageMs === Infinity) return nothing;
  const own = [...files].flatMap(([path, report]) =>
    report !== undefined && isFinal(report) && reportPath(layout, report.run) === path
      ? [{ path, ...report }]
      : [],
  );
  const newestFirst = own.toSorted((a, b) => b.ended - a.ended || (a.path < b.path ? -1 : 1));
  const due = newestFirst
    .filter(({ ended }, i) => i >= count || ended < now - ageMs)
    .filter(({ phase, run }) => phase !== 'Invalid' || !runs.has(run));
  if (due.length === 0 || due.length < recorded / 100) return nothing;
  const logs = new Set(due.map(({ path }) => logFolder(path)));
  const gone = new Set(due.flatMap(({ path }) => [path, picturePath(path)]));
  const remove = [...files.keys()].filter((path) => gone.has(path) || inOneOf(logs, path));
  const over = due.filter(({ phase }) => phase !== 'Invalid').map(({ run }) => run);
  return { remove, over };
}

function isFinal({ phase }: ReportBrief): boolean {
  return isOver(phase) || phase === 'Invalid';
}

/** Where the logs of a run's nodes lie, beside its report. */
export function logFolder(report: string): string {
  return `${report}.logs/`;
}

function inOneOf(folders: ReadonlySet<string>, path: string): boolean {
  return path.endsWith('.log') && folders.has(path.slice(0, path.lastIndexOf('/') + 1));
}
