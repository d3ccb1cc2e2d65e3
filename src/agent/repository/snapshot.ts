import type { InvalidError } from '../../api/errors.ts';
import type { NodeOpReport } from '../../api/report.ts';
import type { Definition } from '../../core/runs/definitions.ts';
import type { NewestReports } from '../../core/runs/newest.ts';
import { judgedAsItIs } from '../../core/runs/judged.ts';
import { isRunFile, reportPath, runPaths, type Layout } from '../../core/runs/paths.ts';
import { saysStarted } from '../../core/runs/plan.ts';
import type { Schedule } from '../../core/runs/schedules.ts';
import type { CommitInfo } from '../../git/commit-info.ts';
import type { TreeEntry } from '../../git/trees.ts';
import type { KnownFiles } from './known-files.ts';
import type { StoredChange, StoredReport } from './stored.ts';

/** What the tips of the branches hold for this cluster. */
export interface Snapshot {
  /** Of the branch with the run files. */
  tip: string;
  resultsTip: string | undefined;
  /** The tip before, when this one was read as what differs from it. */
  since?: string;
  /** Run files. */
  runs: KnownFiles<TreeEntry>;
  /** Paths of run files that may have to be acted on: not over, not passed over, not judged as they are. */
  open: Set<string>;
  definitions: Definition[];
  /** With the object id of the file. */
  schedules: { blob: string; schedule: Schedule }[];
  /** Changes whenever a definition does. */
  definitionsKey: string;
  /** Object ids of the definitions' contents, by the name they define. */
  definitionBlobs: ReadonlyMap<string, string>;
  /** Files of the results folder, those that are no reports too. Of those not known each says that a run is over. */
  reports: KnownFiles<StoredReport>;
  /** How many reports say that their run is over. */
  over: number;
  /** Those of the reports whose run is not over. */
  unfinished: Set<string>;
  newest: NewestReports;
  /** Files of the results folder that changed since the checkpoint; without one all there are. */
  sinceCheckpoint: number;
  /** As it was when it could be read last, where it is damaged now. */
  baseline?: ReadonlySet<string>;
  /** Why the baseline cannot be read: nothing may begin by such a snapshot, and people can still stop what is under way. */
  damage?: InvalidError | undefined;
  /** Identity of the cluster that the baseline is of. */
  owner?: string | undefined;
  /** Filled in by the loop for runs that were not started yet. */
  added: Map<string, CommitInfo>;
  /** Run files that were begun though their reports are gone, since people removed those; partly filled in by the loop. */
  begun: Set<string>;
  /** Folders that hold more than can be read, as `FOLDER/.`. */
  tooMuch: readonly string[];
  /** Run files that were moved here after their run was over: from where. Filled in by the loop. */
  moved: Map<string, string>;
}

/** Files of the definitions' folder by path. */
export type Files = ReadonlyMap<string, FileAt>;

export interface FileAt {
  blob: string;
  bytes: number;
  parsed: Definition | Schedule;
  /** It is one too many to be held. */
  isLeftOut?: boolean;
}

/** One of a run that is over does, and of one that cannot be read nobody knows. */
export function saysBegun({ report }: StoredReport): boolean {
  return report === undefined || saysStarted(report);
}

/** Whether the report at the tip leaves nothing to do for the run as its file and definition are. */
export function isDoneWith(snapshot: Snapshot, layout: Layout, path: string): boolean {
  return leavesNothing(storedReport(snapshot, layout, path), snapshot, path);
}

function leavesNothing(stored: StoredReport | undefined, snapshot: Snapshot, path: string): boolean {
  if (stored?.report?.status.phase === 'Invalid') return isJudged(stored.report, snapshot, path);
  return stored?.standing === 'over';
}

export function isJudged(report: NodeOpReport, snapshot: Snapshot, path: string): boolean {
  return judgedAsItIs(report, snapshot.runs.get(path)?.blob, (name) => snapshot.definitionBlobs.get(name));
}

export function storedReport(snapshot: Snapshot, layout: Layout, runPath: string): StoredReport | undefined {
  return snapshot.reports.get(reportPath(layout, runPath));
}

/** How many reports there are. */
export function countReports({ over, unfinished }: Snapshot): number {
  return over + unfinished.size;
}

/**
 * Puts a run among those that have to be acted on, or not. Its report has to be known, and its file unless the report
 * says that it is over or it is passed over.
 */
export function sort(snapshot: Snapshot, layout: Layout, path: string): void {
  const { runs, open, baseline } = snapshot;
  const stored = storedReport(snapshot, layout, path);
  const mayBeOpen = stored === undefined || stored.standing === 'unfinished';
  const isOpen =
    mayBeOpen && baseline?.has(path) !== true && runs.has(path) && !leavesNothing(stored, snapshot, path);
  if (isOpen) open.add(path);
  else open.delete(path);
}

/** Only a run file counts. */
export function runFile(layout: Layout, entry: TreeEntry | undefined): TreeEntry | undefined {
  return entry && isRunFile(layout, entry.path, entry.mode) ? entry : undefined;
}

/** Both what was there before and, when it is gone, the run file it was the report of have to be known. */
export function takeStored(snapshot: Snapshot, layout: Layout, { path, file, brief }: StoredChange): void {
  const { runs, reports, unfinished, newest, baseline, begun } = snapshot;
  const before = reports.get(path);
  if (!file && before && saysBegun(before)) {
    for (const run of runPaths(layout, path)) {
      if (baseline?.has(run) !== true && runs.has(run)) begun.add(run);
    }
  }
  snapshot.over += Number(file?.standing === 'over') - Number(before?.standing === 'over');
  reports.set(path, file);
  if (file?.report) unfinished.add(path);
  else unfinished.delete(path);
  if (brief) newest.set(path, brief);
  else if (file?.standing !== 'over') newest.delete(path);
}

export function listDefinitions(snapshot: Snapshot, files: Files): void {
  const sorted = [...files].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const blobs = new Map<string, string>();
  snapshot.definitions = [];
  snapshot.schedules = [];
  for (const [, { blob, parsed }] of sorted) {
    if ('run' in parsed) {
      snapshot.schedules.push({ blob, schedule: parsed });
      continue;
    }
    snapshot.definitions.push(parsed);
    if (!parsed.result.ok) continue;
    const { name, recurring } = parsed.result;
    if (recurring) snapshot.schedules.push({ blob, schedule: { path: parsed.path, run: recurring } });
    const twin = blobs.get(name);
    blobs.set(name, twin === undefined ? blob : `${twin} ${blob}`);
  }
  snapshot.definitionBlobs = blobs;
  snapshot.definitionsKey = sorted.map(([path, { blob }]) => `${blob} ${path}`).join('\0');
}
