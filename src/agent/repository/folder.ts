import { isFinalReport, type NodeOpReport } from '../../api/report.ts';
import { briefOf, type ReportBrief } from '../../core/runs/brief.ts';
import { CHECKPOINT_EVERY } from '../../core/runs/checkpoint.ts';
import { type Entry, NewestReports } from '../../core/runs/newest.ts';
import { formatOverview, OVERVIEW_ROWS } from '../../core/runs/overview.ts';
import { baselinePath, overviewPath, reportPath, runPaths, type Layout } from '../../core/runs/paths.ts';
import { pictureOf, picturePath } from '../../core/runs/picture.ts';
import { formatBaseline } from '../../core/runs/baseline.ts';
import { type Keep, pruneReports, type Pruning } from '../../core/runs/retention.ts';
import { countReports, type Snapshot } from './snapshot.ts';
import type { SnapshotReader } from './snapshot-reader.ts';
import type { StoredReport } from './stored.ts';

export interface FolderContext {
  reader: SnapshotReader;
  layout: Layout;
  keep: Keep;
  /** Whether runs that are over get a picture. */
  picture: boolean;
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
  const pictures = context.picture ? await picturesOf(snapshot, changed, context) : new Map<string, string>();
  for (const [path, picture] of pictures) changes.set(path, picture);
  const shown = context.picture ? await picturesThere(snapshot, rows, context) : new Set<string>();
  for (const path of pictures.keys()) shown.add(path);
  changes.set(overviewPath(layout), formatOverview(rows, count, layout, shown));

  const isDue = snapshot.sinceCheckpoint > CHECKPOINT_EVERY;
  const checkpoint = isDue ? await reader.reports.checkpoint(snapshot) : undefined;
  if (checkpoint) changes.set(...checkpoint);
  return changes;
}

/** Of runs that are over. No picture takes the place of anything else: a folder with the reports of others, or a report. */
async function picturesOf(
  snapshot: Snapshot,
  changed: ReadonlyMap<string, NodeOpReport>,
  { reader, layout }: FolderContext,
): Promise<Map<string, string>> {
  const made = new Map<string, string>();
  for (const [path, report] of changed) {
    const picture = pictureOf(report);
    if (picture !== undefined) made.set(picturePath(path), picture);
  }
  if (made.size === 0) return made;
  await reader.lookUp.reports(snapshot, [...made.keys()]);
  const folders = await reader.lookUp.foldersAt(snapshot, [...made.keys()]);
  const isTaken = (path: string) =>
    folders.has(path) ||
    changed.has(path) ||
    // A link is a run whatever its name, and is answered with a report.
    runPaths(layout, path).some((it) => snapshot.runs.isKnown(it) && snapshot.runs.has(it)) ||
    [...changed.keys()].some((it) => it.startsWith(`${path}/`));
  for (const path of made.keys()) if (isTaken(path)) made.delete(path);
  return made;
}

async function picturesThere(
  snapshot: Snapshot,
  rows: readonly Entry[],
  { reader }: FolderContext,
): Promise<Set<string>> {
  const paths = rows.map(([path]) => picturePath(path));
  await reader.lookUp.reports(snapshot, paths);
  return new Set(paths.filter((path) => snapshot.reports.get(path)?.standing === 'other'));
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
  const briefs = await reader.reports.briefs(snapshot);
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
  const left = [...(await reader.reports.briefs(snapshot))].filter(([path]) => !removed.has(path));
  return first(new NewestReports(left)) ?? [];
}
