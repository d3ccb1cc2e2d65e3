import { FINALIZER, ANNOTATION_SPEC, ANNOTATION_UID } from '../../api/labels.ts';
import { isFinalPhase, type NodeOp, type NodeOpStatus } from '../../api/nodeop.ts';
import type { Clock } from '../../core/ports.ts';
import { cancelText } from '../../core/holds.ts';
import { type Action, actionKey } from '../../core/rollout/actions.ts';
import type { Holder } from '../../core/rollout/cordons.ts';
import { ownerMark, type Rehearsal } from '../../core/rollout/facts.ts';
import { awaitsRecord } from '../../core/rollout/identity.ts';
import { Memory } from '../../core/rollout/memory.ts';
import { fromRecord, wallOffset } from '../../core/rollout/record.ts';
import { saysRefused } from '../../core/rollout/refusal.ts';
import type { StatusPatch } from '../../kube/status-patch.ts';
import type { ExecutionTarget } from '../../kube/executor.ts';
import { type FailureFacts, Failures } from './failures.ts';
import { readSpec, type RolloutRules, type SpecToCarryOut } from './spec.ts';

/**
 * What the controller remembers of one NodeOp between two looks: the status as decided and as written (its times on the steady clock),
 * and which actions are under way. All of it can be rebuilt from the cluster.
 */
export class Rollout {
  readonly uid: string;
  /** On the steady clock. */
  private readonly seenAt: number;
  private readonly clock: Clock;
  private readonly rules: RolloutRules;
  private readonly onPutBack: (uid: string) => void;
  object: NodeOp;
  status: NodeOpStatus;
  /** The status as the API server has it. */
  persisted: NodeOpStatus;
  /** As this process found it, or as it was put on record by another one meanwhile. */
  found: NodeOpStatus;
  /** How far the wall clock was ahead when the steps were put on record. */
  recordedAt: number;
  writing = false;
  /** On the steady clock, as `writeDue`. */
  lastWrite = 0;
  /** When the next write is planned for. */
  writeDue = 0;
  writeFailures = 0;
  /** Something since the last write waits for the next one. */
  isUrgent = false;
  /** Milliseconds the last write took. */
  writeTook = 0;
  /** The status as the API server last answered it to this agent. */
  answered: NodeOpStatus | undefined;
  /** Asked for again by the next process, if nothing has begun by then. */
  rehearsal: Rehearsal | undefined;
  private cancelSeenAt: number | undefined;
  private read: { object: NodeOp; from: string; found: SpecToCarryOut } | undefined;
  /** What is kept between two looks at it. */
  readonly memory = new Memory();
  private readonly busy = new Set<string>();
  readonly failures = new Failures();

  /** @param onPutBack told when another status has taken the place of this agent's own */
  constructor(
    object: NodeOp,
    clock: Clock,
    rules: RolloutRules = {},
    onPutBack: (uid: string) => void = () => {},
  ) {
    this.onPutBack = onPutBack;
    this.rules = rules;
    this.clock = clock;
    this.seenAt = clock.steady();
    this.uid = object.metadata.uid ?? '';
    this.object = object;
    this.status = this.recorded(object);
    this.persisted = this.status;
    this.found = this.status;
    this.answered = object.status;
    this.recordedAt = wallOffset(clock.wall(), clock.steady());
  }

  get label(): string {
    return `${this.object.metadata.namespace}/${this.object.metadata.name}`;
  }

  get adopted(): boolean {
    const { annotations = {} } = this.object.metadata;
    const isOwn = annotations[ANNOTATION_UID] === this.uid;
    return this.finalized && isOwn && annotations[ANNOTATION_SPEC] !== undefined;
  }

  /** It is kept from going until what it left behind is undone. */
  get finalized(): boolean {
    return this.object.metadata.finalizers?.includes(FINALIZER) === true;
  }

  /** Nothing is left to do, write or undo. */
  get settled(): boolean {
    const { generation } = this.object.metadata;
    const answered = this.persisted.observedGeneration === generation;
    const written = !this.writing && this.status === this.persisted;
    const found = this.spec();
    const told = !('refusal' in found) || saysRefused(this.persisted, found.refusal.reason);
    return isFinalPhase(this.persisted.phase) && told && answered && !this.finalized && written;
  }

  /** The object as a watch tells of it. */
  take(object: NodeOp): void {
    this.object = object;
    if (!this.writing) this.startFrom(object);
  }

  /**
   * The status is this agent's own to write. When somebody else has written it all the same (an agent that led before, and
   * whose write was late), what is on record counts, as after a restart.
   */
  startFrom(object: NodeOp): void {
    if (object.status === this.answered) return;
    const isOwn = JSON.stringify(object.status) === JSON.stringify(this.answered);
    this.answered = object.status;
    if (isOwn) return;
    this.onPutBack(this.uid);
    this.persisted = this.recorded(object);
    this.status = this.persisted;
    this.found = this.persisted;
    this.recordedAt = wallOffset(this.clock.wall(), this.clock.steady());
  }

  /** The status as it is now; no later look changes it. */
  heldStatus(): NodeOpStatus {
    this.memory.share();
    return this.status;
  }

  /** The API server has this status, after a write of what it lacked. */
  recordedAs(status: NodeOpStatus, { nodeStatuses }: StatusPatch = {}): void {
    this.persisted = status;
    for (const node of Object.keys(nodeStatuses ?? {})) this.memory.touch(node);
  }

  get awaitsRecordSince(): number | undefined {
    if (!awaitsRecord(this.object)) return undefined;
    return this.seenAt;
  }

  private recorded({ status = {} }: NodeOp): NodeOpStatus {
    const now = this.clock.steady();
    return fromRecord(status, wallOffset(this.clock.wall(), now), now);
  }

  get deleted(): boolean {
    return this.object.metadata.deletionTimestamp !== undefined;
  }

  get cancelled(): string | undefined {
    if (this.deleted) return 'the NodeOp was deleted';
    return cancelText(this.object);
  }

  /** When people were first seen to want it to stop; one that was asked before this process began is on record. */
  cancelledAt(now: number): number | undefined {
    if (this.cancelled === undefined) return undefined;
    const record = this.persisted.conditions?.find(({ type }) => type === 'Cancelled');
    this.cancelSeenAt ??= Math.min(now, Date.parse(record?.lastTransitionTime ?? '') || now);
    return this.cancelSeenAt;
  }

  /** The spec to carry out: the recorded one with the live `suspend`; or what is wrong with it. */
  spec(): SpecToCarryOut {
    const { object } = this;
    if (this.read?.object === object) return this.read.found;
    // All that it is read from.
    const from = JSON.stringify([object.spec, object.metadata.annotations, object.status?.startedAt]);
    // The very same spec as long as it says the same: most changes are those of the status.
    const found = this.read?.from === from ? this.read.found : readSpec(object, this.rules);
    this.read = { object, from, found };
    return found;
  }

  /** With the spec to carry out; the live one, which no action then reads, when that is invalid. */
  target(): ExecutionTarget {
    const { namespace = 'default', name = '' } = this.object.metadata;
    const found = this.spec();
    const spec = 'spec' in found ? found.spec : this.object.spec;
    return { namespace, name, uid: this.uid, object: this.object, spec, rehearsal: this.rehearsal };
  }

  /** As the other NodeOps see it. */
  holder(): Holder {
    const { namespace = 'default', name = '' } = this.object.metadata;
    const { uid, status, persisted, deleted } = this;
    const found = this.spec();
    return {
      namespace,
      name,
      uid,
      status,
      persisted,
      deleted,
      spec: 'spec' in found ? found.spec : undefined,
    };
  }

  /** Its mark on nodes that it cordoned. */
  get mark(): string {
    return ownerMark(this.holder());
  }

  /** Whether an action may begin now: not under way, and not waiting after a failed attempt. */
  mayBegin(key: string, clock: Clock): boolean {
    return !this.busy.has(key) && !this.failures.waits(key, clock);
  }

  /** Keys of the actions under way. */
  get underWay(): ReadonlySet<string> {
    return this.busy;
  }

  begin(action: Action): void {
    this.busy.add(actionKey(action));
    this.touchNodeOf(action);
  }

  succeeded(action: Action): void {
    const key = actionKey(action);
    this.busy.delete(key);
    this.failures.forget(key);
    this.touchNodeOf(action);
  }

  /** Answers how long to wait before the next attempt, in milliseconds. */
  failed(action: Action, clock: Clock, facts: FailureFacts): number {
    const key = actionKey(action);
    this.busy.delete(key);
    this.touchNodeOf(action);
    return this.failures.add(key, clock, facts);
  }

  private touchNodeOf(action: Action): void {
    if ('node' in action) this.memory.touch(action.node);
  }
}
