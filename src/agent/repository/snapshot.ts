import { parseDocument } from '../../api/documents.ts';
import { AGENT_API_VERSION } from '../../api/config.ts';
import { NodeOpReportSchema, REPORT_KIND, type NodeOpReport } from '../../api/report.ts';
import { briefOf, briefOfText, isOver, textBeforeNodes, type ReportBrief } from '../../core/runs/brief.ts';
import { parseDefinition, type Definition } from '../../core/runs/definitions.ts';
import { parseBaseline } from '../../core/runs/report.ts';
import {
  baselinePath,
  isDefinition,
  isYaml,
  isRunFile,
  reportPath,
  resultsFolder,
  type Layout,
} from '../../core/runs/paths.ts';
import type { Schedule } from '../../core/runs/schedules.ts';
import type { GitCommand } from '../../git/command.ts';
import {
  eachBlob,
  listTree,
  readBlobs,
  removedContents,
  treeChanges,
  type CommitInfo,
  type TreeChange,
  type TreeEntry,
} from '../../git/read.ts';

/** A file of the results folder. A report that people made unreadable still says that the run is over. */
export interface StoredReport {
  blob: string;
  /** Absent when the file is no report, or cannot be read. */
  brief?: ReportBrief;
  /** All of it, as long as the run is not over: of those that are there may be a hundred thousand. */
  report?: NodeOpReport;
}

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
  /** Path of the run file by path of its report. */
  runOf: Map<string, string>;
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
  /** Those of the reports whose run is not over. */
  unfinished: Set<string>;
  baseline?: ReadonlySet<string>;
  /** Filled in by the loop for runs that were not started yet. */
  added: Map<string, CommitInfo>;
  /** Run files that were begun though their reports are gone, since people removed those; partly filled in by the loop. */
  begun: Set<string>;
}

/** A file larger than any valid one is not read; the parser refuses a stand-in of the same size class. */
const READ_LIMIT = 1024 * 1024;

/** What became of a file of the results folder; without `file` it is gone, or none. */
interface StoredFile {
  path: string;
  blob: string;
  file: StoredReport | undefined;
}

type Files = ReadonlyMap<string, { blob: string; parsed: Definition | Schedule }>;

/** Reads tips: the first as a whole, each later one as what differs from the one before. */
export class SnapshotReader {
  readonly #git: GitCommand;
  readonly #layout: Layout;
  /** Files of the definitions' folder by path. */
  #definitions: Files = new Map();
  #last: Snapshot | undefined;

  constructor(git: GitCommand, layout: Layout) {
    this.#git = git;
    this.#layout = layout;
  }

  async read(tips: ReadTips): Promise<Snapshot> {
    const last = this.#last;
    const { runs: tip, results: resultsTip } = tips;
    if (last?.tip === tip && last.resultsTip === resultsTip) return last;
    // After a force-push the old tip may be gone from the clone; then all is read anew.
    const changes = last && (await this.#changes(tips, last).catch(() => undefined));
    if (!last || !changes) return this.#apply(await this.#changes(tips), emptySnapshot(tips), new Map());
    return this.#apply(changes, { ...last, tip, resultsTip, since: last.tip }, this.#definitions);
  }

  /** What differs from `last`; without it all there is. */
  async #changes(tips: ReadTips, last?: Snapshot): Promise<TreeChange[]> {
    const changes: TreeChange[] = [];
    for (const { from, to, folders } of partsOf(this.#layout, tips, last)) {
      if (from === to) continue;
      if (to === undefined) throw new Error('the branch with the results is gone');
      if (from !== undefined) changes.push(...(await treeChanges(this.#git, from, to, folders)));
      else
        for (const entry of await listTree(this.#git, to, folders)) changes.push({ path: entry.path, entry });
    }
    return changes;
  }

  /** Contents by object id; of a file that is too large a stand-in that no parser takes. */
  contents(entries: readonly TreeEntry[]): Promise<Map<string, Uint8Array>> {
    const files = entries.filter((it) => it.mode.startsWith('100'));
    const ids = files.map((it) => it.blob);
    return readBlobs(this.#git, ids, READ_LIMIT);
  }

  /** The whole reports at these paths; those that cannot be read are left out. */
  async reports({ reports }: Snapshot, paths: readonly string[]): Promise<NodeOpReport[]> {
    const blobs = paths.flatMap((path) => reports.get(path)?.blob ?? []);
    const found = await readBlobs(this.#git, blobs, READ_LIMIT);
    return blobs.flatMap((blob) => readReport(found.get(blob)) ?? []);
  }

  /** Of these run files without a report those that had one which says that they were begun. */
  async begunBefore({ resultsTip }: Snapshot, runs: readonly string[]): Promise<string[]> {
    if (resultsTip === undefined) return [];
    const removed = await removedContents(
      this.#git,
      resultsTip,
      runs.map((path) => reportPath(this.#layout, path)),
    );
    const contents = await readBlobs(this.#git, [...removed.values()], READ_LIMIT);
    return runs.filter((path) => {
      const blob = removed.get(reportPath(this.#layout, path));
      return blob !== undefined && saysBegun(storedOf(blob, contents.get(blob)));
    });
  }

  /** The baseline as it was before people removed it; undefined when there never was one. */
  async removedBaseline({ resultsTip }: Snapshot): Promise<ReadonlySet<string> | undefined> {
    if (resultsTip === undefined) return undefined;
    const path = baselinePath(this.#layout);
    const blob = (await removedContents(this.#git, resultsTip, [path])).get(path);
    const bytes = blob === undefined ? undefined : (await readBlobs(this.#git, [blob], Infinity)).get(blob);
    return bytes && parseBaseline(path, bytes);
  }

  /** Everything that can fail comes before anything is changed: the maps are those of the snapshot before. */
  async #apply(changes: readonly TreeChange[], snapshot: Snapshot, before: Files): Promise<Snapshot> {
    const layout = this.#layout;
    const own = inside(changes, resultsFolder(layout));
    const changed = inside(changes, layout.nodeops);
    const baseline = await this.#readBaseline(own, snapshot.baseline);
    const stored = await this.#readStored(own);
    const definitions = changed.length > 0 ? await this.#readDefinitions(changed, before) : before;

    this.#last = snapshot;
    this.#definitions = definitions;
    if (definitions !== before) listDefinitions(snapshot, definitions);
    const isNew = baseline !== snapshot.baseline;
    if (baseline) snapshot.baseline = baseline;
    else delete snapshot.baseline;
    for (const file of stored) takeStored(snapshot, file);
    for (const change of inside(changes, layout.runs)) {
      const report = reportPath(layout, change.path);
      takeRun(snapshot, layout, change, report);
      sort(snapshot, change.path, report);
    }
    // Of a tip read as a whole these were all.
    if (snapshot.since === undefined) return snapshot;
    // A definition may be what an invalid run waits for.
    const waiting = definitions === before ? [] : [...snapshot.unfinished];
    const touched = [...own.map(({ path }) => path), ...waiting].flatMap(
      (it) => snapshot.runOf.get(it) ?? [],
    );
    for (const path of isNew ? snapshot.runs.keys() : touched) {
      sort(snapshot, path, reportPath(layout, path));
    }
    return snapshot;
  }

  async #readBaseline(own: readonly TreeChange[], before: ReadonlySet<string> | undefined) {
    const change = own.find(({ path }) => path === baselinePath(this.#layout));
    if (!change) return before;
    if (change.entry?.mode.startsWith('100') !== true) return undefined;
    const { blob } = change.entry;
    // It may be longer than what people write.
    const bytes = (await readBlobs(this.#git, [blob], Infinity)).get(blob) ?? new Uint8Array();
    return parseBaseline(change.path, bytes);
  }

  async #readStored(own: readonly TreeChange[]): Promise<StoredFile[]> {
    const stored = own.map(({ path, entry }): StoredFile => {
      const isFile = entry?.mode.startsWith('100') === true;
      return { path, blob: isFile ? entry.blob : '', file: isFile ? { blob: entry.blob } : undefined };
    });
    const baseline = baselinePath(this.#layout);
    const reports = stored.filter(({ path, file }) => file && isYaml(path) && path !== baseline);
    await eachBlob(this.#git, reports, READ_LIMIT, (it, bytes) => {
      it.file = storedOf(it.blob, bytes);
    });
    return stored;
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

/** Whether a run has to be acted on, by its file and what is stored at the path of its report. */
function sort(snapshot: Snapshot, path: string, report: string): void {
  const stored = snapshot.reports.get(report);
  const isUnreadable = stored !== undefined && stored.brief === undefined;
  const isDone = isUnreadable || leavesNothing(stored, snapshot, path);
  if (snapshot.runs.has(path) && !isDone && snapshot.baseline?.has(path) !== true) snapshot.open.add(path);
  else snapshot.open.delete(path);
}

function inside(changes: readonly TreeChange[], folder: string): TreeChange[] {
  const prefix = `${folder}/`;
  return changes.filter(({ path }) => path.startsWith(prefix));
}

/** Of a report that cannot be read nobody knows, so it does. */
function saysBegun({ brief }: StoredReport): boolean {
  return brief?.phase !== 'Invalid';
}

/** Whether the report at the tip leaves nothing to do for the run as its file and definition are. */
export function isDoneWith(snapshot: Snapshot, layout: Layout, path: string): boolean {
  return leavesNothing(storedReport(snapshot, layout, path), snapshot, path);
}

function leavesNothing(stored: StoredReport | undefined, snapshot: Snapshot, path: string): boolean {
  const { brief, report } = stored ?? {};
  if (report?.status.phase === 'Invalid') return isJudged(report, snapshot, path);
  return brief !== undefined && isOver(brief.phase);
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
    runOf: new Map(),
    open: new Set(),
    definitions: [],
    schedules: [],
    definitionsKey: '',
    definitionBlobs: new Map(),
    reports: new Map(),
    unfinished: new Set(),
    added: new Map(),
    begun: new Set(),
  };
}

function takeRun(
  { runs, runOf }: Snapshot,
  layout: Layout,
  { path, entry }: TreeChange,
  report: string,
): void {
  if (entry && isRunFile(layout, path, entry.mode)) {
    runs.set(path, entry);
    runOf.set(report, path);
  } else if (runs.delete(path)) runOf.delete(report);
}

function takeStored(snapshot: Snapshot, { path, file }: StoredFile): void {
  const before = snapshot.reports.get(path);
  const run = snapshot.runOf.get(path);
  const isRecorded = run === undefined || snapshot.baseline?.has(run) === true;
  if (!file && before && !isRecorded && saysBegun(before)) snapshot.begun.add(run);
  if (file) snapshot.reports.set(path, file);
  else snapshot.reports.delete(path);
  if (file?.report) snapshot.unfinished.add(path);
  else snapshot.unfinished.delete(path);
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

function storedOf(blob: string, bytes: Uint8Array | undefined): StoredReport {
  const quick = bytes && briefOfText(textBeforeNodes(bytes));
  if (quick) return { blob, brief: quick };
  const report = readReport(bytes);
  if (!report) return { blob };
  const brief = briefOf(report);
  return isOver(brief.phase) ? { blob, brief } : { blob, brief, report };
}

function readReport(bytes: Uint8Array | undefined): NodeOpReport | undefined {
  const parsed = parseDocument(bytes ?? new Uint8Array(), [
    { apiVersion: AGENT_API_VERSION, kind: REPORT_KIND, schema: NodeOpReportSchema },
  ]);
  return parsed.ok ? parsed.value : undefined;
}
