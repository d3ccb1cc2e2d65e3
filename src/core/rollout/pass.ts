import type { NodeStatus } from '../../api/nodeop.ts';
import { spoken } from '../text/table.ts';
import type { Action } from './actions.ts';
import { atOnce, tolerated } from './amounts.ts';
import { type Assessment, assess, start, unlessConfirmed } from './assess.ts';
import type { Decision } from './decision.ts';
import type { RolloutFacts } from './facts.ts';
import type { Fleet } from './fleet.ts';
import { type Held, nodeHeld, notReady, runHeld } from './gates.ts';
import { cancel, fail, type NodeContext, stampUp, withoutWait, withWait } from './node-status.ts';
import { rehearse } from './rehearsal.ts';
import { overall } from './status.ts';
import { followSteps } from './steps/follow.ts';
import { isOnRecord, passedOnRecord, stepHeld } from './steps/held.ts';
import type { StepMembers } from './steps/members.ts';
import type { Progress } from './steps/progress.ts';
import { topologyValue } from './targets.ts';
import { someNodes } from './words.ts';

/** So many nodes that wait are named. */
const NAMED = 5;

/**
 * One look at a rollout that has its targets. Of thousands of nodes only those are looked at that are `due`; what was found of
 * the others is still true.
 */
export class Pass {
  private readonly facts: RolloutFacts;
  private readonly now: number;
  private readonly context: NodeContext;
  private readonly fleet: Fleet;
  private readonly actions: Action[] = [];
  private lookAgainAt = Infinity;
  private toUndo = 0;
  private waiting: string | undefined;
  /** What each node in flight waits for. */
  private readonly waits = new Map<string, string>();
  /** Some node keeps its place until the verdict on it is on record. */
  private awaitsRecord = false;
  /** Some node has to stay Ready for a while. */
  private isSoaking = false;
  /** Nodes that were done and are not Ready since. */
  private readonly away: string[] = [];
  /** Nodes that were done and have not been Ready for too long since. */
  private readonly lost: string[] = [];
  /** Undefined for a rollout without steps. */
  private progress: Progress | undefined;
  /** Nothing may begin: the API server takes none of what is to be made. */
  private refusal: string | undefined;

  constructor(facts: RolloutFacts, now: number, fleet: Fleet) {
    this.facts = facts;
    this.now = now;
    this.fleet = fleet;
    this.context = { facts, now, room: fleet.room };
  }

  /** @param due places of the nodes to look at, in their order */
  decide(due: Iterable<number>): Decision {
    const { fleet } = this;
    fleet.changed = new Map();
    for (const i of due) this.assess(i);
    this.gather();
    const outside = this.stopReason();
    this.follow(outside);
    const stop = this.stepFailure() ?? outside;
    if (stop === undefined) this.startMore();
    else this.cancelRest(stop);
    const { toUndo, waiting, lost, refusal } = this;
    const { summary, firstFailure } = fleet;
    const hasMoved = fleet.changed.size > 0;
    const waits = [...this.waits];
    const steps = this.progress?.steps ?? this.facts.status.steps;
    const isStopped = (stop ?? refusal) !== undefined;
    const told = { waiting, lost, refusal, firstFailure, waits, steps };
    const pass = { toUndo, summary, hasMoved, isStopped, ...told };
    const status = overall(this.facts, fleet.nodeStatuses, this.now, pass);
    const lookAgainAt = this.lookAgainAt === Infinity ? undefined : this.lookAgainAt;
    const changed = new Map([...fleet.changed].map(([i, before]) => [fleet.nameOf(i), before]));
    return { actions: this.actions, status, changed, lookAgainAt, awaitsRecord: this.awaitsRecord };
  }

  private assess(i: number): void {
    const name = this.fleet.nameOf(i);
    this.put(i, assess(this.context, name, this.fleet.status(i), this.hasItsTurn(i)));
  }

  /** Whether all steps before that of the node are passed on record. */
  private hasItsTurn(i: number): boolean {
    const { facts, fleet } = this;
    if (facts.spec.steps === undefined) return true;
    return fleet.steps !== undefined && fleet.steps.stepOf(i) <= passedOnRecord(facts.persisted);
  }

  private put(i: number, [status, found]: [NodeStatus, Assessment]): void {
    const { facts, fleet } = this;
    const name = fleet.nameOf(i);
    fleet.set(i, status);
    fleet.take(i, found, notReady(facts, name) === undefined);
    fleet.rank(i, facts.spec, facts.nodes.get(name));
  }

  /** All that is to be told and done of the nodes, whenever it was found. */
  private gather(): void {
    const undoing: Action[] = [];
    for (const [i, found] of [...this.fleet.notable].toSorted(([a], [b]) => a - b)) {
      const name = this.fleet.nameOf(i);
      this.actions.push(...found.actions);
      undoing.push(...found.undoing);
      this.toUndo += found.toUndo;
      this.waiting = found.trouble ?? this.waiting;
      if (found.waitsFor !== undefined) this.waits.set(name, found.waitsFor);
      this.awaitsRecord ||= found.awaitsRecord;
      this.isSoaking ||= found.isSoaking;
      if (found.isAway) this.away.push(name);
      if (found.isLost) this.lost.push(name);
      this.look(found.wakeAt);
    }
    this.actions.push(...undoing);
  }

  private look(at: number | undefined): void {
    if (at !== undefined && at > this.now) this.lookAgainAt = Math.min(this.lookAgainAt, at);
  }

  /** Why no further node may be started for good. */
  private stopReason(): string | undefined {
    const { spec, cancelled } = this.facts;
    if (cancelled !== undefined) return `Cancelled: ${cancelled}`;
    const most = tolerated(spec, this.fleet.names.length);
    const { size: failed } = this.fleet.failed;
    if (failed <= most) return undefined;
    const lost = this.lost.length > 0 ? ` or are not Ready since they were done` : '';
    return `Cancelled: ${failed} failed${lost}, ${most} tolerated`;
  }

  private stepFailure(): string | undefined {
    const steps = this.progress?.steps ?? [];
    const failed = steps.find(({ phase }) => phase === 'Failed');
    if (failed !== undefined) return `Cancelled: step ${failed.name} has failed: ${failed.message ?? ''}`;
    // It stays given up when whoever stopped the rollout thinks better of it.
    return steps.find(({ phase }) => phase === 'Cancelled')?.message;
  }

  /** Moves the steps on, where there are some. */
  private follow(stopped: string | undefined): void {
    const { fleet, context } = this;
    if (fleet.steps === undefined) return;
    this.progress = followSteps(context, fleet, fleet.steps, stopped);
    this.actions.push(...this.progress.actions);
    this.toUndo += this.progress.left;
    this.look(this.progress.lookAgainAt);
  }

  private cancelRest(reason: string): void {
    const { fleet } = this;
    for (const i of fleet.pending) fleet.set(i, cancel(this.context, fleet.status(i), reason));
  }

  private startMore(): void {
    const { fleet } = this;
    const facts = this.withSteps();
    if (fleet.pending.size === 0) return this.waitFor(stepHeld(facts));
    const held = runHeld(facts, this.now);
    if (!this.isRehearsed(held !== undefined)) return;
    const { pending, startable } = this.inTurn;
    if (held === undefined && startable.size === 0 && pending.size > 0) return this.waitForReady(pending);
    // A window that is shorter than the time a node has would keep the rollout waiting for good.
    if (held?.passes !== true) this.forgetWaits();
    if (held !== undefined) return this.waitFor(held);
    if (pending.size === 0 || !isOnRecord(facts)) return;
    const limit = this.atOnce();
    if (fleet.slots.size < limit) this.fill(limit - fleet.slots.size);
    else if (this.away.length > 0) {
      const waits = `nodes that were done are not Ready: ${someNodes(this.away)}`;
      if (fleet.isIdle) this.waiting = waits;
      else for (const name of this.away) this.waits.set(name, 'the node was done and is not Ready');
    } else if (fleet.isIdle && this.isSoaking)
      this.waiting = 'finished nodes have to stay Ready before the next ones start';
  }

  private waitFor(held: Held | undefined): void {
    if (held === undefined) return;
    this.waiting = held.why;
    this.look(held.until);
  }

  /** With the steps as this look has left them. */
  private withSteps(): RolloutFacts {
    const { facts, progress } = this;
    if (facts.spec.steps === undefined) return facts;
    const { steps: _, ...status } = facts.status;
    return { ...facts, status: progress === undefined ? status : { ...status, steps: [...progress.steps] } };
  }

  /** The step whose nodes have their turn; undefined for a rollout without steps. */
  private get step(): { place: number; members: StepMembers } | undefined {
    const { steps: members } = this.fleet;
    return members && { place: this.progress?.current ?? members.rules.length - 1, members };
  }

  /** Nodes that are not begun, of the step that has its turn. */
  private get inTurn(): { pending: ReadonlySet<number>; startable: ReadonlySet<number> } {
    const { fleet, step } = this;
    if (step === undefined) return fleet;
    return { pending: step.members.pending(step.place), startable: step.members.startable(step.place) };
  }

  private atOnce(): number {
    const { step, fleet, facts } = this;
    if (step === undefined) return atOnce(facts.spec.concurrency, fleet.names.length);
    return step.members.rules[step.place]?.concurrency ?? 1;
  }

  /** Whether the API server takes what is to be made; it is asked once, before anything of the rollout begins. */
  private isRehearsed(isHeld: boolean): boolean {
    const { facts, now, fleet } = this;
    if (fleet.hasBegun) return true;
    const [first = 0] = fleet.pending;
    const { action, refusal, waiting, lookAgainAt } = rehearse(facts, fleet.nameOf(first), isHeld, now);
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
  private fill(slots: number): void {
    const { fleet } = this;
    const waitsFor: string[] = [];
    const { startable } = this.inTurn;
    let [left, unseen] = [slots, startable.size];
    let group = this.openGroup();
    for (const i of fleet.inTurn(this.facts)) {
      if (left <= 0 || unseen <= 0) break;
      if (!startable.has(i)) continue;
      unseen -= 1;
      const own = this.groupOf(i);
      group ??= own;
      if (own !== group) break;
      const name = fleet.nameOf(i);
      const held = nodeHeld(this.facts, name);
      if (held !== undefined) {
        if (waitsFor.length < NAMED) waitsFor.push(`${name} (${held.why})`);
        this.look(held.until);
      } else {
        left -= 1;
        this.start(i);
      }
    }
    if (waitsFor.length > 0) this.waiting = `waiting for ${waitsFor.join(', ')}`;
  }

  private start(i: number): void {
    const name = this.fleet.nameOf(i);
    const node = this.facts.nodes.get(name);
    if (node === undefined) return;
    const [status, found] = start(this.context, node, this.fleet.status(i));
    this.put(i, [status, found]);
    this.actions.push(...found.actions);
    this.toUndo += found.toUndo;
    if (found.waitsFor !== undefined) this.waits.set(name, found.waitsFor);
    this.look(found.wakeAt);
  }

  private groupOf(i: number): string {
    return topologyValue(this.facts.spec, this.facts.nodes.get(this.fleet.nameOf(i)));
  }

  /** The topology value that still has nodes in flight: no other begins before. */
  private openGroup(): string | undefined {
    if (this.facts.spec.topologyKey === undefined) return '';
    const { step } = this;
    const slots = [...this.fleet.slots].filter(
      (i) => step === undefined || step.members.stepOf(i) === step.place,
    );
    return slots.length === 0 ? undefined : this.groupOf(Math.min(...slots));
  }

  private forgetWaits(): void {
    const { fleet } = this;
    for (const i of fleet.stamped) fleet.set(i, withoutWait(fleet.status(i)));
  }

  /** Only nodes that are not Ready are left; once nothing else is in flight their time runs. */
  private waitForReady(nodes: ReadonlySet<number>): void {
    const { fleet } = this;
    const pending = [...nodes];
    this.waiting = `waiting for nodes that are not Ready: ${someNodes(pending.map((i) => fleet.nameOf(i)))}`;
    if (fleet.isIdle) for (const i of pending) this.waitForNode(i);
    else this.forgetWaits();
  }

  private waitForNode(i: number): void {
    const { fleet, facts, context } = this;
    const { phaseStartedAt = stampUp(this.now) } = fleet.status(i);
    fleet.set(i, withWait(fleet.status(i), phaseStartedAt));
    const name = fleet.nameOf(i);
    const seconds = facts.spec.nodeReadyTimeoutSeconds;
    const { readySince = 0 } = facts.nodes.get(name) ?? {};
    const at = Math.max(Date.parse(phaseStartedAt), readySince) + seconds * 1000;
    this.look(at);
    if (this.now < at) return;
    const ask = unlessConfirmed(context, name, at);
    if (ask !== undefined) this.actions.push(ask);
    else fleet.set(i, fail(context, fleet.status(i), `not Ready for ${spoken(seconds)}`));
  }
}
