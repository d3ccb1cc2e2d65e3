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
import type { Refusal, RunAction, RunFacts, Verdict } from '../../core/runs/plan.ts';
import type { Manifest } from '../../core/runs/prepare.ts';
import type { Logger } from '../logger.ts';
import type { Ledger } from './ledger.ts';
import { Refusals } from './refusals.ts';
import type { ReportBuilder } from './reports.ts';
import type { Snapshot } from './snapshot.ts';

/** After this a created NodeOp that the cache does not have was deleted. */
const CACHE_LAG_MS = 30_000;
/** `awaitsWord`: whoever carries NodeOps out begins none before the agent has said on it that it is on record. */
const EXECUTORS = {
  agent: { awaitsWord: true, cancelled: 'run is cancelled' },
  external: {
    awaitsWord: false,
    cancelled:
      'nothing is stopped: another controller carries the run out, and only deleting the NodeOp would',
  },
} as const;

export interface RunExecutorDeps {
  config: AgentConfig;
  layout: Layout;
  store: NodeOpStore;
  ledger: Ledger;
  reports: ReportBuilder;
  telemetry: Telemetry;
  log: Logger;
  clock: Clock;
  now: () => Date;
}

/** A run whose turn has come. */
export interface Start {
  run: RunFacts;
  manifest: Manifest;
}

/** Does to the cluster what was decided about runs, and reports what came of it. */
export class RunExecutor {
  readonly #deps: RunExecutorDeps;
  /** Created by us and perhaps not in the cache yet. */
  readonly #created = new Map<string, { nodeOp: NodeOp; at: number }>();
  /** Runs that wait for their turn, since when. */
  readonly #queued = new Map<string, number>();

  readonly #refusals: Refusals;

  constructor(deps: RunExecutorDeps) {
    this.#deps = deps;
    this.#refusals = new Refusals(deps.clock);
  }

  /** Forgets what it knows of all other runs. */
  retain(runs: ReadonlySet<string>): void {
    for (const run of this.#queued.keys()) if (!runs.has(run)) this.#queued.delete(run);
    this.#refusals.retain(runs);
    this.#deps.reports.retain(runs);
  }

  refused(path: string): Refusal | undefined {
    return this.#refusals.of(path);
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

  async apply(
    action: Exclude<RunAction, { type: 'create' }>,
    snapshot: Snapshot,
  ): Promise<NodeOpReport | undefined> {
    const { run } = action;
    const { config, reports } = this.#deps;
    const log = this.#deps.log.child({ run: run.path });
    switch (action.type) {
      case 'wait':
        if (run.report?.status.reason !== action.reason) log.info({ reason: action.reason }, 'run waits');
        if (!this.#queued.has(run.path)) this.#queued.set(run.path, this.#deps.clock.steady());
        return reports.ofWait(run, action, snapshot);
      case 'restore':
        return action.report;
      case 'cancel':
        await this.#patch(action.nodeOp, {
          metadata: { annotations: { [ANNOTATION_CANCEL]: action.reason } },
        });
        log.info({ reason: action.reason }, EXECUTORS[config.rollout.executor].cancelled);
        return undefined;
      case 'vouch':
        await this.#vouch(run.path, action.nodeOp);
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
    if (verdict.reason === 'NodeOpDeleted' && namespace !== undefined && name !== undefined) {
      const still = await store.get(namespace, name);
      if (still && this.#isOf(run, still)) return reports.ofNodeOp(run, still);
    }
    return reports.ofVerdict(run, verdict, snapshot, now());
  }

  /**
   * What has to be on the remote before the run begins; undefined when it is there already. Nothing else tells, after a
   * crash, that nobody knows of this run yet.
   */
  announce({ run, manifest }: Start, snapshot: Snapshot): NodeOpReport | undefined {
    const isThere = run.report?.status.phase === 'Pending' && run.report.run.blob === run.file?.blob;
    return isThere ? undefined : this.#deps.reports.ofStart(run, manifest, snapshot);
  }

  /**
   * Makes the NodeOp, and puts it on record that the run began: before that nobody carries it out. Another controller does
   * not wait for that, so there the record comes first.
   * @returns a verdict, or why it waits; undefined when it has begun
   */
  async begin({ run, manifest }: Start, snapshot: Snapshot): Promise<NodeOpReport | undefined> {
    const { config, ledger, reports, now, log } = this.#deps;
    const { path } = run;
    const { awaitsWord } = EXECUTORS[config.rollout.executor];
    if (!awaitsWord) await ledger.add(new Map([[path, undefined]]));
    let nodeOp: NodeOp;
    try {
      const made = await this.#create(run, manifest);
      this.#refusals.forget(path);
      if (Array.isArray(made)) {
        const [reason, problems] = made;
        return reports.ofVerdict(run, { phase: 'Invalid', reason, problems }, snapshot, now());
      }
      this.#started(run, made);
      nodeOp = made;
    } catch (error) {
      if (!this.#refusals.take(path, error)) throw error;
      const message = error instanceof Error ? error.message : String(error);
      log.warn({ run: path, reason: message }, 'NodeOp is refused; other runs go first');
      const text = `the NodeOp could not be created: ${message}`;
      return reports.ofWait(run, { reason: 'NotCreated', message: text }, snapshot);
    }
    await this.#vouch(path, nodeOp);
    return undefined;
  }

  async #create(run: RunFacts, manifest: Manifest): Promise<NodeOp | [reason: string, Problem[]]> {
    const { store } = this.#deps;
    const { name, namespace } = manifest.metadata;
    let nodeOp: NodeOp | 'exists' | undefined;
    try {
      nodeOp = await store.create(manifest);
    } catch (error) {
      if (!(error instanceof InvalidError)) throw error;
      const problems = error.problems.length > 0 ? error.problems : [{ path: [], message: error.message }];
      return ['Rejected', [...problems]];
    }
    if (nodeOp === 'exists') nodeOp = await store.get(namespace, name);
    if (!nodeOp) throw new Error(`NodeOp ${namespace}/${name} exists and then did not`);
    if (this.#isOf(run, nodeOp)) return nodeOp;
    return ['NameClash', [{ path: ['metadata', 'name'], message: nameTaken(nodeOp) }]];
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

  /** Says that the NodeOp is its run's own, before which the controller does not begin it; so that it began is on record first. */
  async #vouch(path: string, nodeOp: NodeOp): Promise<void> {
    await this.#deps.ledger.add(new Map([[path, nodeOp.metadata.uid]]));
    if (!EXECUTORS[this.#deps.config.rollout.executor].awaitsWord) return;
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
