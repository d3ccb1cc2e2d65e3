import { isFinalNodePhase, isFinalPhase, type NodeOpStatus, type NodeStatus } from '../../api/nodeop.ts';
import { spoken } from '../text/table.ts';
import { type Action, actionKey } from './actions.ts';
import { adoption } from './adoption.ts';
import { atOnce, tolerated } from './amounts.ts';
import { isKept } from './cordons.ts';
import { type NodeFacts, ownerMark, type PodFacts, type RolloutFacts, type WorkFacts } from './facts.ts';
import { nodeHeld, notReady, runHeld } from './gates.ts';
import { MessageRoom } from './message-room.ts';
import { deletion } from './ending.ts';
import { begin, startedOn, step } from './node.ts';
import {
  append,
  cancel,
  fail,
  type NodeContext,
  note,
  remark,
  stampUp,
  withoutWait,
  withWait,
} from './node-status.ts';
import { hasEnded, isConfirmed } from './phases/phase.ts';
import { rehearse } from './rehearsal.ts';
import { acknowledged, overall, summarise } from './status.ts';
import { someNodes } from './words.ts';
import { inOrder, targetsOf, topologyValue } from './targets.ts';

export interface Decision {
  actions: Action[];
  status: NodeOpStatus;
  /** Of which nodes the status changed, if of any: of thousands only a few do at a look. */
  changed?: readonly string[];
  /** When to look again although nothing changed; on the clock of `now`. */
  lookAgainAt: number | undefined;
}

/**
 * The whole rollout in one pure step: observed facts and the time in; actions with their reasons, the
 * status, and when to look again out. `now` is the steady clock's, so that nobody sets it. Statuses that do not change keep their identity, so the caller
 * can tell what is new by reference.
 */
export function decide(facts: RolloutFacts, now: number): Decision {
  if (isFinalPhase(facts.status.phase)) return settled(facts, now);
  const targets = facts.status.nodeStatuses;
  if (!facts.adopted && facts.cancelled === undefined) return adoption(facts, now);
  // The targets are on record before anything starts, so that a restart works on the very same nodes.
  if (targets === undefined) return { ...snapshot(facts, now), lookAgainAt: undefined };
  if (facts.persisted.nodeStatuses === undefined)
    return { actions: [], status: facts.status, lookAgainAt: undefined };
  return new Pass(facts, targets, now).decide();
}

/**
 * After the end nothing changes any more. A failed node may stay cordoned for as long as the NodeOp that
 * says why exists: deleting it uncordons, so it is let go only when no cordon of its own is left.
 */
function settled(facts: RolloutFacts, now: number): Decision {
  const cordoned = Object.keys(facts.status.nodeStatuses ?? {})
    .map((name) => facts.nodes.get(name))
    .filter((node) => node?.cordonedBy === ownerMark(facts));
  const actions: Action[] = [];
  for (const node of cordoned) {
    if (node === undefined) continue;
    const status = facts.status.nodeStatuses?.[node.name];
    if (facts.deleted) actions.push(letGo(facts, node.name, 'the NodeOp is being deleted'));
    else if (!node.unschedulable)
      actions.push({ type: 'uncordon', node: node.name, reason: 'somebody else uncordoned it: disowned' });
    else if (status === undefined || !isKept(facts.spec, status))
      actions.push(letGo(facts, node.name, 'nothing is left to be cordoned for'));
  }
  const left = leftBehind(facts);
  actions.push(...left.actions);
  // The outcome is on record before the object may go.
  const mayGo =
    facts.finalized && cordoned.length === 0 && !left.waits && isFinalPhase(facts.persisted.phase);
  if (mayGo) actions.push({ type: 'release', reason: 'nothing is left to undo' });
  return { actions, status: acknowledged(facts, now), lookAgainAt: undefined };
}

/** What may still run although the verdict on its node is final: a request that was carried out late, for example. */
function leftBehind(facts: RolloutFacts): { actions: Action[]; waits: boolean } {
  const actions: Action[] = [];
  let waits = false;
  for (const [node, work] of facts.work) {
    for (const it of startedOn(work)) {
      if (!it.deleting) actions.push(deletion(node, it));
      if (!it.deleting || facts.nodes.get(node)?.ready === true) waits = true;
    }
  }
  return { actions, waits };
}

/** A cordon is undone, unless another NodeOp works on the node under it: then it is that one's to undo. */
function letGo(facts: RolloutFacts, node: string, reason: string): Action {
  const to = facts.heirs.get(node);
  return to === undefined ? { type: 'uncordon', node, reason } : { type: 'hand-over', node, to, reason };
}

function snapshot(facts: RolloutFacts, now: number): { actions: Action[]; status: NodeOpStatus } {
  const names = targetsOf(facts.spec, facts.nodes);
  const first: NodeStatus = {
    phase: 'Pending',
    rebootStatus: facts.spec.rebootOnSuccess ? 'pending' : 'not-requested',
  };
  const nodeStatuses = Object.fromEntries(names.map((name) => [name, first]));
  return {
    actions: [],
    status: overall(facts, { ...nodeStatuses }, now, {
      undoing: 0,
      waiting: undefined,
      unready: [],
      refusal: undefined,
      waits: [],
      summary: summarise(names.map(() => first)),
    }),
  };
}

const STAYS_CORDONED = 'the node stays cordoned';
const IS_UNCORDONED = 'it is uncordoned, since its NodeOp is deleted';

/**
 * The entries of statuses that do not change any more. To list those of an object with thousands of keys takes longer than
 * all the rest of a look, so of one made here they are remembered.
 */
function listed(nodeStatuses: Record<string, NodeStatus>): Entries {
  const known = LISTED.get(nodeStatuses);
  if (known) return known;
  const entries = { names: Object.keys(nodeStatuses), statuses: Object.values(nodeStatuses) };
  LISTED.set(nodeStatuses, entries);
  return entries;
}

interface Entries {
  names: readonly string[];
  statuses: readonly NodeStatus[];
}
const LISTED = new WeakMap<Record<string, NodeStatus>, Entries>();

/**
 * One look at a rollout that has its targets. Of thousands of nodes most are only passed by, so each of them is looked
 * up once in what is known of nodes and work, and the statuses are copied only when one has changed.
 */
class Pass {
  private readonly facts: RolloutFacts;
  private readonly now: number;
  private readonly context: NodeContext;
  private readonly mark: string;
  private readonly targets: Record<string, NodeStatus>;
  private readonly names: readonly string[];
  /** In the order of the names. */
  private readonly statuses: NodeStatus[];
  private readonly changed = new Set<number>();
  private readonly actions: Action[] = [];
  private readonly undoActions: Action[] = [];
  private lookAgainAt = Infinity;
  private slots = 0;
  private failed = 0;
  private undoing = 0;
  private waiting: string | undefined;
  /** What each node in flight waits for. */
  private readonly waits = new Map<string, string>();
  /** Nodes that were done and are not Ready since. */
  private readonly away: string[] = [];
  /** Nodes that were done and have not been Ready for too long since. */
  private readonly unready: string[] = [];
  /** Nothing may begin: the API server takes none of what is to be made. */
  private refusal: string | undefined;

  constructor(facts: RolloutFacts, targets: Record<string, NodeStatus>, now: number) {
    this.facts = facts;
    this.now = now;
    this.mark = ownerMark(facts);
    this.targets = targets;
    const { names, statuses } = listed(targets);
    this.names = names;
    this.statuses = [...statuses];
    const room = new MessageRoom(
      facts,
      this.names,
      this.statuses,
      atOnce(facts.spec.concurrency, names.length),
    );
    this.context = { facts, now, room };
  }

  decide(): Decision {
    for (let i = 0; i < this.names.length; i += 1) this.pass(i, this.names[i] ?? '');
    this.actions.push(...this.undoActions);
    const stop = this.stopReason();
    if (stop === undefined) this.startMore();
    else this.cancelRest(stop);
    const { undoing, waiting, unready, refusal } = this;
    const summary = summarise(this.statuses);
    const pass = { undoing, waiting, unready, refusal, summary, waits: [...this.waits] };
    const status = overall(this.facts, this.nodeStatuses(), this.now, pass);
    const lookAgainAt = this.lookAgainAt === Infinity ? undefined : this.lookAgainAt;
    const changed = [...this.changed].map((i) => this.names[i] ?? '');
    return { actions: this.actions, status, changed, lookAgainAt };
  }

  /** The very same object when no node has changed. */
  private nodeStatuses(): Record<string, NodeStatus> {
    if (this.changed.size === 0) return this.targets;
    const next = { ...this.targets };
    for (const i of this.changed) next[this.names[i] ?? ''] = this.status(i);
    LISTED.set(next, { names: this.names, statuses: this.statuses });
    return next;
  }

  private status(i: number): NodeStatus {
    return this.statuses[i] ?? { phase: 'Pending' };
  }

  private set(i: number, status: NodeStatus): void {
    if (this.statuses[i] === status) return;
    this.statuses[i] = status;
    this.changed.add(i);
  }

  private pass(i: number, name: string): void {
    const node = this.facts.nodes.get(name);
    const work = this.facts.work.get(name);
    this.advance(i, name, node, work);
    const status = this.status(i);
    // A verdict that stands counts before the last of what was started is gone: nothing begins in the meantime.
    const hasFailed = (status.ending?.phase ?? status.phase) === 'Failed';
    if (hasFailed || this.isLost(i, name, status, node)) this.failed += 1;
    if (this.holdsSlot(name, status, node)) this.slots += 1;
    this.undo(name, status, node, work);
  }

  /** Moves a node in flight. */
  private advance(i: number, name: string, node: NodeFacts | undefined, work: WorkFacts | undefined): void {
    const before = this.status(i);
    if (isFinalNodePhase(before.phase)) return;
    if (before.phase !== 'Pending') this.move(i, name, before);
    else if (!node) this.set(i, fail(this.context, before, 'node is gone'));
    // Work found without a record is ours from before a crash: the node was started.
    else if (this.wasStarted(node, work)) this.move(i, name, begin(this.context, before, node));
    this.explainCordon(i, node);
  }

  /** A node that failed just now and stays cordoned says so: nothing else would tell why it takes no pods. */
  private explainCordon(i: number, node: NodeFacts | undefined): void {
    const status = this.status(i);
    if (node?.cordonedBy !== this.mark || !isKept(this.facts.spec, status)) return;
    const { deleted } = this.facts;
    const said = append(this.context, status, deleted ? IS_UNCORDONED : STAYS_CORDONED);
    // Of thousands the last ones have no room to say so; the mark on the node tells then.
    this.set(i, said === status || deleted ? said : { ...said, cordoned: true });
  }

  private wasStarted(node: NodeFacts, work: WorkFacts | undefined): boolean {
    const { job, preflight, reboot, postflight } = work ?? {};
    return (job ?? preflight ?? reboot ?? postflight) !== undefined || node.cordonedBy === this.mark;
  }

  private move(i: number, name: string, before: NodeStatus): void {
    const result = step(this.context, name, before);
    const trouble = this.troubleOf(result.actions);
    const waits = trouble ?? result.waitsFor;
    if (waits !== undefined && !isFinalNodePhase(result.status.phase)) this.waits.set(name, waits);
    else this.waits.delete(name);
    this.set(i, trouble === undefined ? result.status : note(this.context, result.status, trouble));
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
    if (at !== undefined && at > this.now) this.lookAgainAt = Math.min(this.lookAgainAt, at);
  }

  private holdsSlot(name: string, status: NodeStatus, node: NodeFacts | undefined): boolean {
    if (!isFinalNodePhase(status.phase)) return status.phase !== 'Pending';
    // Something of it is there yet: nothing else begins before that is on record.
    if (status.outcomeUnknown === true)
      return this.facts.persisted.nodeStatuses?.[name]?.phase !== status.phase;
    if (status.phase !== 'Completed' || status.jobName === undefined || !node) return false;
    if (!node.ready) {
      this.away.push(name);
      return true;
    }
    const { soakSeconds } = this.facts.spec;
    if (soakSeconds === 0) return false;
    const until = this.sinceDone(status, node) + soakSeconds * 1000;
    this.look(until);
    return this.now < until;
  }

  /** Since when a finished node is Ready, or is not. */
  private sinceDone(status: NodeStatus, { readySince = 0 }: NodeFacts): number {
    return Math.max(Date.parse(status.finishedAt ?? '') || 0, readySince);
  }

  /** A node that was done and is not Ready for too long counts as one that failed; the verdict on it stays. */
  private isLost(i: number, name: string, status: NodeStatus, node: NodeFacts | undefined): boolean {
    if (status.phase !== 'Completed' || status.jobName === undefined || !node || node.ready) return false;
    const seconds = this.facts.spec.nodeReadyTimeoutSeconds;
    if (!this.isOverdue(name, this.sinceDone(status, node) + seconds * 1000)) return false;
    this.unready.push(name);
    this.set(i, remark(this.context, status, `not Ready for ${spoken(seconds)} since it was done`));
    return true;
  }

  /** Whether a time is over and how the node stands was read since; it is asked for where it was not. */
  private isOverdue(name: string, at: number): boolean {
    this.look(at);
    if (this.now < at) return false;
    if (isConfirmed(this.facts.work.get(name), at)) return true;
    this.actions.push({ type: 'confirm', node: name, reason: 'is it still not Ready?' });
    return false;
  }

  /** Verdicts that are final leave things behind: a cordon after a failed drain, a preflight pod. */
  private undo(
    name: string,
    status: NodeStatus,
    node: NodeFacts | undefined,
    work: WorkFacts | undefined,
  ): void {
    const isOver = isFinalNodePhase(status.phase);
    if (node?.cordonedBy === this.mark && isOver && !isKept(this.facts.spec, status)) {
      this.undoing += 1;
      const action = letGo(this.facts, name, 'the node failed and is left as it was found');
      this.undoActions.push(action);
      const trouble = this.troubleOf([action]);
      if (trouble !== undefined) this.waiting = `${name}: ${trouble}`;
    }
    if (work !== undefined) this.tidy(name, status, work);
  }

  private tidy(name: string, status: NodeStatus, work: WorkFacts): void {
    const isFinal = isFinalNodePhase(status.phase);
    // Carried out late, after the verdict.
    for (const it of isFinal ? startedOn(work) : []) {
      if (!it.deleting) this.undoActions.push(deletion(name, it));
      if (!it.deleting || this.facts.nodes.get(name)?.ready === true) this.undoing += 1;
    }
    if (status.phase !== 'Preflight') this.drop(name, status, work.preflight);
    if (isFinal) this.drop(name, status, work.postflight);
  }

  /** A check's pod that has ended goes once what it led to is on record. */
  private drop(name: string, status: NodeStatus, pod: PodFacts | undefined): void {
    if (pod === undefined || pod.deleting || !hasEnded(pod)) return;
    const isRecorded = this.facts.persisted.nodeStatuses?.[name]?.phase === status.phase;
    const reason = 'its verdict is on record';
    if (isRecorded)
      this.undoActions.push({ type: 'delete-pod', node: name, name: pod.name, uid: pod.uid, reason });
    else if (isFinalNodePhase(status.phase)) this.undoing += 1;
  }

  /** Why no further node may be started for good. */
  private stopReason(): string | undefined {
    const { spec, cancelled } = this.facts;
    if (cancelled !== undefined) return `Cancelled: ${cancelled}`;
    const most = tolerated(spec, this.names.length);
    if (this.failed <= most) return undefined;
    const lost = this.unready.length > 0 ? ` or are not Ready since they were done` : '';
    return `Cancelled: ${this.failed} failed${lost}, ${most} tolerated`;
  }

  private cancelRest(reason: string): void {
    for (const [i, status] of this.statuses.entries()) {
      if (status.phase === 'Pending') this.set(i, cancel(this.context, status, reason));
    }
  }

  private startMore(): void {
    const pending: number[] = [];
    for (let i = 0; i < this.names.length; i += 1) {
      if (this.statuses[i]?.phase === 'Pending') pending.push(i);
    }
    if (pending.length === 0) return;
    const held = runHeld(this.facts, this.now);
    if (!this.isRehearsed(pending, held !== undefined)) return;
    const ready = pending.filter((i) => notReady(this.facts, this.names[i] ?? '') === undefined);
    const isIdle = !this.statuses.some(({ phase }) => !isFinalNodePhase(phase) && phase !== 'Pending');
    if (held === undefined && ready.length === 0) return this.waitForReady(pending, isIdle);
    for (const i of pending) this.set(i, withoutWait(this.status(i)));
    if (held !== undefined) {
      this.waiting = held.why;
      return this.look(held.until);
    }
    const limit = atOnce(this.facts.spec.concurrency, this.names.length);
    if (this.slots < limit) this.fill(limit, ready);
    else if (this.away.length > 0) {
      const waits = `nodes that were done are not Ready: ${someNodes(this.away)}`;
      if (isIdle) this.waiting = waits;
      else for (const name of this.away) this.waits.set(name, 'the node was done and is not Ready');
    } else if (isIdle) this.waiting = 'finished nodes have to stay Ready before the next ones start';
  }

  /** Whether the API server takes what is to be made; it is asked once, before anything of the rollout begins. */
  private isRehearsed(pending: readonly number[], isHeld: boolean): boolean {
    const { facts, now } = this;
    const [first = 0] = pending;
    if (this.statuses.some(({ startedAt }) => startedAt !== undefined)) return true;
    const { action, refusal, waiting, lookAgainAt } = rehearse(facts, this.names[first] ?? '', isHeld, now);
    if (action !== undefined) this.actions.push(action);
    this.look(lookAgainAt);
    if (refusal !== undefined) {
      this.refusal = refusal;
      this.cancelRest(`Cancelled: ${refusal}`);
      return false;
    }
    if (isHeld || facts.rehearsal?.kind === 'accepted') return true;
    this.waiting = waiting;
    return false;
  }

  /** Starts nodes that are Ready until the slots are taken. */
  private fill(limit: number, ready: readonly number[]): void {
    const { spec, nodes, agentNode } = this.facts;
    const places = new Map(ready.map((i) => [this.names[i] ?? '', i]));
    const waitsFor: string[] = [];
    let group = this.openGroup();
    for (const name of inOrder([...places.keys()], nodes, spec, agentNode)) {
      if (this.slots >= limit) break;
      const own = this.groupOf(name);
      group ??= own;
      if (own !== group) break;
      const held = nodeHeld(this.facts, name);
      if (held === undefined) this.start(places.get(name) ?? -1, name);
      else waitsFor.push(`${name} (${held.why})`);
      this.look(held?.until);
    }
    if (waitsFor.length > 0) this.waiting = `waiting for ${waitsFor.slice(0, 5).join(', ')}`;
  }

  private start(i: number, name: string): void {
    this.slots += 1;
    const node = this.facts.nodes.get(name);
    if (node !== undefined) this.move(i, name, begin(this.context, this.status(i), node));
  }

  private groupOf(name: string): string {
    return topologyValue(this.facts.spec, this.facts.nodes.get(name));
  }

  /** The topology value that still has nodes in flight: no other begins before. */
  private openGroup(): string | undefined {
    if (this.facts.spec.topologyKey === undefined) return '';
    const open = this.names.find((name, i) =>
      this.holdsSlot(name, this.status(i), this.facts.nodes.get(name)),
    );
    return open === undefined ? undefined : this.groupOf(open);
  }

  /** Only nodes that are not Ready are left; once nothing else is in flight their time runs. */
  private waitForReady(pending: readonly number[], isIdle: boolean): void {
    const names = pending.map((i) => this.names[i] ?? '');
    this.waiting = `waiting for nodes that are not Ready: ${someNodes(names)}`;
    const seconds = this.facts.spec.nodeReadyTimeoutSeconds;
    for (const i of pending) {
      if (!isIdle) {
        this.set(i, withoutWait(this.status(i)));
        continue;
      }
      const { phaseStartedAt = stampUp(this.now) } = this.status(i);
      this.set(i, withWait(this.status(i), phaseStartedAt));
      const name = this.names[i] ?? '';
      const { readySince = 0 } = this.facts.nodes.get(name) ?? {};
      const from = Math.max(Date.parse(phaseStartedAt), readySince);
      if (this.isOverdue(name, from + seconds * 1000))
        this.set(i, fail(this.context, this.status(i), `not Ready for ${spoken(seconds)}`));
    }
  }
}
