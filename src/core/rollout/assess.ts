import { isFinalNodePhase, type NodeStatus } from '../../api/nodeop.ts';
import { spoken } from '../text/table.ts';
import { type Action, actionKey } from './actions.ts';
import { isOnRecord, stands } from './anew.ts';
import { isKept } from './cordons.ts';
import { comingUntil, deletions, type Making } from './ending.ts';
import { type NodeFacts, ownerMark, type PodFacts, type RolloutFacts, type WorkFacts } from './facts.ts';
import { begin, startedOn, step } from './node.ts';
import { append, fail, type NodeContext, note, remark } from './node-status.ts';
import { hasEnded, isConfirmed } from './phases/phase.ts';
import { isOverdue, unreadable } from './phases/refused.ts';

/** What a look finds of one node, beside its entry. It stays true until the node is touched, or its time comes. */
export interface Assessment {
  actions: readonly Action[];
  /** To be done after all else: what a final verdict has left behind. */
  undoing: readonly Action[];
  /** How many things have to be undone before the rollout may end. */
  toUndo: number;
  /** Why they are not. */
  trouble: string | undefined;
  /** What the node in flight waits for. */
  waitsFor: string | undefined;
  /** It keeps the next node from being begun. */
  holdsSlot: boolean;
  /** It does so until the verdict on it is on record. */
  awaitsRecord: boolean;
  /** It does so until it has been Ready for long enough. */
  isSoaking: boolean;
  countsAsFailed: boolean;
  /** It was done and is not Ready since. */
  isAway: boolean;
  /** It was done, and the node is there no more. */
  isGone: boolean;
  /** It was done and has not been Ready for too long since. */
  isLost: boolean;
  /** When time alone changes something; Infinity when it does not. */
  wakeAt: number;
  /** There is anything to be told or done. */
  isNotable: boolean;
}

const AFTER_DRAIN: ReadonlySet<NodeStatus['phase']> = new Set(['Running', 'Rebooting', 'Postflight']);
/** Only the mark is left to be taken off: a cordon that comes later is not its own. */
export const DISOWNED = 'somebody else uncordoned it: disowned';
const STAYS_CORDONED = 'the node stays cordoned';
const IS_UNCORDONED = 'it is uncordoned, since its NodeOp is deleted';

/**
 * Looks at one node: moves it when it is in flight, and sees what a verdict has left behind.
 * @param hasItsTurn no step is before it that is not passed yet
 */
export function assess(
  ctx: NodeContext,
  name: string,
  status: NodeStatus,
  hasItsTurn: boolean,
): [NodeStatus, Assessment] {
  return new NodeLook(ctx, name, status, hasItsTurn).take();
}

/** Begins a node in its turn. */
export function start(ctx: NodeContext, node: NodeFacts, status: NodeStatus): [NodeStatus, Assessment] {
  return assess(ctx, node.name, begin(ctx, status, node), true);
}

class NodeLook {
  private readonly ctx: NodeContext;
  private readonly name: string;
  private readonly node: NodeFacts | undefined;
  private readonly work: WorkFacts | undefined;
  private readonly hasItsTurn: boolean;
  private status: NodeStatus;
  private readonly actions: Action[] = [];
  private readonly undoing: Action[] = [];
  private toUndo = 0;
  private trouble: string | undefined;
  private waitsFor: string | undefined;
  private awaitsRecord = false;
  private isSoaking = false;
  private isAway = false;
  private isGone = false;
  private isLost = false;
  private wakeAt = Infinity;

  constructor(ctx: NodeContext, name: string, status: NodeStatus, hasItsTurn: boolean) {
    this.hasItsTurn = hasItsTurn;
    this.ctx = ctx;
    this.name = name;
    this.node = ctx.facts.nodes.get(name);
    this.work = ctx.facts.work.get(name);
    this.status = status;
  }

  take(): [NodeStatus, Assessment] {
    this.advance();
    // A verdict that stands counts before the last of what was started is gone: nothing begins in the meantime.
    const hasFailed = (this.status.ending?.phase ?? this.status.phase) === 'Failed';
    this.isLost = this.hasBeenLost();
    const holdsSlot = this.takesSlot();
    this.undo();
    const { actions, undoing, toUndo, trouble, waitsFor, isAway, isGone, isLost, wakeAt } = this;
    const { awaitsRecord, isSoaking } = this;
    const asks = actions.length + undoing.length + toUndo > 0;
    const stays = isAway || isGone || isLost || awaitsRecord || isSoaking;
    const isNotable = asks || waitsFor !== undefined || stays || wakeAt !== Infinity;
    const countsAsFailed = hasFailed || isLost;
    const found = { actions, undoing, toUndo, trouble, waitsFor, isAway, isGone, isLost, wakeAt };
    return [this.status, { ...found, holdsSlot, awaitsRecord, isSoaking, countsAsFailed, isNotable }];
  }

  private get facts(): RolloutFacts {
    return this.ctx.facts;
  }

  private get isCordonedByIt(): boolean {
    return this.node?.cordonedBy !== undefined && this.node.cordonedBy === ownerMark(this.facts);
  }

  /** Before its command it cordons the node again; the mark also says until then that it has begun. */
  private get isUncordonedByOthers(): boolean {
    const { status, facts, node } = this;
    const isDone = AFTER_DRAIN.has(status.phase) || isKept(facts.spec, status);
    return isDone && this.isCordonedByIt && node?.unschedulable === false;
  }

  /** Moves a node in flight. */
  private advance(): void {
    const before = this.status;
    if (isFinalNodePhase(before.phase)) return;
    if (before.phase !== 'Pending') this.move(before);
    else if (!this.node) this.status = fail(this.ctx, before, 'node is gone');
    // Work found without a record is ours from before a crash: the node was started.
    else if (this.wasStarted()) this.move(begin(this.ctx, before, this.node));
    this.explainCordon();
  }

  /** A node that failed just now and stays cordoned says so: nothing else would tell why it takes no pods. */
  private explainCordon(): void {
    if (!this.isCordonedByIt || !isKept(this.facts.spec, this.status)) return;
    const { deleted } = this.facts;
    const said = append(this.ctx, this.status, deleted ? IS_UNCORDONED : STAYS_CORDONED);
    // Of thousands the last ones have no room to say so; the mark on the node tells then.
    this.status = said === this.status || deleted ? said : { ...said, cordoned: true };
  }

  /**
   * Before its step has its turn only what its command may have come to counts: a cordon or a preflight, of a record that somebody
   * put an older one in the place of, must not lead to a command.
   */
  private wasStarted(): boolean {
    const { job, preflight, reboot, postflight } = this.work ?? {};
    if ((job ?? reboot ?? postflight) !== undefined) return true;
    return this.hasItsTurn && (preflight !== undefined || this.isCordonedByIt);
  }

  private move(before: NodeStatus): void {
    const result = step(this.ctx, this.name, before);
    const trouble = this.troubleOf(result.actions);
    const waitsFor = trouble ?? result.waitsFor;
    if (!isFinalNodePhase(result.status.phase)) this.waitsFor = waitsFor;
    this.status = trouble === undefined ? result.status : note(this.ctx, result.status, trouble);
    this.actions.push(...result.actions);
    this.look(result.lookAgainAt);
  }

  /** What keeps a node where it is: the API server will not have what is to be done next. */
  private troubleOf(actions: readonly Action[]): string | undefined {
    for (const action of actions) {
      const why = this.facts.troubles.get(actionKey(action));
      if (why !== undefined) return `${action.type} keeps failing: ${why}`;
    }
    return undefined;
  }

  private look(at: number | undefined): void {
    if (at !== undefined && at > this.ctx.now) this.wakeAt = Math.min(this.wakeAt, at);
  }

  private takesSlot(): boolean {
    const { status, node } = this;
    if (!isFinalNodePhase(status.phase)) return status.phase !== 'Pending';
    // Whoever leads next may judge otherwise, and would work on it beside the one that has its place.
    this.awaitsRecord = status.startedAt !== undefined && !stands(this.ctx, this.name, status);
    return this.hasToStayReady(node) || this.awaitsRecord;
  }

  private hasToStayReady(node: NodeFacts | undefined): boolean {
    const { status } = this;
    if (status.phase !== 'Completed' || status.jobName === undefined) return false;
    this.isGone = node === undefined;
    if (!node) return false;
    this.isAway = !node.ready;
    if (this.isAway) return true;
    const { soakSeconds } = this.facts.spec;
    if (soakSeconds === 0) return false;
    const until = this.sinceDone(node) + soakSeconds * 1000;
    this.look(until);
    // What it is counted from is not the same any more once that is lost.
    this.isSoaking = this.ctx.now < until || !isOnRecord(this.facts, this.name, status.phase);
    return this.isSoaking;
  }

  /** Since when a finished node is Ready, or is not. */
  private sinceDone({ readySince = 0 }: NodeFacts): number {
    return Math.max(Date.parse(this.status.finishedAt ?? '') || 0, readySince);
  }

  /** A node that was done and is not Ready for too long counts as one that failed; the verdict on it stays. */
  private hasBeenLost(): boolean {
    const { status, node } = this;
    if (status.phase !== 'Completed' || status.jobName === undefined || !node || node.ready) return false;
    const seconds = this.facts.spec.nodeReadyTimeoutSeconds;
    const at = this.sinceDone(node) + seconds * 1000;
    this.look(at);
    if (this.ctx.now < at) return false;
    const ask = unlessConfirmed(this.ctx, this.name, at);
    if (ask !== undefined) {
      this.actions.push(ask);
      return false;
    }
    this.status = remark(this.ctx, status, `not Ready for ${spoken(seconds)} since it was done`);
    return true;
  }

  /** Verdicts that are final leave things behind: a cordon after a failed drain, a preflight pod. */
  private undo(): void {
    const isOver = isFinalNodePhase(this.status.phase);
    if (isOver && this.isCordonedByIt && !isKept(this.facts.spec, this.status)) {
      const action = letGo(this.facts, this.name, 'the node failed and is left as it was found');
      this.mustBeDone(action);
      const trouble = this.troubleOf([action]);
      if (trouble !== undefined) this.trouble = `${this.name}: ${trouble}`;
    }
    if (this.isUncordonedByOthers) {
      this.actions.push({ type: 'uncordon', node: this.name, reason: DISOWNED });
    }
    if (this.work !== undefined) this.tidy(this.work, isOver);
  }

  /** Before the rollout may end, unless the API server refuses it for good; it is tried all the same. */
  private mustBeDone(action: Action): void {
    this.undoing.push(action);
    if (!isOverdue(this.facts, this.ctx.now, action)) this.toUndo += 1;
  }

  private tidy(work: WorkFacts, isOver: boolean): void {
    const { name, status } = this;
    // Carried out late, after the verdict.
    const late = isOver ? startedOn(work) : [];
    for (const action of deletions(name, late)) this.mustBeDone(action);
    if (this.node?.ready === true) this.toUndo += late.filter(({ deleting }) => deleting).length;
    if (status.phase !== 'Preflight') this.drop(work.preflight, 'create-preflight');
    if (isOver) this.drop(work.postflight, 'create-postflight');
  }

  /** A check's pod that has ended goes once what it led to is on record, and no other request of its name can be carried out. */
  private drop(pod: PodFacts | undefined, type: Making): void {
    const { name, status } = this;
    if (pod === undefined || pod.deleting || !hasEnded(pod)) return;
    const comesUntil = comingUntil(this.ctx, type, name);
    this.look(comesUntil);
    const isRecorded = isOnRecord(this.facts, name, status.phase) && comesUntil <= this.ctx.now;
    const reason = 'its verdict is on record';
    if (isRecorded)
      this.undoing.push({ type: 'delete-pod', node: name, name: pod.name, uid: pod.uid, reason });
    else if (isFinalNodePhase(status.phase)) this.toUndo += 1;
  }
}

/** A time is over: asks how the node stands, unless that was read since, or may not be read. */
export function unlessConfirmed(
  { facts, now }: Pick<NodeContext, 'facts' | 'now'>,
  node: string,
  at: number,
): Action | undefined {
  if (isConfirmed(facts.work.get(node), at) || unreadable(facts, now, node) !== undefined) return undefined;
  return { type: 'confirm', node, reason: 'is it still not Ready?' };
}

/** A cordon is undone, unless another NodeOp works on the node under it: then it is that one's to undo. */
export function letGo(
  facts: RolloutFacts,
  node: string,
  reason: string,
): Extract<Action, { type: 'uncordon' | 'hand-over' }> {
  const to = facts.heirs.get(node);
  return to === undefined ? { type: 'uncordon', node, reason } : { type: 'hand-over', node, to, reason };
}
