import type { CheckAccess } from '../../api/check-access.ts';
import type { AgentConfig } from '../../api/config.ts';
import { ANNOTATION_CANCEL, ANNOTATION_RUN_BLOB } from '../../api/labels.ts';
import { isFinalPhase, type NodeOp } from '../../api/nodeop.ts';
import { isFinalReport } from '../../api/report.ts';
import { type Layout, reportPath } from '../../core/runs/paths.ts';
import type { RunFacts } from '../../core/runs/plan.ts';
import { prepareRun, type Manifest, type Preparation } from '../../core/runs/prepare.ts';
import { trusted } from '../../core/runs/trust.ts';
import type { Mirror } from '../../git/mirror.ts';
import type { Logger } from '../logger.ts';
import type { CommitInfo } from '../../git/commit-info.ts';
import { addedAt } from '../../git/age.ts';
import { whoAdded, whoRemoved } from '../../git/log.ts';
import type { TreeEntry } from '../../git/trees.ts';
import type { Edited } from './edited.ts';
import { Moved } from './moved.ts';
import { isDoneWith, isJudged, storedReport, type Snapshot } from './snapshot.ts';
import type { SnapshotReader } from './snapshot-reader.ts';
import type { Ledger } from './ledger.ts';
import type { Trust } from './trust.ts';

export interface FactsContext {
  mirror: Mirror;
  reader: SnapshotReader;
  edited: Edited;
  layout: Layout;
  namespace: string;
  executor: AgentConfig['rollout']['executor'];
  defaultImage: string | undefined;
  checkAccess: CheckAccess | undefined;
  ledger: Ledger;
  /** Absent where no signatures are asked for. */
  trust?: Trust | undefined;
  logger: Logger;
}

/** Brings together what Git and the cluster say of every run that may not be over. */
export class FactsReader {
  readonly #context: FactsContext;
  readonly #moved: Moved;
  /** Of the run files that may not be over, as they were judged last. */
  #prepared = new Map<string, Judged>();
  /** Runs passed over because their report was removed, that the log has told of. */
  readonly #told = new Set<string>();

  constructor(context: FactsContext) {
    this.#context = context;
    this.#moved = new Moved(context);
  }

  async read(snapshot: Snapshot, nodeOps: ReadonlyMap<string, NodeOp>): Promise<RunFacts[]> {
    const { layout, ledger, reader } = this.#context;
    const reported = unfinishedRuns(snapshot, layout);
    const kept = ledger.results;
    await reader.lookUp.runs(snapshot, [...nodeOps.keys(), ...reported, ...kept.keys()]);
    const edited = await this.#context.edited.find(snapshot, nodeOps);
    const isToFollow = (path: string) => edited.has(path) || !isDoneWith(snapshot, layout, path);
    const started = [...nodeOps.keys()].filter(isToFollow);
    // Where file and NodeOp are gone, somebody must end what the report tells of.
    const orphans = reported.filter((path) => !snapshot.runs.has(path) && !nodeOps.has(path));
    const untold = [...kept.keys()].filter((path) => !isDoneWith(snapshot, layout, path));
    const open = [...new Set([...snapshot.open, ...started, ...orphans, ...untold])];
    const entries = open.flatMap((path) => snapshot.runs.get(path) ?? []);
    const idle = entries.map((it) => it.path).filter((it) => !nodeOps.has(it));
    const fresh = idle.filter((it) => !snapshot.added.has(it));
    const added = await this.#whoAdded(snapshot, fresh);
    await this.#moved.find(snapshot, added);
    // Last: what fails before is looked at again.
    for (const [path, info] of added) snapshot.added.set(path, info);
    const isLost = (path: string) => ledger.isLoaded && ledger.has(path) && !snapshot.begun.has(path);
    await this.#findBegun(snapshot, idle.filter(isLost));
    this.#tellBegun(snapshot, idle);
    const order = new Map([...snapshot.added.values()].map((it, i) => [it.commit, i]));
    const place = ({ path }: TreeEntry) => order.get(snapshot.added.get(path)?.commit ?? '') ?? -1;
    const judged = await this.#judge(
      entries.toSorted((a, b) => place(a) - place(b)),
      snapshot,
    );
    const facts = open.map((path): RunFacts => {
      const entry = snapshot.runs.get(path);
      const nodeOp = nodeOps.get(path);
      const isEdited = edited.has(path);
      // What people made of it has no say in anything.
      const stored = isEdited ? undefined : storedReport(snapshot, layout, path);
      const report = isEdited ? edited.get(path) : stored?.report;
      const result = kept.get(path);
      const movedFrom = snapshot.moved.get(path);
      const commit = snapshot.added.get(path)?.commit ?? '';
      return {
        path,
        passedOver:
          snapshot.baseline?.has(path) === true ||
          (snapshot.begun.has(path) && !nodeOp) ||
          stored?.standing === 'other',
        judged: stored?.report !== undefined && isJudged(stored.report, snapshot, path),
        ...(nodeOp && { nodeOp }),
        ...(ledger.isLoaded && { begun: ledger.has(path) }),
        ...(result && { kept: result }),
        ...(movedFrom !== undefined && { movedFrom }),
        ...(report && { report }),
        ...(isEdited && { isEdited }),
        ...(entry && {
          file: {
            blob: entry.blob,
            order: order.get(commit) ?? 0,
            prepare: () => judged.get(path)?.prepared ?? TOO_MUCH,
          },
          ...(judged.has(path) ? {} : { held: WAITS }),
        }),
      };
    });
    for (const run of facts) await this.#lookBack(run, snapshot);
    const { trust } = this.#context;
    if (!trust) return facts;
    // One after the other: they share definitions and history, and each of those is checked once.
    const verified: RunFacts[] = [];
    for (const run of facts) verified.push(await this.#verified(run, trust, snapshot));
    return verified;
  }

  /** What history tells of a run, where that matters. */
  async #lookBack(run: RunFacts, snapshot: Snapshot): Promise<void> {
    const { mirror, layout, trust } = this.#context;
    const { git } = mirror;
    const { tip, resultsTip, added } = snapshot;
    const { path, file, nodeOp, report } = run;
    if (file && report?.status.phase === 'Invalid' && !run.judged && !nodeOp) {
      const isOfThis = report.run.commit === added.get(path)?.commit;
      const at = isOfThis && resultsTip !== undefined ? resultsTip : undefined;
      const since = await addedAt(
        { git, tip, path },
        {
          isSigned: trust !== undefined,
          report: at === undefined ? undefined : { git, tip: at, path: reportPath(layout, path) },
        },
      );
      if (since !== undefined) run.addedAt = since;
    }
    const isStopped = nodeOp
      ? !isFinalPhase(nodeOp.status?.phase) && nodeOp.metadata.annotations?.[ANNOTATION_CANCEL] === undefined
      : report !== undefined && !isFinalReport(report);
    if (file || !isStopped) return;
    const removed = await whoRemoved(git, tip, path);
    if (removed) run.removed = removed;
  }

  /** Only what may be acted on: a new run, and an edit of one that goes on, which may pause and resume it. */
  async #verified(run: RunFacts, trust: Trust, snapshot: Snapshot): Promise<RunFacts> {
    const { file, path, nodeOp } = run;
    if (!file || run.passedOver || run.judged) return run;
    const prepared = file.prepare();
    if (!prepared.ok || !prepared.here) return run;
    if (nodeOp && asksNothing(prepared.manifest, nodeOp, file.blob)) return run;
    const { definition } = prepared;
    try {
      const origins = {
        run: await trust.provenance({ path, blob: file.blob }, snapshot),
        definition: definition && (await trust.provenance(definitionFile(snapshot, definition), snapshot)),
        history: await trust.history(snapshot),
      };
      return { ...run, file: { ...file, prepare: () => trusted(prepared, origins) } };
    } catch (error) {
      const held = error instanceof Error ? error.message : String(error);
      this.#context.mirror.blame(error);
      this.#context.logger.warn({ run: path, reason: held }, 'signatures cannot be checked; the run waits');
      const prepare = (): Preparation => ({ ok: false, problems: [{ path: [], message: held }] });
      return { ...run, held, file: { ...file, prepare } };
    }
  }

  /** New files were mostly added since the tip before; only for the others all of the history is walked. */
  async #whoAdded(snapshot: Snapshot, paths: readonly string[]): Promise<Map<string, CommitInfo>> {
    const { mirror, layout } = this.#context;
    const { tip, since } = snapshot;
    const range = since === undefined ? tip : `${since}..${tip}`;
    const recent = await whoAdded(mirror.git, range, layout.runs, paths);
    const others = since === undefined ? [] : paths.filter((path) => !recent.has(path));
    const added = await whoAdded(mirror.git, tip, layout.runs, others);
    await this.#findBegun(snapshot, since === undefined ? paths : others);
    const unknown = { commit: tip, author: '', committedAt: '' };
    return new Map([
      ...added,
      ...recent,
      ...paths
        .filter((path) => !added.has(path) && !recent.has(path))
        .map((path): [string, CommitInfo] => [path, unknown]),
    ]);
  }

  /** A file that was there before, or is known to have begun, and has no report: people removed that, unless it was waiting. */
  async #findBegun(snapshot: Snapshot, paths: readonly string[]): Promise<void> {
    const { reader, layout } = this.#context;
    const unreported = paths.filter((path) => storedReport(snapshot, layout, path) === undefined);
    const runs = await reader.past.begun(snapshot, unreported);
    for (const path of runs) snapshot.begun.add(path);
  }

  /** Nobody is answered for what is not carried out, so the log says it, once. */
  #tellBegun({ begun }: Snapshot, open: readonly string[]): void {
    const runs = open.filter((path) => begun.has(path) && !this.#told.has(path));
    for (const path of runs) this.#told.add(path);
    const message = 'reports were removed; their runs are not carried out again';
    if (runs.length > 0) this.#context.logger.warn({ runs }, message);
  }

  /** What the run files ask for, by path, in this order; those that would be too much to hold are left out until others are over. */
  async #judge(entries: readonly TreeEntry[], snapshot: Snapshot): Promise<Map<string, Judged>> {
    const { layout, namespace, executor, defaultImage, checkAccess, reader } = this.#context;
    const { definitions, definitionsKey, added } = snapshot;
    const commitOf = ({ path }: TreeEntry) => added.get(path)?.commit ?? '';
    const keyOf = (it: TreeEntry) => [it.path, it.mode, it.blob, commitOf(it), definitionsKey].join('\0');
    const known = new Map<string, Judged>();
    for (const it of entries) {
      const before = this.#prepared.get(keyOf(it));
      if (before) known.set(keyOf(it), before);
    }
    let held = [...known.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    const missing = entries.filter((it) => !known.has(keyOf(it)));
    await reader.eachContent(missing, (it, content, size) => {
      if (held > PREPARED_BYTES) return;
      const source = { ...it, commit: commitOf(it), content };
      const context = { layout, namespace, definitions, executor, defaultImage, checkAccess };
      const prepared = prepareRun(source, context);
      // Of an invalid file only some problems are held.
      const bytes = prepared.ok ? size : 0;
      held += bytes;
      known.set(keyOf(it), { prepared, bytes });
    });
    this.#prepared = known;
    return new Map(
      entries.flatMap((it): [string, Judged][] => {
        const judged = known.get(keyOf(it));
        return judged ? [[it.path, judged]] : [];
      }),
    );
  }
}

interface Judged {
  prepared: Preparation;
  /** That it takes to hold it, more or less. */
  bytes: number;
}

/** Of the run files that are waited for at a time. */
const PREPARED_BYTES = 32 * 1024 * 1024;
const WAITS = 'more run files wait than are held at a time';
const TOO_MUCH: Preparation = { ok: false, problems: [{ path: [], message: WAITS }] };

function definitionFile({ definitionBlobs }: Snapshot, { name, path }: { name: string; path: string }) {
  return { path, blob: definitionBlobs.get(name) ?? '' };
}

/** Whether a run that goes on is as it was when it began: its file, and what that file or its definition says of a pause. */
function asksNothing({ spec }: Manifest, nodeOp: NodeOp, blob: string): boolean {
  const isSame = nodeOp.metadata.annotations?.[ANNOTATION_RUN_BLOB] === blob;
  const isPaused = nodeOp.spec.suspend ?? false;
  return isSame && (spec.suspend ?? isPaused) === isPaused;
}

/** Runs of reports that are not final. People may have written one: it has no say in the run of another report. */
function unfinishedRuns({ unfinished, reports }: Snapshot, layout: Layout): string[] {
  return [...unfinished].flatMap((file) => {
    const report = reports.get(file)?.report;
    if (!report || isFinalReport(report)) return [];
    const { path } = report.run;
    return path.startsWith(`${layout.runs}/`) && reportPath(layout, path) === file ? [path] : [];
  });
}
