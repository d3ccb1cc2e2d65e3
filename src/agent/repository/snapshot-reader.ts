import { InvalidError } from '../../api/errors.ts';
import {
  baselinePath,
  checkpointPath,
  isTooMuch,
  reportPath,
  resultsFolder,
  runPaths,
  runsNamedLikeOwn,
  type Layout,
} from '../../core/runs/paths.ts';
import { BASELINE_BYTES, type BaselineRecord, readBaseline } from '../../core/runs/baseline.ts';
import type { GitCommand } from '../../git/command.ts';
import type { Contents } from '../../git/contents.ts';
import { isPlain, listTree, type TreeChange, type TreeEntry } from '../../git/trees.ts';
import { inTurns } from '../../time/breather.ts';
import { readDefinitions } from './definition-files.ts';
import { eachWritten, type TakeWritten } from './each-written.ts';
import { LookUp } from './look-up.ts';
import { KnownFiles } from './known-files.ts';
import { Past } from './past.ts';
import { ReportFiles } from './report-files.ts';
import { listDefinitions, runFile, sort, takeStored, type Files, type Snapshot } from './snapshot.ts';
import {
  inFolder,
  readStored,
  readSince,
  unread,
  type Since,
  type Source,
  type StoredChange,
} from './stored.ts';
import {
  byFolder,
  changesBetween,
  tooMuchIn,
  unreported,
  type ReadTips,
  type TipChanges,
} from './tip-changes.ts';

/** The agent's own folder, as far as it differs. */
interface OwnNews extends BaselineNews {
  stored: StoredChange[];
}

interface BaselineNews {
  baseline: BaselineRecord | undefined;
  damage?: InvalidError | undefined;
}

/**
 * Reads tips: the first by what is not over, each later one as what differs from the one before. What else there is gets
 * known when it is asked for.
 */
export class SnapshotReader {
  /** Makes files known that nobody has asked for yet. */
  readonly lookUp: LookUp;
  readonly past: Past;
  readonly reports: ReportFiles;
  readonly #git: GitCommand;
  /** Of run files and definitions. */
  readonly #contents: Contents;
  readonly #results: Source;
  readonly #layout: Layout;
  #definitions: Files = new Map();
  #last: Snapshot | undefined;

  /** @param sources of one clone, and one and the same where the results have no branch of their own */
  constructor({ runs, results }: { runs: Source; results: Source }, layout: Layout) {
    this.#git = runs.git;
    this.#contents = runs.contents;
    this.#results = results;
    this.#layout = layout;
    this.lookUp = new LookUp(runs.git, layout);
    this.past = new Past(results, layout);
    this.reports = new ReportFiles(results, layout, this.lookUp);
  }

  /** Throws InvalidError when the baseline is damaged. */
  async read(tips: ReadTips): Promise<Snapshot> {
    const snapshot = await this.look(tips);
    if (snapshot.damage) throw snapshot.damage;
    return snapshot;
  }

  /** For who stops what is under way: a damaged baseline is told in what comes back. */
  async look(tips: ReadTips): Promise<Snapshot> {
    const last = this.#last;
    const { runs: tip, results: resultsTip } = tips;
    if (last?.tip === tip && last.resultsTip === resultsTip) return last;
    // After a force-push the old tip may be gone from the clone; then all is read anew.
    const changes = last && (await this.#changesSince(last, tips).catch(() => undefined));
    // What lies in a folder that was not read is not told by what differs.
    const hidden = [...(last?.tooMuch ?? []), ...(changes ? tooMuchOf(changes) : [])];
    if (!last || !changes || hidden.length > 0) return this.#readFirst(tips);
    const isSaved = changes.own.some(({ path, entry }) => entry && path === checkpointPath(this.#layout));
    const sinceCheckpoint = isSaved ? 0 : last.sinceCheckpoint + changes.own.length;
    const snapshot = { ...last, tip, resultsTip, since: last.tip, sinceCheckpoint };
    const { baseline: passedOver, owner, damage } = last;
    const baseline = passedOver && { runs: passedOver, owner };
    const own = await this.#readOwn(changes.own, { baseline, damage });
    return this.#apply(snapshot, changes, own, this.#definitions);
  }

  /** What was read of reports that do not count is read anew. */
  forget(): void {
    this.#last = undefined;
    this.reports.forget();
  }

  /** After history was rewritten: which commits added what is asked for anew. */
  forgetHistory(): void {
    this.#last?.added.clear();
  }

  /** All at once, since each is mostly waiting. */
  async #readFirst(tips: ReadTips): Promise<Snapshot> {
    const { nodeops, runs } = this.#layout;
    const folder = resultsFolder(this.#layout);
    const [listed, open, { since, own }] = await Promise.all([
      // Where results have a file of the agent's own, a run file of that name is not found to be without a report.
      listTree(this.#git, tips.runs, [nodeops], runsNamedLikeOwn(this.#layout)),
      unreported(this.#git, this.#layout, tips),
      this.#readSinceCheckpoint(tips.results),
    ]);
    const changes = byFolder(this.#layout, [
      ...listed,
      ...open.map((it) => inFolder(runs, it)),
      ...since.own,
    ]);
    const snapshot = { ...firstSnapshot(tips, since), tooMuch: tooMuchOf(changes) };
    const changed = new Set(since.own.map(({ path }) => path));
    const files = open.filter(({ entry }) => entry && !isTooMuch(entry.mode));
    const missing = files.map(({ path }) => `${folder}/${path}`).filter((it) => !changed.has(it));
    for (const path of missing) snapshot.reports.learn(path, undefined);
    return this.#apply(snapshot, changes, own, new Map());
  }

  async #readSinceCheckpoint(tip: string | undefined): Promise<{ since: Since; own: OwnNews }> {
    const since = await readSince(this.#results, this.#layout, tip);
    return { since, own: await this.#readOwn(since.own, { baseline: undefined }) };
  }

  #changesSince({ tip, resultsTip }: Snapshot, tips: ReadTips): Promise<TipChanges> {
    return changesBetween(this.#git, this.#layout, { runs: tip, results: resultsTip }, tips);
  }

  /** What people wrote in run files and definitions, one after the other. */
  eachContent(entries: readonly TreeEntry[], take: TakeWritten): Promise<void> {
    return eachWritten(this.#contents, entries, take);
  }

  /** Everything that can fail comes before anything is changed: the files are those of the snapshot before. */
  async #apply(
    snapshot: Snapshot,
    { own, nodeops, runs }: TipChanges,
    { stored, baseline: record, damage }: OwnNews,
    before: Files,
  ): Promise<Snapshot> {
    const layout = this.#layout;
    const baseline = record?.runs;
    const definitions =
      nodeops.length > 0 ? await readDefinitions(this.#contents, layout, nodeops, before) : before;
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
    await this.lookUp.files(
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
    snapshot.damage = damage;
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
  async #readOwn(own: readonly TreeChange[], before: BaselineNews): Promise<OwnNews> {
    const baseline = await this.#readBaseline(own, before);
    return { ...baseline, stored: await readStored(this.#results.contents, this.#layout, own) };
  }

  async #readBaseline(own: readonly TreeChange[], before: BaselineNews): Promise<BaselineNews> {
    const change = own.find(({ path }) => path === baselinePath(this.#layout));
    if (!change) return before;
    if (!change.entry) return { baseline: undefined };
    // It may be longer than what people write. A link in its place is as damaged as any other text.
    const blobs = isPlain(change.entry) ? [change.entry.blob] : [];
    const read = await this.#results.contents.read(blobs, BASELINE_BYTES);
    const [bytes = new Uint8Array()] = read.values();
    try {
      return { baseline: await inTurns(readBaseline(change.path, bytes)) };
    } catch (error) {
      if (!(error instanceof InvalidError)) throw error;
      return { baseline: before.baseline, damage: error };
    }
  }
}

function tooMuchOf({ own, nodeops, runs }: TipChanges): string[] {
  return tooMuchIn(own, nodeops, runs);
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
