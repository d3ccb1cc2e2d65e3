import { FINALIZER, ANNOTATION_SPEC, ANNOTATION_UID } from '../../api/labels.ts';
import {
  isFinalPhase,
  type NodeOp,
  type NodeOpSpec,
  NodeOpSpecSchema,
  type NodeOpStatus,
  NO_IMAGE,
  withImage,
} from '../../api/nodeop.ts';
import type { CheckAccess } from '../../api/check-access.ts';
import { check, formatProblem } from '../../api/schema.ts';
import { barredChecks } from '../../core/checks/barred.ts';
import type { Clock } from '../../core/ports.ts';
import { cancelText } from '../../core/holds.ts';
import { type Action, actionKey } from '../../core/rollout/actions.ts';
import type { Holder } from '../../core/rollout/cordons.ts';
import { ownerMark, type Refusal as Refused, type Rehearsal } from '../../core/rollout/facts.ts';
import { awaitsRecord, copyProblem } from '../../core/rollout/identity.ts';
import { Memory } from '../../core/rollout/memory.ts';
import { fromRecord, wallOffset } from '../../core/rollout/record.ts';
import { type Refusal, saysRefused } from '../../core/rollout/status.ts';
import { backoffMs } from '../../time/backoff.ts';
import type { StatusPatch } from '../../kube/status-patch.ts';
import type { ExecutionTarget } from '../../kube/executor.ts';

/** So many failures one after the other are told in the status. */
const LASTING = 5;

/** Of an action, since it last succeeded. */
interface Failure {
  count: number;
  until: number;
  text: string;
  /** Since when every answer was a refusal. */
  refusedSince: number | undefined;
  /** The last refusal, if it may be for good. */
  refusal: Refused | undefined;
}

interface FailureFacts {
  text: string;
  /** How long the server asks to be left alone. */
  askedMs: number | undefined;
  isRefusal: boolean;
  /** A refusal by what was asked for, rather than by what ails the server. */
  isForGood: boolean;
}

/** What the configuration says of NodeOps. */
export interface RolloutRules {
  /** For those that name no image. */
  defaultImage?: string | undefined;
  /** Where their checks may send requests; it is not asked when absent. */
  checkAccess?: CheckAccess | undefined;
}

type SpecToCarryOut = { spec: NodeOpSpec; changed: boolean } | { refusal: Refusal };

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
  private readonly failures = new Map<string, Failure>();

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
    return !this.busy.has(key) && (this.failures.get(key)?.until ?? 0) <= clock.steady();
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
    this.failures.delete(key);
    this.touchNodeOf(action);
  }

  /** Answers how long to wait before the next attempt, in milliseconds. */
  failed(action: Action, clock: Clock, { text, askedMs, isRefusal, isForGood }: FailureFacts): number {
    const key = actionKey(action);
    this.busy.delete(key);
    this.touchNodeOf(action);
    const before = this.failures.get(key);
    const count = (before?.count ?? 0) + 1;
    const now = clock.steady();
    const wait = askedMs ?? backoffMs(clock, count - 1);
    const refusedSince = isRefusal ? (before?.refusedSince ?? now) : undefined;
    const refusal = isForGood ? { since: before?.refusal?.since ?? now, at: now, why: text } : undefined;
    this.failures.set(key, { count, until: now + wait, text, refusedSince, refusal });
    return wait;
  }

  private touchNodeOf(action: Action): void {
    if ('node' in action) this.memory.touch(action.node);
  }

  /** Since when the API server has refused an action whenever it was asked; undefined when it did not, or did not answer. */
  refusedSince(key: string): number | undefined {
    return this.failures.get(key)?.refusedSince;
  }

  refusal(key: string): Refused | undefined {
    return this.failures.get(key)?.refusal;
  }

  /** By their keys, the actions that have failed again and again, and why; that one fails once is nobody's concern. */
  troubles(): Map<string, string> {
    const lasting = [...this.failures].filter(([, { count }]) => count >= LASTING);
    return new Map(lasting.map(([key, { text }]) => [key, text]));
  }
}

function readSpec(object: NodeOp, { defaultImage, checkAccess }: RolloutRules): SpecToCarryOut {
  const copied = copyProblem(object);
  if (copied !== undefined) return { refusal: { reason: 'Copied', message: copied } };
  const live = check(NodeOpSpecSchema, withoutNulls(object.spec));
  const record = object.metadata.annotations?.[ANNOTATION_SPEC];
  const recorded = record === undefined ? live : check(NodeOpSpecSchema, parsed(record));
  if (!recorded.ok) {
    const message = recorded.problems.map((problem) => `spec.${formatProblem(problem)}`).join('; ');
    return { refusal: { reason: 'InvalidSpec', message } };
  }
  // What has begun goes on: a check that may not be asked any more fails its step.
  const barred = record === undefined ? barredChecks(recorded.value, checkAccess) : [];
  if (barred.length > 0) {
    const message = barred.map((problem) => `spec.${formatProblem(problem)}`).join('; ');
    return { refusal: { reason: 'InvalidSpec', message } };
  }
  const suspend = live.ok ? live.value.suspend : recorded.value.suspend;
  const spec = withImage({ ...recorded.value, suspend }, defaultImage);
  if (spec === undefined) return { refusal: { reason: 'InvalidSpec', message: `spec.image: ${NO_IMAGE}` } };
  // What stands for a missing image may have been another when it was recorded.
  const now = live.ok ? (withImage(live.value, spec.image) ?? live.value) : undefined;
  return { spec, changed: !isEqual(now, spec) };
}

/** Whatever the order of their fields is. */
function isEqual(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, child]) => [key, sorted(child)]));
}

/** An API server stores the null of a nullable field; it means the same as no field. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([, child]) => child !== null);
  return Object.fromEntries(kept.map(([key, child]) => [key, withoutNulls(child)]));
}

/** The recorded spec; undefined, which no schema takes, when somebody broke it. */
function parsed(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}
