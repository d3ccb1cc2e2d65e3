import type { NodeOp } from '../../api/nodeop.ts';
import type { Clock } from '../../core/ports.ts';
import { type Action, actionKey } from '../../core/rollout/actions.ts';
import { ApiError, isForGood, isRefusal } from '../../kube/api-error.ts';
import type { Executor } from '../../kube/executor.ts';
import type { Logger } from '../logger.ts';
import type { DrainOwners } from './drain-owners.ts';
import { errorText } from './error-text.ts';
import type { Rollout } from './rollout.ts';
import type { Timers } from './timers.ts';

export interface PerformerOptions {
  executor: Pick<Executor, 'execute'>;
  clock: Clock;
  timers: Timers;
  logger: Logger;
  drainOwners: DrainOwners;
  /** Whether a NodeOp that is over may go. */
  mayGo: (nodeOp: NodeOp) => boolean;
  onDone: (rollout: Rollout, action: Action) => void;
  /** An action has failed again and again. */
  onTrouble: (rollout: Rollout, action: Action, why: string) => void;
  /** After each attempt that ended well, and when one that failed may be made again. */
  mark: (uid: string) => void;
}

/** Has actions carried out: each once at a time, and again after a while when it failed. */
export class Performer {
  private readonly options: PerformerOptions;
  private readonly under = new Set<Promise<void>>();

  constructor(options: PerformerOptions) {
    this.options = options;
  }

  /** Nothing is under way. */
  get quiet(): boolean {
    return this.under.size === 0;
  }

  /** Resolves when all that is under way has ended. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.under);
  }

  perform(rollout: Rollout, action: Action): void {
    const { executor, clock, logger, drainOwners, mayGo } = this.options;
    if (action.type === 'release' && !mayGo(rollout.object)) return;
    if (!rollout.mayBegin(actionKey(action), clock)) return;
    rollout.begin(action);
    if (action.type === 'watch-pods') drainOwners.begin(action.node, rollout.uid);
    logger.debug({ nodeOp: rollout.label, ...action }, 'action begins');
    const done = executor
      .execute(action, rollout.target())
      .then(
        () => this.succeeded(rollout, action),
        (error: unknown) => this.failed(rollout, action, error),
      )
      .finally(() => this.under.delete(done));
    this.under.add(done);
  }

  private succeeded(rollout: Rollout, action: Action): void {
    const { logger, onDone, mark } = this.options;
    rollout.succeeded(action);
    logger.info({ nodeOp: rollout.label, ...action }, 'action done');
    onDone(rollout, action);
    mark(rollout.uid);
  }

  private failed(rollout: Rollout, action: Action, error: unknown): void {
    const { clock, timers, logger, mark, onTrouble } = this.options;
    const text = errorText(error);
    const wait = rollout.failed(action, clock, {
      text,
      askedMs: error instanceof ApiError ? error.retryAfterMs : undefined,
      isRefusal: isRefusal(error),
      isForGood: isForGood(error),
      mayComeUntil: error instanceof ApiError ? error.mayComeUntil : undefined,
    });
    const fields = { nodeOp: rollout.label, ...action };
    logger.warn({ ...fields, err: text, retryInMs: Math.round(wait) }, 'action failed');
    if (rollout.failures.becameLasting(actionKey(action))) onTrouble(rollout, action, text);
    timers.set(rollout.uid, actionKey(action), wait, () => mark(rollout.uid));
  }
}
