import { type NodeOpReport, readReport, REPORT_BYTES } from '../../api/report.ts';
import { BY_PEOPLE, load, type Loaded } from '../../api/yaml.ts';
import type { ReportBrief } from '../../core/runs/brief.ts';
import { formatCheckpoint } from '../../core/runs/checkpoint.ts';
import { parseDefinition } from '../../core/runs/definitions.ts';
import { NewestReports } from '../../core/runs/newest.ts';
import { TooMuchError } from '../../git/tree-size.ts';
import { isFolder } from '../../git/tree-walk.ts';
import {
  baselinePath,
  checkpointPath,
  isDefinition,
  isOwnFile,
  isTooMuch,
  isYaml,
  reportPath,
  resultsFolder,
  runPaths,
  runsNamedLikeOwn,
  TOO_MUCH,
  type Layout,
} from '../../core/runs/paths.ts';
import { type BaselineRecord, readBaseline } from '../../core/runs/report.ts';
import type { GitCommand } from '../../git/command.ts';
import type { Contents } from '../../git/contents.ts';
import { pastChanges, type PastChange, removedContents } from '../../git/log.ts';
import {
  entriesAt,
  filesAt,
  filesOnlyIn,
  isPlain,
  listTree,
  treeAt,
  treeChanges,
  type TreeChange,
  type TreeEntry,
} from '../../git/trees.ts';
import { breather, inTurns } from '../../time/breather.ts';
import { KnownFiles } from './known-files.ts';
import {
  listDefinitions,
  runFile,
  saysBegun,
  sort,
  takeStored,
  type FileAt,
  type Files,
  type Snapshot,
} from './snapshot.ts';
import {
  contentOf,
  inFolder,
  readBriefs,
  readStored,
  readSince,
  unread,
  type Since,
  type Source,
  type StoredChange,
} from './stored.ts';

/** The commits to read: run files and definitions of one, results of the other. Mostly they are the same. */
export interface ReadTips {
  runs: string;
  /** Absent as long as there is no such branch. */
  results: string | undefined;
}

/** What differs between two tips, by the folder it is in. */
interface Changes {
  own: TreeChange[];
  nodeops: TreeChange[];
  runs: TreeChange[];
}

/** The agent's own folder, as far as it differs. */
interface OwnNews {
  stored: StoredChange[];
  baseline: BaselineRecord | undefined;
}

/** Contents that are held at a time. */
const HELD = 64;

/** Of more files than these it is quicker to list all there are. */
const LOOKED_UP = 1000;

/**
 * Reads tips: the first by what is not over, each later one as what differs from the one before. What else there is gets
 * known when it is asked for.
 */
export class SnapshotReader {
  readonly #git: GitCommand;
  /** Of run files and definitions. */
  readonly #contents: Contents;
  readonly #results: Source;
  readonly #layout: Layout;
  #definitions: Files = new Map();
  /** By object id of the report. */
  #briefs: ReadonlyMap<string, ReportBrief> = new Map();
  #last: Snapshot | undefined;
  /** Whether what one of these commits made of a report counts; absent where all of them do. */
  #counts: ((commits: readonly string[]) => Promise<boolean>) | undefined;

  /** @param sources of one clone, and one and the same where the results have no branch of their own */
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
    // What lies in a folder that was not read is not told by what differs.
    const hidden = [...(last?.tooMuch ?? []), ...tooMuch(changes)];
    if (!last || !changes || hidden.length > 0) return this.#readFirst(tips);
    const isSaved = changes.own.some(({ path, entry }) => entry && path === checkpointPath(this.#layout));
    const sinceCheckpoint = isSaved ? 0 : last.sinceCheckpoint + changes.own.length;
    const snapshot = { ...last, tip, resultsTip, since: last.tip, sinceCheckpoint };
    const { baseline: passedOver, owner } = last;
    const own = await this.#readOwn(changes.own, passedOver && { runs: passedOver, owner });
    return this.#apply(snapshot, changes, own, this.#definitions);
  }

  /** Who decides whose reports count. */
  heed(counts: (commits: readonly string[]) => Promise<boolean>): void {
    this.#counts = counts;
  }

  /** What was read of reports that do not count is read anew. */
  forget(): void {
    this.#last = undefined;
    this.#briefs = new Map();
  }

  /** After history was rewritten: which commits added what is asked for anew. */
  forgetHistory(): void {
    this.#last?.added.clear();
  }

  /** All at once, since each is mostly waiting. */
  async #readFirst(tips: ReadTips): Promise<Snapshot> {
    const { nodeops, runs } = this.#layout;
    const folder = resultsFolder(this.#layout);
    const [listed, unreported, { since, own }] = await Promise.all([
      // Where results have a file of the agent's own, a run file of that name is not found to be without a report.
      listTree(this.#git, tips.runs, [nodeops], runsNamedLikeOwn(this.#layout)),
      this.#unreported(tips),
      this.#readSinceCheckpoint(tips.results),
    ]);
    const changes = byFolder(this.#layout, [
      ...listed,
      ...unreported.map((it) => inFolder(runs, it)),
      ...since.own,
    ]);
    const snapshot = { ...firstSnapshot(tips, since), tooMuch: tooMuch(changes) };
    const changed = new Set(since.own.map(({ path }) => path));
    const files = unreported.filter(({ entry }) => entry && !isTooMuch(entry.mode));
    const missing = files.map(({ path }) => `${folder}/${path}`).filter((it) => !changed.has(it));
    for (const path of missing) snapshot.reports.learn(path, undefined);
    return this.#apply(snapshot, changes, own, new Map());
  }

  async #readSinceCheckpoint(tip: string | undefined): Promise<{ since: Since; own: OwnNews }> {
    const since = await readSince(this.#results, this.#layout, tip);
    return { since, own: await this.#readOwn(since.own, undefined) };
  }

  /** Files of the runs' folder that the results folder does not have by the same path, which is the one inside. */
  async #unreported({ runs: tip, results }: ReadTips): Promise<TreeChange[]> {
    const { runs } = this.#layout;
    const folder = resultsFolder(this.#layout);
    const [tree, reports] = await Promise.all([
      treeAt(this.#git, tip, runs),
      results === undefined ? undefined : treeAt(this.#git, results, folder),
    ]);
    return tree === undefined ? [] : filesOnlyIn(this.#git, tree, reports);
  }

  /** What differs from `last`. */
  async #changes({ runs, results }: ReadTips, last: Snapshot): Promise<Changes> {
    const { nodeops: definitions, runs: people } = this.#layout;
    const own = resultsFolder(this.#layout);
    const isOne = runs === results && last.tip === last.resultsTip;
    const folders = isOne ? [definitions, people, own] : [definitions, people];
    const changes = last.tip === runs ? [] : await treeChanges(this.#git, last.tip, runs, folders);
    if (!isOne) changes.push(...(await this.#ownChanges(last.resultsTip, results)));
    return byFolder(this.#layout, changes);
  }

  async #ownChanges(from: string | undefined, to: string | undefined): Promise<TreeChange[]> {
    if (from === to) return [];
    if (to === undefined) throw new Error('the branch with the results is gone');
    const folders = [resultsFolder(this.#layout)];
    return from === undefined ? listTree(this.#git, to, folders) : treeChanges(this.#git, from, to, folders);
  }

  /**
   * What people wrote, one file after the other: only some are held at a time, and others have their turn in between, also
   * before what was parsed is looked at. A file that is too large, and what is none (a link), says nothing.
   */
  async eachContent(
    entries: readonly TreeEntry[],
    take: (entry: TreeEntry, content: Loaded, bytes: number) => void,
  ): Promise<void> {
    const breathe = breather();
    for (let i = 0; i < entries.length; i += HELD) {
      const some = entries.slice(i, i + HELD);
      const ids = some.filter(isPlain).map(({ blob }) => blob);
      const found = await this.#contents.read(ids, BY_PEOPLE.bytes);
      for (const entry of some) {
        const bytes = found.get(entry.blob) ?? new Uint8Array();
        const content = load(bytes);
        await breathe();
        take(entry, content, bytes.byteLength);
        await breathe();
      }
    }
  }

  /** The whole reports at these paths; those that cannot be read are left out. */
  async reports(snapshot: Snapshot, paths: readonly string[]): Promise<NodeOpReport[]> {
    await this.lookUpReports(snapshot, paths);
    const blobs = paths.flatMap((path) => snapshot.reports.get(path)?.blob ?? []);
    const reports: NodeOpReport[] = [];
    const take = async (_: object, bytes: Uint8Array | undefined) => {
      const report = bytes && (await inTurns(readReport(bytes)));
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
    await this.#learnAll(snapshot);
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

  /** Makes these run files and their reports known. */
  async lookUp(snapshot: Snapshot, runs: readonly string[]): Promise<void> {
    await this.#lookUp(
      snapshot,
      runs,
      runs.map((it) => reportPath(this.#layout, it)),
    );
  }

  /** Makes these files of the results folder known. */
  async lookUpReports(snapshot: Snapshot, paths: readonly string[]): Promise<void> {
    await this.#lookUp(snapshot, [], paths);
  }

  /** Those of these paths of the results folder that are folders. */
  async foldersAt({ resultsTip }: Snapshot, paths: readonly string[]): Promise<Set<string>> {
    if (resultsTip === undefined) return new Set();
    const entries = await entriesAt(this.#git, resultsTip, paths);
    return new Set(entries.filter(isFolder).map(({ path }) => path));
  }

  /**
   * Makes all run files and all files of the results folder known.
   * @throws InvalidError when a folder holds too much: what is not known to have been there might be taken for new
   */
  async complete(snapshot: Snapshot): Promise<void> {
    const [folder] = await this.#learnAll(snapshot);
    if (folder !== undefined) throw new TooMuchError(folder);
  }

  /** @returns the folders that hold too much, of which nothing gets known */
  async #learnAll({ tip, resultsTip, runs, reports }: Snapshot): Promise<string[]> {
    const layout = this.#layout;
    if (runs.isComplete) return [];
    const [people, own] = await Promise.all([
      listTree(this.#git, tip, [layout.runs]),
      resultsTip === undefined ? [] : listTree(this.#git, resultsTip, [resultsFolder(layout)]),
    ]);
    for (const { path, entry } of people) runs.learn(path, runFile(layout, entry));
    for (const { path, entry } of own) if (entry) reports.learn(path, unread(layout, entry));
    const folders = tooMuchOf([...people, ...own]);
    if (folders.length > 0) return folders.map((path) => path.slice(0, -'.'.length));
    runs.complete();
    reports.complete();
    return [];
  }

  async #lookUp(snapshot: Snapshot, runs: readonly string[], reports: readonly string[]): Promise<void> {
    const { tip, resultsTip } = snapshot;
    const people = runs.filter((it) => !snapshot.runs.isKnown(it));
    const own = reports.filter((it) => !snapshot.reports.isKnown(it));
    if (people.length + own.length > LOOKED_UP) {
      const folders = await this.#learnAll(snapshot);
      // There may be more in those.
      if (folders.length === 0) return;
    }
    const [runFiles, files] = await Promise.all([
      filesAt(this.#git, tip, people),
      resultsTip === undefined ? undefined : filesAt(this.#git, resultsTip, own),
    ]);
    for (const path of people) snapshot.runs.learn(path, runFile(this.#layout, runFiles.get(path)));
    for (const path of own) {
      const entry = files?.get(path);
      snapshot.reports.learn(path, entry && unread(this.#layout, entry));
    }
  }

  /** The checkpoint of the snapshot, as the file that is to be written; undefined when there is no results folder. */
  async checkpoint(snapshot: Snapshot): Promise<[path: string, text: string] | undefined> {
    const layout = this.#layout;
    const { resultsTip, reports, over, newest } = snapshot;
    if (resultsTip === undefined) return undefined;
    const tree = await treeAt(this.#git, resultsTip, resultsFolder(layout));
    if (tree === undefined) return undefined;
    const unsettled = [...reports.present()].flatMap(([path, { standing }]) =>
      standing !== 'over' && isYaml(path) && !isOwnFile(layout, path) ? [path] : [],
    );
    return [
      checkpointPath(layout),
      formatCheckpoint({ tree, over, unsettled: new Set(unsettled), newest }, layout),
    ];
  }

  /** Of these run files those that ever had a report which says that they were begun, whatever it says now. */
  async begunBefore({ resultsTip }: Snapshot, runs: readonly string[]): Promise<string[]> {
    if (resultsTip === undefined) return [];
    const paths = runs.map((path) => reportPath(this.#layout, path));
    const past = contentsOf(await pastChanges(this.#git, resultsTip, paths));
    const told: PastContent[] = [];
    await this.#results.contents.each(past, REPORT_BYTES, async (it, bytes) => {
      if (saysBegun((await contentOf(it.blob, bytes)).file)) told.push(it);
    });
    const begun = new Set<string>();
    for (const { path, commits } of told) {
      // One whose commit is not known is as true as it was before.
      const isOpen = !begun.has(path) && commits.length > 0 && this.#counts !== undefined;
      if (!isOpen || (await this.#counts?.(commits))) begun.add(path);
    }
    return runs.filter((path) => begun.has(reportPath(this.#layout, path)));
  }

  /** The baseline at a commit; undefined when there was none, or it is the same now. */
  async baselineBefore(commit: string, { resultsTip }: Snapshot): Promise<BaselineRecord | undefined> {
    const path = baselinePath(this.#layout);
    const at = async (tip: string) => (await filesAt(this.#git, tip, [path])).get(path);
    const [entry, now] = await Promise.all([
      at(commit),
      resultsTip === undefined ? undefined : at(resultsTip),
    ]);
    if (!isPlain(entry) || entry.blob === now?.blob) return undefined;
    const bytes = (await this.#results.contents.read([entry.blob], Infinity)).get(entry.blob);
    return bytes && inTurns(readBaseline(path, bytes));
  }

  /** The baseline as it was before people removed it; undefined when there never was one. */
  async removedBaseline({ resultsTip }: Snapshot): Promise<BaselineRecord | undefined> {
    if (resultsTip === undefined) return undefined;
    const path = baselinePath(this.#layout);
    const blob = (await removedContents(this.#git, resultsTip, [path])).get(path);
    const bytes =
      blob === undefined ? undefined : (await this.#results.contents.read([blob], Infinity)).get(blob);
    return bytes && inTurns(readBaseline(path, bytes));
  }

  /** Everything that can fail comes before anything is changed: the files are those of the snapshot before. */
  async #apply(
    snapshot: Snapshot,
    { own, nodeops, runs }: Changes,
    { stored, baseline: record }: OwnNews,
    before: Files,
  ): Promise<Snapshot> {
    const layout = this.#layout;
    const baseline = record?.runs;
    const definitions = nodeops.length > 0 ? await this.#readDefinitions(nodeops, before) : before;
    // As they were: at these paths the tips differ, at all others they are the same.
    for (const it of runs) snapshot.runs.learn(it.path, runFile(layout, it.before));
    for (const it of own) snapshot.reports.learn(it.path, it.before && unread(layout, it.before));
    const recorded = baseline === snapshot.baseline ? [] : (snapshot.baseline ?? []);
    const uncovered = [...recorded].filter((it) => baseline?.has(it) !== true);
    const asked = stored
      .filter(({ file }) => !file || file.standing === 'unfinished')
      .flatMap(({ path }) => runPaths(layout, path))
      .filter((it) => baseline?.has(it) !== true);
    const touched = [...runs.map(({ path }) => path), ...uncovered];
    await this.#lookUp(
      snapshot,
      [...asked, ...uncovered],
      touched.map((it) => reportPath(layout, it)),
    );

    this.#last = snapshot;
    this.#definitions = definitions;
    if (definitions !== before) listDefinitions(snapshot, definitions);
    const covered = [...snapshot.open].filter((it) => baseline?.has(it) === true);
    if (baseline) snapshot.baseline = baseline;
    else delete snapshot.baseline;
    snapshot.owner = record?.owner;
    for (const it of stored) takeStored(snapshot, layout, it);
    for (const it of runs) {
      snapshot.runs.set(it.path, runFile(layout, it.entry));
      // One that comes back was added by another commit.
      if (!it.entry || !it.before) snapshot.added.delete(it.path);
    }
    // A definition may be what an invalid run waits for.
    const waiting = definitions === before ? [] : snapshot.unfinished;
    const reported = [...stored.map(({ path }) => path), ...waiting].flatMap((it) => runPaths(layout, it));
    for (const path of [...touched, ...covered, ...reported]) sort(snapshot, layout, path);
    return snapshot;
  }

  /** Reads what differs of the agent's own folder. */
  async #readOwn(own: readonly TreeChange[], before: BaselineRecord | undefined): Promise<OwnNews> {
    const baseline = await this.#readBaseline(own, before);
    return { baseline, stored: await readStored(this.#results.contents, this.#layout, own) };
  }

  async #readBaseline(own: readonly TreeChange[], before: BaselineRecord | undefined) {
    const change = own.find(({ path }) => path === baselinePath(this.#layout));
    if (!change) return before;
    if (!change.entry) return undefined;
    // It may be longer than what people write. A link in its place is as damaged as any other text.
    const blobs = isPlain(change.entry) ? [change.entry.blob] : [];
    const [bytes = new Uint8Array()] = (await this.#results.contents.read(blobs, Infinity)).values();
    return inTurns(readBaseline(change.path, bytes));
  }

  async #readDefinitions(changed: readonly TreeChange[], before: Files): Promise<Files> {
    const files = new Map(before);
    for (const { path, entry } of changed) {
      files.delete(path);
      if (entry && isTooMuch(entry.mode)) files.set(path, noDefinitions(path, entry.blob));
    }
    const wanted = [
      ...changed.flatMap(({ entry }) =>
        entry && isDefinition(this.#layout, entry.path, entry.mode) ? entry : [],
      ),
      // There may be room for them now.
      ...[...files].flatMap(([path, { blob, isLeftOut }]) =>
        isLeftOut ? { path, blob, mode: '100644' } : [],
      ),
    ];
    await this.eachContent(wanted, ({ path, blob }, content, bytes) => {
      files.set(path, { blob, bytes, parsed: parseDefinition(path, content) });
    });
    leaveOutTooMuch(files);
    return files;
  }
}

/** A content that a file had once, and the commits that gave it to it. */
interface PastContent {
  path: string;
  blob: string;
  commits: string[];
}

function contentsOf(changes: readonly PastChange[]): PastContent[] {
  const found = new Map<string, PastContent>();
  const of = (path: string, blob: string) => {
    const key = `${blob} ${path}`;
    const content = found.get(key) ?? { path, blob, commits: [] };
    found.set(key, content);
    return content;
  };
  for (const { path, before, after, commit } of changes) {
    if (after !== undefined) of(path, after).commits.push(commit);
    if (before !== undefined) of(path, before);
  }
  return [...found.values()];
}

/** Definitions are held for as long as they are there, so all of them together are bounded; the first by path are kept. */
const DEFINITIONS_BYTES = 16 * 1024 * 1024;

function leaveOutTooMuch(files: Map<string, FileAt>): void {
  let bytes = 0;
  for (const [path, file] of [...files].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    bytes += file.bytes;
    if (bytes <= DEFINITIONS_BYTES) continue;
    const message = `is left out: the definitions together are larger than ${DEFINITIONS_BYTES} bytes`;
    const parsed = { path, result: { ok: false as const, problems: [{ path: [], message }] } };
    files.set(path, { ...file, parsed, isLeftOut: true });
  }
}

function noDefinitions(path: string, blob: string): FileAt {
  const problems = [{ path: [], message: TOO_MUCH }];
  return { blob, bytes: 0, parsed: { path, result: { ok: false, problems } } };
}

function tooMuch(changes: Changes | undefined): string[] {
  return changes ? tooMuchOf([...changes.own, ...changes.nodeops, ...changes.runs]) : [];
}

function tooMuchOf(changes: readonly TreeChange[]): string[] {
  return changes.flatMap(({ path, before, entry }) =>
    [before, entry].some((it) => it && isTooMuch(it.mode)) ? [path] : [],
  );
}

function byFolder(layout: Layout, changes: readonly TreeChange[]): Changes {
  const below = (folder: string) => changes.filter(({ path }) => path.startsWith(`${folder}/`));
  return { own: below(resultsFolder(layout)), nodeops: below(layout.nodeops), runs: below(layout.runs) };
}

function firstSnapshot({ runs: tip, results: resultsTip }: ReadTips, since: Since): Snapshot {
  return {
    tip,
    resultsTip,
    runs: new KnownFiles(),
    open: new Set(),
    definitions: [],
    schedules: [],
    definitionsKey: '',
    definitionBlobs: new Map(),
    reports: new KnownFiles(),
    over: since.over,
    unfinished: new Set(),
    newest: since.newest,
    sinceCheckpoint: since.changed,
    added: new Map(),
    begun: new Set(),
    tooMuch: [],
    moved: new Map(),
  };
}
