import { type AgentConfig, clusterOf } from '../../api/config.ts';
import { ANNOTATION_RUN_BLOB, ANNOTATION_RUN_COMMIT, ANNOTATION_RUN_SIGNER } from '../../api/labels.ts';
import { compilePattern, type Pattern } from '../../api/patterns.ts';
import type { NodeOp } from '../../api/nodeop.ts';
import type { NodeOpReport } from '../../api/report.ts';
import type { RunFacts, Verdict, Wait } from '../../core/runs/plan.ts';
import type { Manifest } from '../../core/runs/prepare.ts';
import { logTail } from '../../core/logs/tail.ts';
import {
  reportNodeOp,
  reportStart,
  reportVerdict,
  reportWait,
  type ReportSubject,
} from '../../core/runs/report.ts';
import type { Mirror } from '../../git/mirror.ts';
import type { CommitInfo } from '../../git/commit-info.ts';
import { commitInfo } from '../../git/log.ts';
import type { NodeOpStore } from '../../core/ports.ts';
import { PerRun } from './per-run.ts';
import type { Snapshot } from './snapshot.ts';

/** A log is read for so many failed nodes of one run; a fleet that fails as a whole fails alike. */
const MAX_LOGS = 50;
/** What is read of each; the report keeps less. */
const LOG_BYTES = 64 * 1024;

/** Makes reports: asks the cluster for logs and Git for authors, each once. */
export class ReportBuilder {
  readonly #config: AgentConfig;
  readonly #store: NodeOpStore;
  readonly #mirror: Mirror;
  /** By run and node. */
  readonly #logs = new PerRun<string>();
  readonly #mask: Pattern[];
  readonly #commits = new PerRun<CommitInfo | undefined>();

  constructor(config: AgentConfig, store: NodeOpStore, mirror: Mirror) {
    this.#config = config;
    this.#store = store;
    this.#mirror = mirror;
    this.#mask = config.report.mask.map(compilePattern);
  }

  /** Forgets what it knows of all other runs. */
  retain(runs: ReadonlySet<string>): void {
    this.#logs.retain(runs);
    this.#commits.retain(runs);
  }

  async ofNodeOp(run: RunFacts, nodeOp: NodeOp): Promise<NodeOpReport> {
    const subject = await this.#subjectOf(run, nodeOp);
    const logs = await this.#logsOf(run, nodeOp);
    return reportNodeOp(subject, nodeOp, logs, run.file?.blob, this.#mask);
  }

  /** The same as of when this report of it was written: nobody is asked for what that one has of logs and of later edits. */
  async retold(path: string, nodeOp: NodeOp, report: NodeOpReport): Promise<NodeOpReport> {
    const subject = await this.#subjectOf({ path, report }, nodeOp);
    const { nodes = [], observedChange } = report.status;
    const logs = new Map(nodes.flatMap(({ name, log }) => (log === undefined ? [] : [[name, log]])));
    return reportNodeOp(subject, nodeOp, logs, observedChange?.blob, this.#mask);
  }

  async #subjectOf(
    { path, report }: Pick<RunFacts, 'path' | 'report'>,
    { metadata: { annotations = {} } }: NodeOp,
  ): Promise<ReportSubject> {
    const info = await this.#commit(path, annotations[ANNOTATION_RUN_COMMIT] ?? '');
    return {
      ...this.#subject(path, annotations[ANNOTATION_RUN_BLOB], info ?? report?.run),
      signer: annotations[ANNOTATION_RUN_SIGNER],
    };
  }

  ofWait(run: RunFacts, wait: Wait, snapshot: Snapshot): NodeOpReport {
    return reportWait(this.#subject(run.path, run.file?.blob, snapshot.added.get(run.path)), wait);
  }

  ofStart(run: RunFacts, manifest: Manifest, snapshot: Snapshot): NodeOpReport {
    const subject = this.#subject(run.path, run.file?.blob, snapshot.added.get(run.path));
    const signer = manifest.metadata.annotations?.[ANNOTATION_RUN_SIGNER];
    return reportStart({ ...subject, signer }, manifest);
  }

  ofVerdict(run: RunFacts, verdict: Verdict, snapshot: Snapshot, now: Date): NodeOpReport {
    const name = verdict.phase === 'Invalid' ? verdict.definition : undefined;
    const subject = {
      ...this.#subject(run.path, run.file?.blob, snapshot.added.get(run.path)),
      ...(name !== undefined && { definition: { name, blob: snapshot.definitionBlobs.get(name) } }),
    };
    return reportVerdict(subject, verdict, verdict.phase === 'Invalid' ? undefined : run.report, now);
  }

  #subject(
    path: string,
    blob: string | undefined,
    info: { commit?: string | undefined; author?: string | undefined; committedAt?: string | undefined } = {},
  ): ReportSubject {
    const { commit, author, committedAt } = info;
    return {
      path,
      executor: this.#config.rollout.executor,
      commit,
      author: author === '' ? undefined : author,
      committedAt: committedAt === '' ? undefined : committedAt,
      blob,
      cluster: clusterOf(this.#config),
    };
  }

  async #commit(run: string, id: string): Promise<CommitInfo | undefined> {
    const known = this.#commits.of(run);
    if (!known.has(id)) known.set(id, await commitInfo(this.#mirror.git, id));
    return known.get(id);
  }

  /** A log that was read stays as it was, so that a pod's removal is no news. */
  async #logsOf(run: RunFacts, nodeOp: NodeOp): Promise<Map<string, string>> {
    const lines = this.#config.report.logLines;
    const { nodeStatuses = {} } = nodeOp.status ?? {};
    // What a status has kept of a log is none either.
    if (lines === 0) return new Map(Object.keys(nodeStatuses).map((node) => [node, '']));
    const logs = new Map<string, string>();
    const failed = Object.entries(nodeStatuses)
      .filter(([, it]) => it.phase === 'Failed' && it.jobName !== undefined)
      .map(([node]) => node)
      .toSorted()
      .slice(0, MAX_LOGS);
    const known = this.#logs.of(run.path);
    for (const node of failed) {
      const key = `${nodeOp.metadata.uid ?? ''} ${node}`;
      const committed = run.report?.status.nodes?.find((it) => it.name === node)?.log;
      let log = known.get(key) ?? committed;
      if (log === undefined) {
        const text = await this.#store.log(nodeOp, node, { lines, bytes: LOG_BYTES }).catch(() => undefined);
        log = logTail(text || (nodeStatuses[node]?.log ?? ''), lines, this.#mask);
      }
      known.set(key, log);
      logs.set(node, log);
    }
    return logs;
  }
}
