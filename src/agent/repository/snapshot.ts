import type { NodeOpReport } from '../../api/report.ts';
import type { ReportBrief } from '../../core/runs/brief.ts';
import { formatCheckpoint } from '../../core/runs/checkpoint.ts';
import { parseDefinition, type Definition } from '../../core/runs/definitions.ts';
import { NewestReports } from '../../core/runs/newest.ts';
import { parseBaseline } from '../../core/runs/report.ts';
import {
  baselinePath,
  checkpointPath,
  isDefinition,
  isNamedAlike,
  isOwnFile,
  isRunFile,
  isYaml,
  reportPath,
  resultsFolder,
  type Layout,
} from '../../core/runs/paths.ts';
import type { Schedule } from '../../core/runs/schedules.ts';
import type { GitCommand } from '../../git/command.ts';
import type { Contents } from '../../git/contents.ts';
import {
  entryAt,
  isPlain,
  listTree,
  removedContents,
  treeChanges,
  type CommitInfo,
  type TreeChange,
  type TreeEntry,
} from '../../git/read.ts';
import {
  contentOf,
  isReport,
  READ_LIMIT,
  readBriefs,
  readCheckpoint,
  readReport,
  readStored,
  type Since,
  type Source,
  type StoredChange,
  type StoredReport,
} from './stored.ts';

/** The commits to read: run files and definitions of one, results of the other. Mostly they are the same. */
export interface ReadTips {
  runs: string;
  /** Absent as long as there is no such branch. */
  results: string | undefined;
}

/** What the tips of the branches hold for this cluster. */
export interface Snapshot {
  /** Of the branch with the run files. */
  tip: string;
  resultsTip: string | undefined;
  /** The tip before, when this one was read as what differs from it. */
  since?: string;
  /** By path of the run file. */
  runs: Map<string, TreeEntry>;
  /** Path of the run file by path of its report, where that has another name. */
  renamed: Map<string, string>;
  /** Paths of run files that may have to be acted on: not over, not passed over, not judged as they are. */
  open: Set<string>;
  definitions: Definition[];
  /** With the object id of the file. */
  schedules: { blob: string; schedule: Schedule }[];
  /** Changes whenever a definition does. */
  definitionsKey: string;
  /** Object ids of the definitions' contents, by the name they define. */
  definitionBlobs: ReadonlyMap<string, string>;
  /** By path in the repository: every file of the results folder, those that are no reports too. */
  reports: Map<string, StoredReport>;
  /** How many of them are reports. */
  count: number;
  /** Those of the reports whose run is not over. */
  unfinished: Set<string>;
  newest: NewestReports;
  /** Files of the results folder that changed since the checkpoint; without one all there are. */
  sinceCheckpoint: number;
  baseline?: ReadonlySet<string>;
  /** Filled in by the loop for runs that were not started yet. */
  added: Map<string, CommitInfo>;
  /** Run files that were begun though their reports are gone, since people removed those; partly filled in by the loop. */
  begun: Set<string>;
}

/** What differs between two tips, by the folder it is in. */
interface Changes {
  own: TreeChange[];
  nodeops: TreeChange[];
  runs: TreeChange[];
}

type Files = ReadonlyMap<string, { blob: string; parsed: Definition | Schedule }>;

/** Reads tips: the first as a whole, each later one as what differs from the one before. */
export class SnapshotReader {
  readonly #git: GitCommand;
  /** Of run files and definitions. */
  readonly #contents: Contents;
  readonly #results: Source;
  readonly #layout: Layout;
  /** Files of the definitions' folder by path. */
  #definitions: Files = new Map();
  /** By object id of the report. */
  #briefs: ReadonlyMap<string, ReportBrief> = new Map();
  #last: Snapshot | undefined;

  /** @param sources one and the same where the results have no branch of their own */
  constructor({ runs, results }: { runs: Source; results: Source }, layout: Layout) {
    this.#git = runs.git;
    this.#contents = runs.contents;
    this.#results = results;
    this.#layout = layout;
  }

  async read(tips: ReadTips): Promise<Snapshot> {
    const last = this.#last;
    const { runs: tip, results: resultsTip } = tips;
    if (last?.tip === tip && last.resultsTip === resultsTip) return last;
    // After a force-push the old tip may be gone from the clone; then all is read anew.
    const changes = last && (await this.#changes(tips, last).catch(() => undefined));
    if (!last || !changes) return this.#readAll(tips);
    const isSaved = changes.own.some(({ path, entry }) => entry && path === checkpointPath(this.#layout));
    const sinceCheckpoint = isSaved ? 0 : last.sinceCheckpoint + changes.own.length;
    const snapshot = { ...last, tip, resultsTip, since: last.tip, sinceCheckpoint };
    return this.#apply(changes, snapshot, this.#definitions);
  }

  /** While git lists everything, what will be read of it is on its way. */
  async #readAll(tips: ReadTips): Promise<Snapshot> {
    const [all, since] = await Promise.all([
      this.#changes(tips),
      readCheckpoint(this.#results, this.#layout, tips.results),
    ]);
    const newest = since?.checkpoint.newest ?? new NewestReports();
    const sinceCheckpoint = since?.changed.size ?? all.own.length;
    return this.#apply(all, { ...emptySnapshot(tips), newest, sinceCheckpoint }, new Map(), since);
  }

  /** What differs from `last`; without it all there is. */
  async #changes(tips: ReadTips, last?: Snapshot): Promise<Changes> {
    const changes: TreeChange[] = [];
    for (const { from, to, folders } of partsOf(this.#layout, tips, last)) {
      if (from === to) continue;
      if (to === undefined) throw new Error('the branch with the results is gone');
      const found =
        from === undefined
          ? await listTree(this.#git, to, folders)
          : await treeChanges(this.#git, from, to, folders);
      for (const change of found) changes.push(change);
    }
    return byFolder(changes, this.#layout);
  }

  /** Contents by object id; of a file that is too large a stand-in that no parser takes. */
  contents(entries: readonly TreeEntry[]): Promise<Map<string, Uint8Array>> {
    const ids = entries.filter(isPlain).map((it) => it.blob);
    return this.#contents.read(ids, READ_LIMIT);
  }

  /** The whole reports at these paths; those that cannot be read are left out. */
  async reports({ reports }: Snapshot, paths: readonly string[]): Promise<NodeOpReport[]> {
    const blobs = paths.flatMap((path) => reports.get(path)?.blob ?? []);
    const found = await this.#results.contents.read(blobs, READ_LIMIT);
    return blobs.flatMap((blob) => readReport(found.get(blob)) ?? []);
  }

  /** Briefs of all reports by path. Those that the call before has read are not read again. */
  async briefs(snapshot: Snapshot): Promise<Map<string, ReportBrief>> {
    const { reports } = snapshot;
    const known = this.#briefs;
    const unread = [...reports.values()].filter(({ blob }) => !known.has(blob));
    const found = await readBriefs(this.#results.contents, unread);
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
    const { resultsTip, reports, newest } = snapshot;
    if (resultsTip === undefined) return undefined;
    const tree = await entryAt(this.#git, resultsTip, resultsFolder(layout));
    if (!tree) return undefined;
    const unsettled = [...reports].flatMap(([path, { standing }]) =>
      standing !== 'over' && isYaml(path) && !isOwnFile(layout, path) ? [path] : [],
    );
    return [
      checkpointPath(layout),
      formatCheckpoint({ tree: tree.blob, unsettled: new Set(unsettled), newest }, layout),
    ];
  }

  /** Of these run files without a report those that had one which says that they were begun. */
  async begunBefore({ resultsTip }: Snapshot, runs: readonly string[]): Promise<string[]> {
    if (resultsTip === undefined) return [];
    const removed = await removedContents(
      this.#git,
      resultsTip,
      runs.map((path) => reportPath(this.#layout, path)),
    );
    const contents = await this.#results.contents.read([...removed.values()], READ_LIMIT);
    return runs.filter((path) => {
      const blob = removed.get(reportPath(this.#layout, path));
      return blob !== undefined && saysBegun(contentOf(blob, contents.get(blob)).file);
    });
  }

  /** The baseline as it was before people removed it; undefined when there never was one. */
  async removedBaseline({ resultsTip }: Snapshot): Promise<ReadonlySet<string> | undefined> {
    if (resultsTip === undefined) return undefined;
    const path = baselinePath(this.#layout);
    const blob = (await removedContents(this.#git, resultsTip, [path])).get(path);
    const bytes =
      blob === undefined ? undefined : (await this.#results.contents.read([blob], Infinity)).get(blob);
    return bytes && parseBaseline(path, bytes);
  }

  /** Everything that can fail comes before anything is changed: the maps are those of the snapshot before. */
  async #apply(
    { own, nodeops, runs }: Changes,
    snapshot: Snapshot,
    before: Files,
    since?: Since,
  ): Promise<Snapshot> {
    const layout = this.#layout;
    const baseline = await this.#readBaseline(own, snapshot.baseline);
    const stored = await readStored(this.#results.contents, layout, own, since);
    const definitions = nodeops.length > 0 ? await this.#readDefinitions(nodeops, before) : before;

    this.#last = snapshot;
    this.#definitions = definitions;
    if (definitions !== before) listDefinitions(snapshot, definitions);
    const isNew = baseline !== snapshot.baseline;
    if (baseline) snapshot.baseline = baseline;
    else delete snapshot.baseline;
    for (const file of stored) takeStored(snapshot, layout, file);
    for (const change of runs) {
      const report = reportPath(layout, change.path);
      takeRun(snapshot, layout, change, report);
      sort(snapshot, change.path, report);
    }
    // Of a tip read as a whole these were all.
    if (snapshot.since === undefined) return snapshot;
    // A definition may be what an invalid run waits for.
    const waiting = definitions === before ? [] : [...snapshot.unfinished];
    const touched = [...own.map(({ path }) => path), ...waiting].flatMap(
      (it) => runOf(snapshot, layout, it) ?? [],
    );
    for (const path of isNew ? snapshot.runs.keys() : touched) {
      sort(snapshot, path, reportPath(layout, path));
    }
    return snapshot;
  }

  async #readBaseline(own: readonly TreeChange[], before: ReadonlySet<string> | undefined) {
    const change = own.find(({ path }) => path === baselinePath(this.#layout));
    if (!change) return before;
    if (!change.entry) return undefined;
    // It may be longer than what people write. A link in its place is as damaged as any other text.
    const blobs = isPlain(change.entry) ? [change.entry.blob] : [];
    const [bytes = new Uint8Array()] = (await this.#results.contents.read(blobs, Infinity)).values();
    return parseBaseline(change.path, bytes);
  }

  async #readDefinitions(changed: readonly TreeChange[], before: Files): Promise<Files> {
    const files = new Map(before);
    const bytes = await this.contents(changed.flatMap(({ entry }) => entry ?? []));
    for (const { path, entry } of changed) {
      files.delete(path);
      if (!entry || !isDefinition(this.#layout, path, entry.mode)) continue;
      const parsed = parseDefinition(path, bytes.get(entry.blob) ?? new Uint8Array());
      files.set(path, { blob: entry.blob, parsed });
    }
    return files;
  }
}

/** Puts a run among those that have to be acted on, or not, by its file and what is stored at the path of its report. */
function sort(snapshot: Snapshot, path: string, report: string): void {
  const stored = snapshot.reports.get(report);
  const isDone = stored?.standing === 'other' || leavesNothing(stored, snapshot, path);
  if (!isDone && snapshot.runs.has(path) && snapshot.baseline?.has(path) !== true) snapshot.open.add(path);
  else if (snapshot.open.size > 0) snapshot.open.delete(path);
}

function byFolder(changes: readonly TreeChange[], layout: Layout): Changes {
  const [own, nodeops, runs] = [resultsFolder(layout), layout.nodeops, layout.runs].map((it) => `${it}/`);
  const found: Changes = { own: [], nodeops: [], runs: [] };
  for (const change of changes) {
    // One folder may lie in another.
    if (change.path.startsWith(own ?? '')) found.own.push(change);
    if (change.path.startsWith(nodeops ?? '')) found.nodeops.push(change);
    if (change.path.startsWith(runs ?? '')) found.runs.push(change);
  }
  return found;
}

/** Of a report that cannot be read nobody knows, so it does. */
function saysBegun({ report }: StoredReport): boolean {
  return report?.status.phase !== 'Invalid';
}

/** Whether the report at the tip leaves nothing to do for the run as its file and definition are. */
export function isDoneWith(snapshot: Snapshot, layout: Layout, path: string): boolean {
  return leavesNothing(storedReport(snapshot, layout, path), snapshot, path);
}

function leavesNothing(stored: StoredReport | undefined, snapshot: Snapshot, path: string): boolean {
  if (stored?.report?.status.phase === 'Invalid') return isJudged(stored.report, snapshot, path);
  return stored?.standing === 'over';
}

/** Whether an invalid run was judged by what its file and definition hold now. */
export function isJudged({ status, run }: NodeOpReport, snapshot: Snapshot, path: string): boolean {
  if (status.phase !== 'Invalid' || run.blob !== snapshot.runs.get(path)?.blob) return false;
  const { definition } = run;
  return definition === undefined || snapshot.definitionBlobs.get(definition.name) === definition.blob;
}

export function storedReport(snapshot: Snapshot, layout: Layout, runPath: string): StoredReport | undefined {
  return snapshot.reports.get(reportPath(layout, runPath));
}

/** Which folders to read of which commits; at once where the commits are the same. */
function partsOf(layout: Layout, to: ReadTips, last: Snapshot | undefined) {
  const [people, own] = [[layout.nodeops, layout.runs], [resultsFolder(layout)]];
  if (to.runs === to.results && last?.tip === last?.resultsTip) {
    return [{ from: last?.tip, to: to.runs, folders: [...people, ...own] }];
  }
  return [
    { from: last?.tip, to: to.runs, folders: people },
    { from: last?.resultsTip, to: to.results, folders: own },
  ];
}

function emptySnapshot({ runs: tip, results: resultsTip }: ReadTips): Snapshot {
  return {
    tip,
    resultsTip,
    runs: new Map(),
    renamed: new Map(),
    open: new Set(),
    definitions: [],
    schedules: [],
    definitionsKey: '',
    definitionBlobs: new Map(),
    reports: new Map(),
    count: 0,
    unfinished: new Set(),
    newest: new NewestReports(),
    sinceCheckpoint: 0,
    added: new Map(),
    begun: new Set(),
  };
}

function takeRun(
  { runs, renamed }: Snapshot,
  layout: Layout,
  { path, entry }: TreeChange,
  report: string,
): void {
  if (entry && isRunFile(layout, path, entry.mode)) {
    runs.set(path, entry);
    if (!isNamedAlike(layout, path, report)) renamed.set(report, path);
  } else if (runs.delete(path)) renamed.delete(report);
}

/** The run file at the tip that a file of the results is the report of. */
function runOf({ runs, renamed }: Snapshot, layout: Layout, report: string): string | undefined {
  const path = renamed.get(report) ?? `${layout.runs}/${report.slice(resultsFolder(layout).length + 1)}`;
  return runs.has(path) ? path : undefined;
}

function takeStored(snapshot: Snapshot, layout: Layout, { path, file, brief }: StoredChange): void {
  const { reports, unfinished, newest } = snapshot;
  const before = reports.get(path);
  if (!file && before && saysBegun(before)) {
    const run = runOf(snapshot, layout, path);
    if (run !== undefined && snapshot.baseline?.has(run) !== true) snapshot.begun.add(run);
  }
  snapshot.count += Number(isReport(file)) - Number(isReport(before));
  if (file) reports.set(path, file);
  else reports.delete(path);
  if (file?.report) unfinished.add(path);
  else unfinished.delete(path);
  if (brief) newest.set(path, brief);
  else if (file?.standing !== 'over') newest.delete(path);
}

function listDefinitions(snapshot: Snapshot, files: Files): void {
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
