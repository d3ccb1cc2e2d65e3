import { type NodeOpReport, readReport, REPORT_BYTES } from '../../api/report.ts';
import type { ReportBrief } from '../../core/runs/brief.ts';
import { formatCheckpoint } from '../../core/runs/checkpoint.ts';
import { NewestReports } from '../../core/runs/newest.ts';
import { checkpointPath, isOwnFile, isYaml, resultsFolder, type Layout } from '../../core/runs/paths.ts';
import { treeAt } from '../../git/trees.ts';
import { breather, inTurns } from '../../time/breather.ts';
import type { LookUp } from './look-up.ts';
import type { Snapshot } from './snapshot.ts';
import { readBriefs, type Source } from './stored.ts';

/** The reports of a snapshot: whole ones, what is kept of all, and the checkpoint that saves reading them. */
export class ReportFiles {
  readonly #results: Source;
  readonly #layout: Layout;
  readonly #lookUp: LookUp;
  /** By object id of the report. */
  #briefs: ReadonlyMap<string, ReportBrief> = new Map();

  constructor(results: Source, layout: Layout, lookUp: LookUp) {
    this.#results = results;
    this.#layout = layout;
    this.#lookUp = lookUp;
  }

  /** What was read of reports that do not count is read anew. */
  forget(): void {
    this.#briefs = new Map();
  }

  /** The whole reports at these paths; those that cannot be read are left out. */
  async whole(snapshot: Snapshot, paths: readonly string[]): Promise<NodeOpReport[]> {
    await this.#lookUp.reports(snapshot, paths);
    const blobs = paths.flatMap((path) => snapshot.reports.get(path)?.blob ?? []);
    const reports: NodeOpReport[] = [];
    const breathe = breather();
    const take = async (_: object, bytes: Uint8Array | undefined) => {
      const report = bytes && (await inTurns(readReport(bytes), breathe));
      if (report) reports.push(report);
    };
    await this.#results.contents.each(
      blobs.map((blob) => ({ blob })),
      REPORT_BYTES,
      take,
    );
    return reports;
  }

  /** Briefs of all reports by path. Those that the call before has read are not read again. */
  async briefs(snapshot: Snapshot): Promise<Map<string, ReportBrief>> {
    await this.#lookUp.allThatCanBeRead(snapshot);
    const reports = [...snapshot.reports.present()];
    const known = this.#briefs;
    const unknown = reports.map(([, it]) => it).filter(({ blob }) => !known.has(blob));
    const found = await readBriefs(this.#results.contents, unknown);
    const kept = new Map<string, ReportBrief>();
    const briefs = new Map<string, ReportBrief>();
    for (const [path, { blob }] of reports) {
      const brief = found.get(blob) ?? known.get(blob);
      if (!brief) continue;
      kept.set(blob, brief);
      briefs.set(path, brief);
    }
    this.#briefs = kept;
    snapshot.newest = new NewestReports(briefs);
    return briefs;
  }

  /** The checkpoint of the snapshot, as the file that is to be written; undefined when there is no results folder. */
  async checkpoint(snapshot: Snapshot): Promise<[path: string, text: string] | undefined> {
    const layout = this.#layout;
    const { resultsTip, reports, over, newest } = snapshot;
    if (resultsTip === undefined) return undefined;
    const tree = await treeAt(this.#results.git, resultsTip, resultsFolder(layout));
    if (tree === undefined) return undefined;
    const unsettled = [...reports.present()].flatMap(([path, { standing }]) =>
      standing !== 'over' && isYaml(path) && !isOwnFile(layout, path) ? [path] : [],
    );
    return [
      checkpointPath(layout),
      formatCheckpoint({ tree, over, unsettled: new Set(unsettled), newest }, layout),
    ];
  }
}
