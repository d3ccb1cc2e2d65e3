import type { AgentConfig } from '../../api/config.ts';
import { compilePattern, type Pattern } from '../../api/patterns.ts';
import type { NodeOp } from '../../api/nodeop.ts';
import type { NodeOpStore } from '../../core/ports.ts';
import { maskCredentials } from '../../core/text/mask.ts';
import { reportPath } from '../../core/runs/paths.ts';
import { plain } from '../../core/text/output.ts';
import { logFolder } from '../../core/runs/retention.ts';
import { PerRun } from './per-run.ts';
import type { Snapshot } from './snapshot.ts';
import type { TrackedRepository } from './tracked.ts';

/** Of one node, and of all nodes of a run together; a large fleet gets less of each. */
const NODE_BYTES = 64 * 1024;
const RUN_BYTES = 16 * 1024 * 1024;
/** What is read of a log to keep its end. */
const READ = { lines: 10_000, bytes: 4 * 1024 * 1024 };
const AT_ONCE = 8;
/** Longer than any credential. */
const MASKED_BEFORE = 64 * 1024;

/** Reads the logs of nodes that are done, as `report.logs` asks; each once, however often the report changes. */
export class NodeLogs {
  readonly #report: AgentConfig['report'];
  readonly #mask: Pattern[];
  readonly #store: NodeOpStore;
  readonly #repository: TrackedRepository;
  /** By run and path of the log; the text until it is committed. */
  readonly #read = new PerRun<string | undefined>();

  constructor(report: AgentConfig['report'], store: NodeOpStore, repository: TrackedRepository) {
    this.#report = report;
    this.#mask = report.mask.map(compilePattern);
    this.#store = store;
    this.#repository = repository;
  }

  /** Forgets what it read of all other runs. */
  retain(runs: ReadonlySet<string>): void {
    this.#read.retain(runs);
  }

  /** The log files of the run that the tip does not have yet, by path. A log that is gone is left out. */
  async of(run: string, nodeOp: NodeOp, snapshot: Snapshot): Promise<Map<string, string>> {
    const files = new Map<string, string>();
    const { layout, snapshots } = this.#repository;
    if (this.#report.logs === 'none') return files;
    const statuses = Object.entries(nodeOp.status?.nodeStatuses ?? {});
    const limit = Math.min(NODE_BYTES, Math.floor(RUN_BYTES / Math.max(1, statuses.length)));
    const phases = this.#report.logs === 'all' ? ['Completed', 'Failed'] : ['Failed'];
    const folder = logFolder(reportPath(layout, run));
    const wanted = statuses
      .filter(([, { phase, jobName }]) => phases.includes(phase) && jobName !== undefined)
      .map(([node]) => ({ node, path: `${folder}${node}.log` }));
    const paths = wanted.map(({ path }) => path);
    const read = this.#read.of(run);
    await snapshots.lookUp.reports(snapshot, paths);
    for (const path of paths) if (snapshot.reports.has(path)) read.set(path, undefined);
    const missing = wanted.filter(({ path }) => !read.has(path));
    for (let i = 0; i < missing.length; i += AT_ONCE) {
      const some = missing.slice(i, i + AT_ONCE);
      await Promise.all(
        some.map(async ({ node, path }) => read.set(path, await this.#log(nodeOp, node, limit))),
      );
    }
    for (const { path } of wanted) {
      const text = read.get(path);
      if (text !== undefined) files.set(path, text);
    }
    return files;
  }

  async #log(nodeOp: NodeOp, node: string, limit: number): Promise<string | undefined> {
    const log = await this.#store.log(nodeOp, node, READ).catch(() => undefined);
    if (log === undefined) return undefined;
    // What is left out need not be masked, but whatever begins in it and goes on in the rest does.
    const text = maskCredentials(plain(log.slice(-(limit + MASKED_BEFORE))), this.#mask).trimEnd();
    const cut = Buffer.from(`${text}\n`);
    if (cut.byteLength <= limit) return `${text}\n`;
    const note = `(the last ${limit} of ${Math.max(cut.byteLength, log.length)} bytes)\n`;
    return note + new TextDecoder().decode(cut.subarray(cut.byteLength - limit)).replace(/^\uFFFD+/, '');
  }
}
