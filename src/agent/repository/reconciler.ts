import { InvalidError } from '../../api/errors.ts';
import type { NodeOp } from '../../api/nodeop.ts';
import { durationMs } from '../../api/schema.ts';
import type { WaitingRun } from '../../core/runs/ledger.ts';
import { planRuns, type RunAction, type RunFacts } from '../../core/runs/plan.ts';
import { treeChanges } from '../../git/trees.ts';
import type { Ledger } from './ledger.ts';
import type { Publisher } from './publisher.ts';
import { rooms, type ReconcilerDeps, type Rooms } from './rooms.ts';
import type { Snapshot } from './snapshot.ts';
import type { TrackedRepository } from './tracked.ts';

/** What a pass leaves behind. */
export interface Outcome {
  /** Whether something is still under way. */
  pending: boolean;
  /** When there is something to do again though nothing changes; Infinity when never. */
  lookInMs: number;
  /** Why nothing was done. */
  problem?: string;
}

/** The branches as they are decided by. */
interface Sight {
  /** As they were when it began. */
  judged: Snapshot;
  /** How often others had pushed in between by then. */
  overtaken: number;
  /** With what was put on record since. */
  snapshot: Snapshot;
  /** Why nothing can be reported now. */
  away: unknown;
  /** Why it cannot be told now which reports are to be believed. */
  doubt: unknown;
  /** What has to be told once everything else is done. */
  trouble: unknown;
}

interface Planned {
  snapshot: Snapshot;
  planned: readonly RunAction[];
}

/**
 * One look at the branches and the cluster, and what is missing done. It remembers nothing that matters, so it may be
 * killed and started anywhere.
 */
export class Reconciler {
  readonly #deps: ReconcilerDeps;
  readonly #rooms: Rooms;
  #toldProblem = '';

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
    this.#rooms = rooms(deps);
  }

  get repository(): TrackedRepository {
    return this.#rooms.repository;
  }

  get publisher(): Publisher {
    return this.#rooms.publisher;
  }

  get ledger(): Ledger {
    return this.#rooms.ledger;
  }

  /** Why nothing begins in this cluster, though the repository can be used. */
  get blocked(): string | undefined {
    return this.#rooms.blocked.reason;
  }

  /** Whether the record in the cluster cannot be used. */
  get lacksRecord(): boolean {
    return this.blocked !== undefined && !this.ledger.isLoaded;
  }

  /** Runs that wait, as of the last look. */
  get waiting(): readonly WaitingRun[] {
    return this.#rooms.record.waiting;
  }

  /** Whether the NodeOp may go without its result being lost. */
  isRecorded(uid: string): boolean {
    return this.#rooms.record.has(uid);
  }

  /** Whether statuses may be of the past, so that nothing is done by them yet. */
  get mayBeRestored(): boolean {
    return this.#rooms.restored.isDue;
  }

  /** @param fetch whether to ask the remotes what is new */
  async reconcile(fetch: boolean): Promise<Outcome> {
    const { executor, record, repository } = this.#rooms;
    const nodeOps = executor.nodeOps();
    await record.load(nodeOps);
    try {
      const outcome = await this.#look(fetch, nodeOps);
      if (outcome.problem !== undefined) await record.keepResults(nodeOps);
      return outcome;
    } catch (error) {
      repository.mirror.blame(error);
      this.#deps.signal.throwIfAborted();
      await record.keepResults(nodeOps);
      throw error;
    }
  }

  async #look(fetch: boolean, nodeOps: Map<string, NodeOp>): Promise<Outcome> {
    const { repository } = this;
    const isDue = fetch || repository.tip === undefined || repository.rewoundMs === 0;
    const unfetched = isDue ? await repository.fetch() : undefined;
    const { problem, rewoundMs } = repository;
    this.#tellProblem(problem);
    if (problem !== undefined) {
      await this.#hearBrake();
      return { pending: rewoundMs !== undefined, lookInMs: rewoundMs ?? Infinity, problem };
    }
    const seen = await this.#see(unfetched);
    const sight = seen.away ? seen : await this.#bringUpToDate(seen, nodeOps);
    if (!('judged' in sight)) return sight;
    return this.#carryOut(sight, await this.#plan(sight, nodeOps), nodeOps);
  }

  /** @param unfetched why the remotes could not be asked */
  async #see(unfetched: unknown): Promise<Sight> {
    const { repository } = this;
    const { overlooked } = this.#rooms;
    const notPutBack = unfetched === undefined ? await this.#putBack() : undefined;
    const judged = await this.#read();
    const doubt = notPutBack ?? judged.damage;
    const away = unfetched ?? doubt;
    const { overtaken } = repository;
    // Before anything else: whoever brakes is heard first.
    await this.#hear(judged);
    await overlooked.look(judged);
    return { judged, overtaken, snapshot: judged, away, doubt, trouble: away };
  }

  async #read(): Promise<Snapshot> {
    const { repository } = this;
    const { tip } = repository;
    try {
      return await repository.look();
    } catch (error) {
      // What people broke is no reason not to hear those who brake.
      if (error instanceof InvalidError && tip !== undefined) await this.#hear({ tip });
      throw error;
    }
  }

  /** Whoever puts the file on a branch that is not believed yet means it all the same. */
  async #hearBrake(): Promise<void> {
    const tip = await this.repository.mirror.runs.tip();
    const reason = tip === undefined ? undefined : await this.#rooms.holdFile.brake(tip);
    if (reason !== undefined) this.#deps.holds.set('repository', reason);
  }

  async #hear(tip: Pick<Snapshot, 'tip' | 'since'>): Promise<void> {
    const { ledger } = this;
    const { holdFile } = this.#rooms;
    if (ledger.isLoaded) holdFile.recall(ledger.head.heldAt);
    this.#deps.holds.set('repository', await holdFile.reason(tip));
  }

  /** Puts on record in Git what has to stand there before anything is decided. */
  async #bringUpToDate(seen: Sight, nodeOps: Map<string, NodeOp>): Promise<Sight | Outcome> {
    const { neverAgain, scheduled, repository, publisher } = this.#rooms;
    const kept = await neverAgain.keep(seen.snapshot, nodeOps);
    if (typeof kept === 'string') return { pending: false, lookInMs: Infinity, problem: kept };
    let trouble: unknown;
    try {
      await scheduled.add(kept);
    } catch (error) {
      // The branch of the runs may refuse what the one of the results takes.
      this.#deps.signal.throwIfAborted();
      trouble = error;
    }
    // What others pushed meanwhile is not decided by either.
    const doubt = await this.#putBack();
    const snapshot = await repository.read();
    if (!doubt) await publisher.tellFirst(snapshot);
    return { ...seen, snapshot, away: doubt, doubt, trouble };
  }

  /** What to do about all runs. */
  async #plan(sight: Sight, nodeOps: Map<string, NodeOp>): Promise<Planned> {
    const { config, store, holds, now } = this.#deps;
    const { copies, facts, neverAgain, executor, nodeLogs, ledger, restored } = this.#rooms;
    const { away, doubt } = sight;
    if (doubt === undefined) await copies?.refuse(sight.snapshot, nodeOps);
    if (away === undefined) await restored.catchUp(sight.snapshot, nodeOps);
    const read = await facts.read(sight.snapshot, nodeOps);
    const isKept = !away && ledger.isLoaded;
    const snapshot = isKept ? await neverAgain.passOver(sight.snapshot, nodeOps) : sight.snapshot;
    const { maxConcurrent, maxAge } = config.runs;
    const planned = planRuns(
      read.map((run) => this.#withRefusal(run)),
      now(),
      {
        maxConcurrent,
        blocked: this.blocked,
        obstacle: store.obstacle?.(),
        held: holds.text,
        maxAgeMs: durationMs(maxAge),
      },
    );
    const underWay = new Set(planned.map(({ run }) => run.path));
    executor.retain(underWay);
    nodeLogs.retain(underWay);
    return { snapshot, planned };
  }

  async #carryOut(
    { away, judged, overtaken, trouble }: Sight,
    { snapshot, planned }: Planned,
    nodeOps: ReadonlyMap<string, NodeOp>,
  ): Promise<Outcome> {
    const { carryOut, neverAgain, publisher, record, repository } = this.#rooms;
    const isAway = away !== undefined;
    const actions = planned.filter(({ type }) => this.#mayAct(type, { isAway, snapshot }));
    const acted = await carryOut.act(await neverAgain.without(actions, snapshot), snapshot);
    const { news, starts, failed } = acted;
    const dueMs = await publisher.publish({ ...news, isUrgent: starts.length > 0 }, snapshot);
    if (away) throw away;
    await record.published(planned, { nodeOps, failed }, snapshot);
    // What others pushed meanwhile may say otherwise, and is read first: the file is gone, say, or all is held.
    const isOvertaken =
      starts.length > 0 && repository.overtaken > overtaken && (await this.#hasNews(judged));
    if (isOvertaken) return { pending: true, lookInMs: 0 };
    const begun = await carryOut.begin(starts, snapshot);
    if (trouble !== undefined) throw trouble;
    return {
      pending: acted.pending || begun.pending || dueMs !== undefined,
      lookInMs: Math.min(acted.lookInMs, begun.lookInMs, dueMs ?? Infinity),
    };
  }

  /** Whether anything was pushed since that has a say in what begins. */
  async #hasNews(judged: Snapshot): Promise<boolean> {
    const { mirror, layout } = this.repository;
    const now = await this.repository.read();
    const changes = await treeChanges(mirror.git, judged.tip, now.tip, [layout.runs, layout.nodeops]);
    const held = await this.#rooms.holdFile.reason(now);
    const isOwn = now.owner === this.ledger.identity;
    const isUncovered = [...(judged.baseline ?? [])].some((it) => now.baseline?.has(it) !== true);
    return isUncovered || changes.length > 0 || held !== this.#deps.holds.current.repository || !isOwn;
  }

  /** @returns why it cannot be told now which reports are to be believed: people can still stop what is under way */
  async #putBack(): Promise<unknown> {
    const { own, ledger } = this.#rooms;
    if (!own || !ledger.isLoaded) return undefined;
    try {
      await own.putBack();
      return undefined;
    } catch (error) {
      this.#deps.signal.throwIfAborted();
      return error;
    }
  }

  /** Once, however the time goes on that it names. */
  #tellProblem(problem: string | undefined): void {
    const told = problem?.split(';', 1)[0] ?? '';
    if (problem !== undefined && this.#toldProblem !== told)
      this.#deps.log.warn({ reason: problem }, 'the branch is not followed now');
    this.#toldProblem = told;
  }

  /** Nothing begins that cannot be reported or put on record, yet people can always stop what is under way. */
  #mayAct(type: RunAction['type'], { isAway, snapshot }: { isAway: boolean; snapshot: Snapshot }): boolean {
    if (type === 'cancel' || type === 'suspend') return true;
    if (isAway) return false;
    if (this.ledger.isLoaded || type === 'follow') return true;
    // What is not known to be passed over is not told of either.
    return type === 'wait' && snapshot.baseline !== undefined;
  }

  #withRefusal(run: RunFacts): RunFacts {
    const refused = this.#rooms.executor.refused(run.path);
    return refused ? { ...run, refused } : run;
  }
}
