import type { NodeOp, NodeOpStatus, NodeStatus } from '../../api/nodeop.ts';
import type { Clock } from '../../core/ports.ts';
import { toRecord, wallOffset } from '../../core/rollout/record.ts';
import { isApiError } from '../../kube/api-error.ts';
import type { KubeClient } from '../../kube/client.ts';
import { NODEOPS } from '../../kube/resources.ts';
import { type StatusPatch, statusPatch } from '../../kube/status-patch.ts';
import type { WatchCache } from '../../kube/watch.ts';
import { backoffMs } from '../../time/backoff.ts';
import type { Logger } from '../logger.ts';
import type { Rollout } from './rollout.ts';
import type { Timers } from './timers.ts';
import { own } from '../../api/own.ts';

export interface StatusWriterOptions {
  client: Pick<KubeClient, 'patch'>;
  cache: Pick<WatchCache<NodeOp>, 'put' | 'reread'>;
  clock: Clock;
  timers: Timers;
  logger: Logger;
  /** After each attempt; `before`: what was on record until then. */
  onDone: (rollout: Rollout, before: NodeOpStatus) => void;
  /** The API server admits no write to this object. */
  onRefused: (rollout: Rollout, why: string) => void;
}

/** Between the beginnings of two writes, and between two when the rollout waits for the write. */
const WRITE_MS = 1_000;
const URGENT_WRITE_MS = 50;
/**
 * A large status takes the API server seconds. It is busy with it for no more than an eighth of the time, half of it
 * where the rollout waits, and people see how things stand half a minute late at most.
 */
const SHARE = 8;
const URGENT_SHARE = 2;
const LONGEST_GAP_MS = 30_000;

/** A clock that is only kept exact moves by less. */
const SET_MS = 2_000;

/**
 * Whether the news is written at once rather than with the next write a second later: the targets, the phase of the whole
 * and of its steps, and what a node waits for, the boot ID on record before its reboot.
 */
export function isUrgent(
  from: NodeOpStatus,
  to: NodeOpStatus,
  changed: ReadonlyMap<string, NodeStatus>,
): boolean {
  if (from.phase !== to.phase) return true;
  const { steps = [] } = from;
  if (to.steps !== from.steps && to.steps?.some(({ phase }, i) => phase !== steps[i]?.phase) === true)
    return true;
  return [...changed].some(
    ([name, was]) => was.phase !== 'Rebooting' && own(to.nodeStatuses, name)?.phase === 'Rebooting',
  );
}

/** Writes statuses, one write at a time for each NodeOp, with all the news there is by then. */
export class StatusWriter {
  private readonly options: StatusWriterOptions;
  private readonly under = new Set<Promise<void>>();
  private stopped = false;

  constructor(options: StatusWriterOptions) {
    this.options = options;
  }

  /** To be called after each look. */
  plan(rollout: Rollout): void {
    const isNews = rollout.status !== rollout.persisted || this.isMisdated(rollout);
    if (rollout.writing || !isNews || this.stopped) return;
    const { clock, timers } = this.options;
    const now = clock.steady();
    const due = Math.max(now, rollout.lastWrite + this.gap(rollout));
    if (timers.has(rollout.uid, 'status') && rollout.writeDue <= due) return;
    rollout.writeDue = due;
    timers.set(rollout.uid, 'status', due - now, () => {
      const before = rollout.persisted;
      const done = this.write(rollout).finally(() => {
        this.under.delete(done);
        this.options.onDone(rollout, before);
      });
      this.under.add(done);
    });
  }

  /** Somebody has set the clock while a step soaks: the next process would take the soak for longer or shorter than it was. */
  private isMisdated({ status, recordedAt }: Rollout): boolean {
    if (status.steps?.some(({ phase }) => phase === 'Soaking' || phase === 'Checking') !== true) return false;
    return Math.abs(this.offset() - recordedAt) > SET_MS;
  }

  private offset(): number {
    const { clock } = this.options;
    return wallOffset(clock.wall(), clock.steady());
  }

  /** No write is under way. */
  get quiet(): boolean {
    return this.under.size === 0;
  }

  /** Begins no further write, and waits for those under way. */
  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.allSettled(this.under);
  }

  private gap({ isUrgent: urgent, writeFailures, writeTook }: Rollout): number {
    if (writeFailures > 0) return backoffMs(this.options.clock, writeFailures - 1);
    const grown = writeTook * (urgent ? URGENT_SHARE : SHARE);
    return Math.max(urgent ? URGENT_WRITE_MS : WRITE_MS, Math.min(grown, LONGEST_GAP_MS));
  }

  private async write(rollout: Rollout): Promise<void> {
    const { clock, logger, onRefused } = this.options;
    const status = rollout.heldStatus();
    const news = statusPatch(rollout.persisted, status);
    const patch = this.isMisdated(rollout) ? { ...news, steps: status.steps } : news;
    rollout.lastWrite = clock.steady();
    rollout.writing = true;
    const { isUrgent: urgent } = rollout;
    rollout.isUrgent = false;
    try {
      if (patch === undefined) rollout.recordedAs(status);
      else await this.send(rollout, patch, status);
      rollout.writeFailures = 0;
    } catch (error) {
      rollout.isUrgent ||= urgent;
      if (!isApiError(error, 404)) rollout.writeFailures += 1;
      const why = error instanceof Error ? error.message : String(error);
      if (isApiError(error, 422)) onRefused(rollout, why);
      logger.warn({ nodeOp: rollout.label, err: why }, 'status not written');
      if (isApiError(error, 409)) await this.catchUp(rollout);
    } finally {
      rollout.writing = false;
      rollout.writeTook = clock.steady() - rollout.lastWrite;
      // What a watch told of meanwhile was put off.
      rollout.startFrom(rollout.object);
    }
  }

  /** The version keeps the write of an agent that leads no more, and is late, from landing over those of the next. */
  private async send(rollout: Rollout, patch: StatusPatch, status: NodeOpStatus): Promise<void> {
    const { client, cache } = this.options;
    const { name = '', namespace, resourceVersion } = rollout.object.metadata;
    const offset = this.offset();
    const body = { metadata: { resourceVersion }, status: toRecord(patch, offset) };
    const options = { namespace, subresource: 'status' };
    const answer = await client.patch<NodeOp>(NODEOPS, name, body, options);
    // Before the cache tells of it, so that the next look sees what is on record.
    rollout.recordedAs(status, patch);
    if ('steps' in patch) rollout.recordedAt = offset;
    rollout.answered = answer.status;
    cache.put(answer);
  }

  /** Somebody else has changed the object meanwhile: the next write starts from what is there. */
  private async catchUp(rollout: Rollout): Promise<void> {
    const { name = '', namespace } = rollout.object.metadata;
    try {
      const fresh = await this.options.cache.reread(name, namespace);
      if (fresh?.metadata.uid === rollout.uid) rollout.startFrom(fresh);
    } catch (error) {
      this.options.logger.warn({ nodeOp: rollout.label, err: String(error) }, 'status not read');
    }
  }
}
