import { isFinalReport, type NodeOpReport } from '../../api/report.ts';
import { briefOf, type ReportBrief } from '../../core/runs/brief.ts';
import { formatOverview, overviewPath } from '../../core/runs/overview.ts';
import { baselinePath, reportPath, type Layout } from '../../core/runs/paths.ts';
import { formatBaseline } from '../../core/runs/report.ts';
import { type Keep, pruneReports } from '../../core/runs/retention.ts';
import type { Snapshot } from './snapshot.ts';

/**
 * What else of the agent's folder changes with these reports: the overview, and reports too old to keep. It goes
 * into the same commit, so there is none without news.
 * @returns path to text, or to nothing where the file is removed
 */
export function folderChanges(
  snapshot: Snapshot,
  changed: ReadonlyMap<string, NodeOpReport>,
  { layout, keep, now }: { layout: Layout; keep: Keep; now: number },
): Map<string, string | undefined> {
  const changes = new Map<string, string | undefined>();
  const news = new Map([...changed].map(([path, report]) => [path, briefOf(report)]));
  const files = new Map<string, ReportBrief | undefined>();
  for (const [path, { brief }] of snapshot.reports) files.set(path, brief);
  for (const [path, brief] of news) files.set(path, brief);
  const recorded = snapshot.baseline?.size ?? 0;
  const { remove, over } = [...changed.values()].some(isFinalReport)
    ? pruneReports(files, snapshot.runs, { keep, layout, now, recorded })
    : { remove: [], over: [] };
  for (const path of remove) {
    files.delete(path);
    changes.set(path, undefined);
  }
  const begun = [...snapshot.begun].filter((path) => !files.has(reportPath(layout, path)));
  const known = new Set([...(snapshot.baseline ?? []), ...over, ...begun]);
  if (known.size > recorded) {
    changes.set(baselinePath(layout), formatBaseline([...known]));
  }
  const reports = new Map<string, ReportBrief>();
  for (const [path, brief] of files) if (brief) reports.set(path, brief);
  changes.set(overviewPath(layout), formatOverview(reports, layout));
  return changes;
}
