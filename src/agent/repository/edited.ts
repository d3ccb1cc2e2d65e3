import type { AgentConfig } from '../../api/config.ts';
import { isFinalPhase, type NodeOp } from '../../api/nodeop.ts';
import { type NodeOpReport, readReport, REPORT_BYTES } from '../../api/report.ts';
import { awaitsRecord } from '../../core/rollout/identity.ts';
import { isOwnFile, reportPath, type Layout } from '../../core/runs/paths.ts';
import { writeReport } from '../../core/runs/report.ts';
import { hasCommits } from '../../git/ancestry.ts';
import { blobId } from '../../git/blobs.ts';
import { shortened } from '../../git/commit-info.ts';
import { pastChanges, touchedSince, whoMade } from '../../git/log.ts';
import type { Mirror } from '../../git/mirror.ts';
import { filesAt, type TreeEntry } from '../../git/trees.ts';
import { breather, inTurns } from '../../time/breather.ts';
import type { Logger } from '../logger.ts';
import type { Ledger } from './ledger.ts';
import type { ReportBuilder } from './reports.ts';
import type { Snapshot } from './snapshot.ts';
import type { SnapshotReader } from './snapshot-reader.ts';
import type { StoredReport } from './stored.ts';

export interface EditedDeps {
  mirror: Mirror;
  reader: SnapshotReader;
  layout: Layout;
  reports: ReportBuilder;
  ledger: Ledger;
  log: Logger;
}

/** A report that may not be the agent's, beside the NodeOp that it is of. */
interface Doubtful {
  path: string;
  file: string;
  nodeOp: NodeOp;
  stored: StoredReport;
  /** The NodeOp is over. */
  isFinal: boolean;
  /** Changes with all that it is judged by. */
  key: string;
}

/** What was acted on last. */
interface Since {
  tip: string;
  /** Changed since, by whomever. */
  touched: ReadonlySet<string>;
  /** As they were. */
  files: ReadonlyMap<string, TreeEntry>;
}

/** What was found: as long as the key is the same nobody looks again. */
interface Found {
  key: string;
  isEdited: boolean;
  /** What the agent wrote last, where people wrote since. */
  written?: NodeOpReport | undefined;
}

/**
 * Which reports people wrote of runs whose NodeOps are there: what those say is the truth. Judged is what came since the tip
 * that was acted on last. What an agent wrote is left as it is, also where a former version put it otherwise, so that each
 * edit has one answer.
 */
export class Edited {
  readonly #config: AgentConfig;
  readonly #deps: EditedDeps;
  /** By path of the run file. */
  #found = new Map<string, Found>();

  constructor(config: AgentConfig, deps: EditedDeps) {
    this.#config = config;
    this.#deps = deps;
  }

  /**
   * By path of the run file what the agent had reported of it last.
   * @param nodeOps whose run files and reports are known in the snapshot
   */
  async find(
    snapshot: Snapshot,
    nodeOps: ReadonlyMap<string, NodeOp>,
  ): Promise<Map<string, NodeOpReport | undefined>> {
    const doubtful = [...nodeOps].flatMap(([path, nodeOp]) => this.#doubtful(path, nodeOp, snapshot));
    const unknown = doubtful.filter(({ path, key }) => this.#found.get(path)?.key !== key);
    const since = unknown.length === 0 ? undefined : await this.#actedOn(unknown, snapshot);
    const found = new Map<string, Found>();
    const breathe = breather();
    for (const it of doubtful) {
      await breathe();
      const before = this.#found.get(it.path);
      found.set(it.path, before?.key === it.key ? before : await this.#judge(it, snapshot, since));
    }
    this.#tell(found);
    this.#found = found;
    return new Map(
      [...found].flatMap(([path, it]): [string, NodeOpReport | undefined][] =>
        it.isEdited ? [[path, it.written]] : [],
      ),
    );
  }

  /** One that says that its run goes on is followed anyway. */
  #doubtful(path: string, nodeOp: NodeOp, snapshot: Snapshot): Doubtful[] {
    const { layout } = this.#deps;
    const file = reportPath(layout, path);
    const stored = snapshot.reports.get(file);
    const isFinal = isFinalPhase(nodeOp.status?.phase);
    // A NodeOp that has not begun does not begin by what somebody made of its report.
    const mayBegin = !isFinal && this.#config.rollout.executor === 'agent' && awaitsRecord(nodeOp);
    if (!stored || isOwnFile(layout, file) || mayBegin) return [];
    const { blob, standing, report } = stored;
    if (standing === 'unfinished' && report?.status.phase !== 'Invalid') return [];
    // Where reports are signed those of others are put back, or believed.
    if (standing === 'over' && this.#config.git.signing) return [];
    const key = `${blob} ${standing} ${nodeOp.metadata.uid ?? ''} ${isFinal}`;
    return [{ path, file, nodeOp, stored, isFinal, key }];
  }

  /** What became of these files since the tip that was acted on last; undefined when that is not known. */
  async #actedOn(some: readonly Doubtful[], { resultsTip }: Snapshot): Promise<Since | undefined> {
    const { ledger, mirror } = this.#deps;
    const tip = ledger.isLoaded ? ledger.head.results : undefined;
    const { git } = mirror.results;
    if (tip === undefined || resultsTip === undefined || !(await hasCommits(git, [tip]))) return undefined;
    const paths = some.map(({ file }) => file);
    const touched =
      (await touchedSince(git, { from: tip, to: resultsTip }, paths)) ??
      new Set((await pastChanges(git, `${tip}..${resultsTip}`, paths)).map(({ path }) => path));
    return { tip, touched, files: await filesAt(git, tip, [...touched]) };
  }

  /** A run that became a NodeOp was neither invalid nor unreadable; of all else it matters who wrote it last. */
  async #judge(it: Doubtful, snapshot: Snapshot, since: Since | undefined): Promise<Found> {
    const { key, file, stored } = it;
    const isReport = stored.standing === 'over';
    if (isReport && (await this.#isAsBefore(it, snapshot, since))) return { key, isEdited: false };
    const { reader, mirror } = this.#deps;
    const { name, email } = this.#config.git.author;
    const agent = shortened(`${name} <${email}>`);
    const tip = snapshot.resultsTip ?? '';
    const maker = isReport ? await whoMade(mirror.results.git, { tip, since: since?.tip }, file) : undefined;
    if (maker?.author === agent) return { key, isEdited: false };
    const range = since ? `${since.tip}..${tip}` : tip;
    const blob = (await reader.past.lastBy(agent, range, file)) ?? since?.files.get(file)?.blob;
    return { key, isEdited: true, written: await this.#read(blob) };
  }

  /** Without asking who wrote it. */
  async #isAsBefore(
    { path, file, nodeOp, stored, isFinal }: Doubtful,
    snapshot: Snapshot,
    since: Since | undefined,
  ): Promise<boolean> {
    // The answer to an edit of a run that goes on may still be due.
    if (!isFinal) return false;
    if (since) return !since.touched.has(file);
    const { reader, reports } = this.#deps;
    const [report] = await reader.reports.whole(snapshot, [file]);
    if (!report) return false;
    const text = await inTurns(writeReport(await reports.retold(path, nodeOp, report)));
    return blobId(text, stored.blob.length) === stored.blob;
  }

  async #read(blob: string | undefined): Promise<NodeOpReport | undefined> {
    if (blob === undefined) return undefined;
    const bytes = (await this.#deps.mirror.results.contents.read([blob], REPORT_BYTES)).get(blob);
    return bytes && inTurns(readReport(bytes));
  }

  #tell(found: ReadonlyMap<string, Found>): void {
    const runs = [...found].flatMap(([path, { key, isEdited }]) =>
      isEdited && this.#found.get(path)?.key !== key ? [path] : [],
    );
    if (runs.length === 0) return;
    this.#deps.log.warn({ runs }, 'reports were changed; what the NodeOps say is reported again');
  }
}
