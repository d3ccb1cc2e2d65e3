import type { AgentConfig } from '../../api/config.ts';
import { InvalidError } from '../../api/errors.ts';
import { ANNOTATION_CANCEL, ANNOTATION_RUN, ANNOTATION_UID } from '../../api/labels.ts';
import type { NodeOp } from '../../api/nodeop.ts';
import type { NodeOpReport } from '../../api/report.ts';
import type { Problem } from '../../api/schema.ts';
import type { Clock, NodeOpStore, Telemetry } from '../../core/ports.ts';
import { copyProblem } from '../../core/rollout/identity.ts';
import { nameTaken } from '../../core/runs/name-taken.ts';
import { nodeOpsByRun } from '../../core/runs/own.ts';
import { runId, type Layout } from '../../core/runs/paths.ts';
import type { RunAction, RunFacts, Verdict } from '../../core/runs/plan.ts';
import type { Logger } from '../logger.ts';
import type { ReportBuilder } from './reports.ts';
import type { Snapshot } from './snapshot.ts';

/** After this a created NodeOp that the cache does not have was deleted. */
const CACHE_LAG_MS = 30_000;
const CANCELLED = {
  agent: 'run is cancelled',
  external: 'nothing is stopped: another controller carries the run out, and only deleting the NodeOp would',
};

export interface RunExecutorDeps {
  config: AgentConfig;
  layout: Layout;
  store: NodeOpStore;
  reports: ReportBuilder;
  telemetry: Telemetry;
  log: Logger;
  clock: Clock;
  now: () => Date;
}

/** Does to the cluster what was decided about runs, and reports what came of it. */
export class RunExecutor {
  readonly #deps: RunExecutorDeps;
  /** Created by us and perhaps not in the cache yet. */
  readonly #created = new Map<string, { nodeOp: NodeOp; at: number }>();
  /** Runs that wait for their turn, since when. */
  readonly #queued = new Map<string, number>();

  constructor(deps: RunExecutorDeps) {
    this.#deps = deps;
  }

  /** The cache, and what was created since it last heard of the cluster; by path of the run file. */
  nodeOps(): Map<string, NodeOp> {
    const { clock, layout, store } = this.#deps;
    const listed = nodeOpsByRun(layout, store.list());
    for (const [path, { nodeOp, at }] of this.#created) {
      if (listed.has(path) || clock.steady() > at + CACHE_LAG_MS) this.#created.delete(path);
      else listed.set(path, nodeOp);
    }
    return listed;
  }

  async apply(action: RunAction, snapshot: Snapshot): Promise<NodeOpReport | undefined> {
    const { run } = action;
    const { config, reports } = this.#deps;
    const log = this.#deps.log.child({ run: run.path });
    switch (action.type) {
      case 'wait':
        log.debug({ reason: action.reason }, 'run waits');
        if (!this.#queued.has(run.path)) this.#queued.set(run.path, this.#deps.clock.steady());
        return undefined;
      case 'create':
        return this.#create(run, action.manifest, snapshot);
      case 'cancel':
        await this.#patch(action.nodeOp, {
          metadata: { annotations: { [ANNOTATION_CANCEL]: action.reason } },
        });
        log.info({ reason: action.reason }, CANCELLED[config.rollout.executor]);
        return undefined;
      case 'vouch':
        await this.#vouch(action.nodeOp);
        return undefined;
      case 'suspend':
        await this.#patch(action.nodeOp, { spec: { suspend: action.suspend } });
        log.info({ suspend: action.suspend }, 'suspend of the run changed');
        return undefined;
      case 'follow':
        return reports.ofNodeOp(run, action.nodeOp);
      case 'conclude':
        break;
    }
    return this.#conclude(run, action.verdict, snapshot);
  }

  /** The cache may lag: a NodeOp is called deleted only after asking the API server. */
  async #conclude(run: RunFacts, verdict: Verdict, snapshot: Snapshot): Promise<NodeOpReport> {
    const { store, reports, now } = this.#deps;
    const { namespace, name } = run.report?.nodeOp ?? {};
    if (verdict.phase === 'Cancelled' && namespace !== undefined && name !== undefined) {
      const still = await store.get(namespace, name);
      if (still && this.#isOf(run, still)) return reports.ofNodeOp(run, still);
    }
    return reports.ofVerdict(run, verdict, snapshot, now());
  }

  async #create(
    run: RunFacts,
    manifest: Parameters<NodeOpStore['create']>[0],
    snapshot: Snapshot,
  ): Promise<NodeOpReport> {
    const { store, reports, now } = this.#deps;
    const { name = '', namespace = '' } = manifest.metadata;
    const invalid = (reason: string, problems: readonly Problem[]) =>
      reports.ofVerdict(run, { phase: 'Invalid', reason, problems }, snapshot, now());
    let nodeOp: NodeOp | 'exists' | undefined;
    try {
      nodeOp = await store.create(manifest);
    } catch (error) {
      if (!(error instanceof InvalidError)) throw error;
      const problems = error.problems.length > 0 ? error.problems : [{ path: [], message: error.message }];
      return invalid('Rejected', problems);
    }
    if (nodeOp === 'exists') nodeOp = await store.get(namespace, name);
    if (!nodeOp) throw new Error(`NodeOp ${namespace}/${name} exists and then did not`);
    if (!this.#isOf(run, nodeOp)) {
      return invalid('NameClash', [{ path: ['metadata', 'name'], message: nameTaken(nodeOp) }]);
    }
    this.#started(run, nodeOp);
    await this.#vouch(nodeOp);
    return reports.ofNodeOp(run, nodeOp);
  }

  #started({ path }: RunFacts, nodeOp: NodeOp): void {
    const { log, telemetry } = this.#deps;
    const { namespace = '', name = '' } = nodeOp.metadata;
    this.#created.set(path, { nodeOp, at: this.#deps.clock.steady() });
    log.info({ run: path, nodeOp: `${namespace}/${name}` }, 'run started');
    const queuedAt = this.#queued.get(path);
    telemetry.queued(queuedAt === undefined ? 0 : (this.#deps.clock.steady() - queuedAt) / 1000);
    this.#queued.delete(path);
  }

  /** Says that the NodeOp is its run's own, before which the controller does not begin it. */
  async #vouch(nodeOp: NodeOp): Promise<void> {
    if (this.#deps.config.rollout.executor === 'external') return;
    // The version makes it a word on the very object that was judged.
    const { uid, resourceVersion } = nodeOp.metadata;
    await this.#patch(nodeOp, { metadata: { resourceVersion, annotations: { [ANNOTATION_UID]: uid } } });
  }

  #isOf(run: RunFacts, nodeOp: NodeOp): boolean {
    const id = nodeOp.metadata.annotations?.[ANNOTATION_RUN];
    return id === runId(this.#deps.layout, run.path) && copyProblem(nodeOp) === undefined;
  }

  async #patch({ metadata: { namespace = '', name = '' } }: NodeOp, patch: object): Promise<void> {
    await this.#deps.store.patch(namespace, name, patch);
  }
}
