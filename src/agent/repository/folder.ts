import { isFinalReport, type NodeOpReport } from '../../api/report.ts';
import { briefOf, type ReportBrief } from '../../core/runs/brief.ts';
import { CHECKPOINT_EVERY } from '../../core/runs/checkpoint.ts';
import { type Entry, NewestReports } from '../../core/runs/newest.ts';
import { formatOverview, OVERVIEW_ROWS } from '../../core/runs/overview.ts';
import { baselinePath, overviewPath, reportPath, type Layout } from '../../core/runs/paths.ts';
import { formatBaseline } from '../../core/runs/report.ts';
import { type Keep, pruneReports, type Pruning } from '../../core/runs/retention.ts';
import { countReports, type Snapshot } from './snapshot.ts';
import type { SnapshotReader } from './snapshot-reader.ts';
import type { StoredReport } from './stored.ts';

export interface FolderContext {
  reader: SnapshotReader;
  layout: Layout;
  keep: Keep;
  /** Epoch milliseconds. */
  now: number;
}

/**
 * What else of the agent's folder changes with these reports: the overview, reports too old to keep, the checkpoint. It
 * goes into the same commit, so there is none without news.
 * @param changed reports by their path
 * @returns path to text, or to nothing where the file is removed
 */
export async function folderChanges(
  snapshot: Snapshot,
  changed: ReadonlyMap<string, NodeOpReport>,
  context: FolderContext,
): Promise<Map<string, string | undefined>> {
  const { reader, layout } = context;
  const { reports, baseline, owner, begun } = snapshot;
  const changes = new Map<string, string | undefined>();
  const news = new Map([...changed].map(([path, report]) => [path, briefOf(report)]));
  const isOneFinal = [...changed.values()].some(isFinalReport);
  const { remove, over } = isOneFinal ? await prune(snapshot, news, context) : { remove: [], over: [] };
  for (const path of remove) changes.set(path, undefined);

  const isGone = (path: string) => !reports.has(path) && !changed.has(path);
  const removed = [...begun].filter((path) => isGone(reportPath(layout, path)));
  const passedOver = [...over, ...removed].filter((path) => baseline?.has(path) !== true);
  if (passedOver.length > 0) {
    changes.set(baselinePath(layout), formatBaseline(new Set([...(baseline ?? []), ...passedOver]), owner));
  }

  const rows = await newestAfter(snapshot, news, new Set(remove), reader);
  let count = countReports(snapshot);
  for (const path of news.keys()) if (!isReport(reports.get(path))) count += 1;
  for (const path of remove) if (isReport(reports.get(path))) count -= 1;
  changes.set(overviewPath(layout), formatOverview(rows, count, layout));

  const isDue = snapshot.sinceCheckpoint > CHECKPOINT_EVERY;
  const checkpoint = isDue ? await reader.checkpoint(snapshot) : undefined;
  if (checkpoint) changes.set(...checkpoint);
  return changes;
}

function isReport(file: StoredReport | undefined): boolean {
  return file !== undefined && file.standing !== 'other';
}

/** Which ones are too old depends on all of them. */
async function prune(
  snapshot: Snapshot,
  news: ReadonlyMap<string, ReportBrief>,
  { reader, layout, keep, now }: FolderContext,
): Promise<Pruning> {
  if (keep.count === undefined && keep.ageMs === undefined) return { remove: [], over: [] };
  const briefs = await reader.briefs(snapshot);
  const files = new Map<string, ReportBrief | undefined>();
  for (const [path] of snapshot.reports.present()) files.set(path, briefs.get(path));
  for (const [path, brief] of news) files.set(path, brief);
  const recorded = snapshot.baseline?.size ?? 0;
  return pruneReports(files, snapshot.runs, { keep, layout, now, recorded });
}

/** Only when very many are removed at once, others have to be read to tell. */
async function newestAfter(
  snapshot: Snapshot,
  news: ReadonlyMap<string, ReportBrief>,
  removed: ReadonlySet<string>,
  reader: SnapshotReader,
): Promise<Entry[]> {
  const first = (newest: NewestReports) => {
    for (const [path, brief] of news) newest.set(path, brief);
    for (const path of removed) newest.delete(path);
    return newest.first(OVERVIEW_ROWS);
  };
  const rows = first(snapshot.newest.copy());
  if (rows) return rows;
  const left = [...(await reader.briefs(snapshot))].filter(([path]) => !removed.has(path));
  return first(new NewestReports(left)) ?? [];
}
