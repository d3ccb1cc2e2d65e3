import { InvalidError } from '../../api/errors.ts';
import type { NodeOp } from '../../api/nodeop.ts';
import { reportPath } from '../../core/runs/paths.ts';
import type { RunAction } from '../../core/runs/plan.ts';
import type { Logger } from '../logger.ts';
import type { Baseline } from './baseline.ts';
import type { Blocked } from './blocked.ts';
import { seenBefore } from './history.ts';
import type { Ledger } from './ledger.ts';
import type { Snapshot } from './snapshot.ts';
import type { TrackedRepository } from './tracked.ts';

export interface NeverAgainDeps {
  repository: TrackedRepository;
  ledger: Ledger;
  baseline: Baseline;
  blocked: Blocked;
  log: Logger;
}

/** What has begun once, or was there before the agent, is never begun again: this puts it on record in Git. */
export class NeverAgain {
  readonly #deps: NeverAgainDeps;

  constructor(deps: NeverAgainDeps) {
    this.#deps = deps;
  }

  /** What is on record in Git of this cluster as a whole. Returns why nothing can be done here, when that is so. */
  async keep(snapshot: Snapshot, nodeOps: ReadonlyMap<string, NodeOp>): Promise<Snapshot | string> {
    const { ledger, repository, baseline, blocked, log } = this.#deps;
    if (!ledger.isLoaded) return snapshot;
    const { identity, head } = ledger;
    let kept: Snapshot;
    try {
      kept = await baseline.keep(snapshot, nodeOps, { identity, head });
    } catch (error) {
      if (!(error instanceof InvalidError)) throw error;
      blocked.set(error.message);
      return error.message;
    }
    blocked.set(ledger.problem);
    const seen = await seenBefore(repository, kept, head, log);
    const over = seen.filter((path) => !nodeOps.has(path) && !ledger.results.has(path));
    return baseline.passOver(kept, over);
  }

  /** At once, not with the next report: a restart may find less of it in the history. */
  async passOver(snapshot: Snapshot, nodeOps: ReadonlyMap<string, NodeOp>): Promise<Snapshot> {
    const { repository, baseline } = this.#deps;
    const { begun, moved, reports } = snapshot;
    const isUnreported = (it: string) => !nodeOps.has(it) && !reports.has(reportPath(repository.layout, it));
    return baseline.passOver(snapshot, [...[...begun].filter(isUnreported), ...moved.keys()]);
  }

  /**
   * A report that ever told of a start is no new chance, whatever people made of it since. What began before there was a
   * record in the cluster stands in no other place; from now on it does.
   */
  async without(actions: readonly RunAction[], snapshot: Snapshot): Promise<RunAction[]> {
    const { repository, ledger, log } = this.#deps;
    const again = actions.flatMap(({ type, run }) => (type === 'create' && run.report ? [run.path] : []));
    const begun = again.length === 0 ? [] : await repository.snapshots.past.begun(snapshot, again);
    if (begun.length === 0) return [...actions];
    log.warn({ runs: begun }, 'reports were changed; their runs are not carried out again');
    await ledger.add(new Map(begun.map((path) => [path, undefined])));
    return actions.filter(({ run }) => !begun.includes(run.path));
  }
}
