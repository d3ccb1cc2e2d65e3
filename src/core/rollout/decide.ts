import { isFinalNodePhase, isFinalPhase, type NodeOpStatus, type NodeStatus } from '../../api/nodeop.ts';
import type { Action } from './actions.ts';
import { closedBecause } from '../window.ts';
import { ownerMark, type RolloutFacts } from './facts.ts';
import { append, begin, cancel, fail, type NodeContext, step } from './node.ts';
import { overall } from './status.ts';
import { inOrder, targetsOf, topologyValue } from './targets.ts';

export interface Decision {
  actions: Action[];
  status: NodeOpStatus;
  /** When to look again although nothing changed; epoch milliseconds. */
  lookAgainAt: number | undefined;
}

/**
 * The whole rollout in one pure step: observed facts and the time in; actions with their reasons, the
 * status, and when to look again out. Statuses that do not change keep their identity, so the caller
 * can tell what is new by reference.
 */
export function decide(facts: RolloutFacts, now: number): Decision {
  if (isFinalPhase(facts.status.phase)) return settled(facts);
  const targets = facts.status.nodeStatuses;
  if (!facts.adopted && facts.cancelled === undefined) {
    const adopt: Action = { type: 'adopt', reason: 'record what is carried out before anything begins' };
    return { actions: [adopt], status: facts.status, lookAgainAt: undefined };
  }
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
function settled(facts: RolloutFacts): Decision {
  const cordoned = Object.keys(facts.status.nodeStatuses ?? {})
    .map((name) => facts.nodes.get(name))
    .filter((node) => node?.cordonedBy === ownerMark(facts));
  const actions: Action[] = [];
  for (const node of cordoned) {
    if (node === undefined) continue;
    if (facts.deleted)
      actions.push({ type: 'uncordon', node: node.name, reason: 'the NodeOp is being deleted' });
    else if (!node.unschedulable)
      actions.push({ type: 'uncordon', node: node.name, reason: 'somebody else uncordoned it: disowned' });
  }
  // The outcome is on record before the object may go.
  const mayGo = facts.adopted && cordoned.length === 0 && isFinalPhase(facts.persisted.phase);
  if (mayGo) actions.push({ type: 'release', reason: 'nothing is left to undo' });
  return { actions, status: facts.status, lookAgainAt: undefined };
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
    status: overall(facts, { ...nodeStatuses }, now, { undoing: 0, waiting: undefined }),
  };
}

const STAYS_CORDONED = 'the node stays cordoned';

/** At 5,000 nodes a message may take some 60 characters for the status to stay under 1 MiB. */
const messageLimit = (nodes: number): number =>
  Math.max(60, Math.min(1024, Math.floor(300_000 / Math.max(1, nodes))));

/** One look at a rollout that has its targets. */
class Pass {
  private readonly facts: RolloutFacts;
  private readonly now: number;
  private readonly context: NodeContext;
  private readonly next: Record<string, NodeStatus>;
  private readonly names: string[];
  private readonly actions: Action[] = [];
  private lookAgainAt = Infinity;
  private slots = 0;
  private failed = 0;
  private undoing = 0;
  private waiting: string | undefined;

  constructor(facts: RolloutFacts, targets: Record<string, NodeStatus>, now: number) {
    this.facts = facts;
    this.now = now;
    this.names = Object.keys(targets);
    this.context = { facts, now, messageLimit: messageLimit(this.names.length) };
    this.next = { ...targets };
  }

  decide(): Decision {
    for (const name of this.names) this.advance(name);
    for (const name of this.names) this.undo(name);
    const stop = this.stopReason();
    if (stop === undefined) this.startMore();
    else this.cancelRest(stop);
    const status = overall(this.facts, this.next, this.now, { undoing: this.undoing, waiting: this.waiting });
    const lookAgainAt = this.lookAgainAt === Infinity ? undefined : this.lookAgainAt;
    return { actions: this.actions, status, lookAgainAt };
  }

  private status(name: string): NodeStatus {
    return this.next[name] ?? { phase: 'Pending' };
  }

  /** Moves a node in flight and counts what holds a slot. */
  private advance(name: string): void {
    const before = this.status(name);
    if (before.phase === 'Pending') {
      if (!this.facts.nodes.has(name)) this.next[name] = fail(this.context, before, 'node is gone');
      // Work found without a record is ours from before a crash: the node was started.
      else if (this.wasStarted(name)) this.move(name, begin(this.context, before));
    } else if (!isFinalNodePhase(before.phase)) this.move(name, before);
    if (!isFinalNodePhase(before.phase)) this.explainCordon(name);
    const after = this.status(name);
    if (after.phase === 'Failed') this.failed += 1;
    if (this.holdsSlot(name, after)) this.slots += 1;
  }

  /** A node that failed just now and stays cordoned says so: nothing else would tell why it takes no pods. */
  private explainCordon(name: string): void {
    const status = this.status(name);
    const left =
      status.phase === 'Failed' && this.facts.nodes.get(name)?.cordonedBy === ownerMark(this.facts);
    if (left && !this.isUnwanted(status)) this.next[name] = append(this.context, status, STAYS_CORDONED);
  }

  /** Whether a failed node is uncordoned: when asked for, and when its command never began. */
  private isUnwanted(status: NodeStatus): boolean {
    return this.facts.spec.uncordonOnFailure || status.jobName === undefined;
  }

  private wasStarted(name: string): boolean {
    const work = this.facts.work.get(name);
    if (work?.job !== undefined || work?.preflight !== undefined || work?.reboot !== undefined) return true;
    return this.facts.nodes.get(name)?.cordonedBy === ownerMark(this.facts);
  }

  private move(name: string, before: NodeStatus): void {
    const result = step(this.context, name, before);
    this.next[name] = result.status;
    this.actions.push(...result.actions);
    this.look(result.lookAgainAt);
  }

  private look(at: number | undefined): void {
    if (at !== undefined && at > this.now) this.lookAgainAt = Math.min(this.lookAgainAt, at);
  }

  private holdsSlot(name: string, status: NodeStatus): boolean {
    if (!isFinalNodePhase(status.phase)) return status.phase !== 'Pending';
    if (status.phase !== 'Completed' || status.jobName === undefined) return false;
    const node = this.facts.nodes.get(name);
    if (node === undefined) return false;
    const finished = Date.parse(status.finishedAt ?? '');
    const { soakSeconds, nodeReadyTimeoutSeconds } = this.facts.spec;
    const until = node.ready
      ? Math.max(finished, soakSeconds > 0 ? (node.readySince ?? 0) : 0) + soakSeconds * 1000
      : finished + (soakSeconds + nodeReadyTimeoutSeconds) * 1000;
    this.look(until);
    return this.now < until;
  }

  /** Verdicts that are final leave things behind: a cordon after a failed drain, a preflight pod. */
  private undo(name: string): void {
    const status = this.status(name);
    const node = this.facts.nodes.get(name);
    const final = isFinalNodePhase(status.phase);
    const unwanted = status.phase === 'Failed' && this.isUnwanted(status);
    if (node?.cordonedBy === ownerMark(this.facts) && (unwanted || status.phase === 'Cancelled')) {
      this.undoing += 1;
      this.actions.push({
        type: 'uncordon',
        node: name,
        reason: 'the node failed and is left as it was found',
      });
    }
    const recorded = this.facts.persisted.nodeStatuses?.[name]?.phase;
    const past = final || status.phase !== 'Preflight';
    if (this.facts.work.get(name)?.preflight !== undefined && past) {
      if (recorded === status.phase) {
        this.actions.push({ type: 'delete-preflight', node: name, reason: 'its verdict is on record' });
      } else this.undoing += final ? 1 : 0;
    }
  }

  /** Why no further node may be started for good. */
  private stopReason(): string | undefined {
    const { spec, cancelled } = this.facts;
    if (cancelled !== undefined) return `Cancelled: ${cancelled}`;
    const tolerated = spec.maxFailures ?? (spec.stopOnFailure ? 0 : Infinity);
    return this.failed > tolerated ? `Cancelled: ${this.failed} failed, ${tolerated} tolerated` : undefined;
  }

  private cancelRest(reason: string): void {
    for (const name of this.names) {
      const status = this.status(name);
      if (status.phase === 'Pending') this.next[name] = cancel(this.context, status, reason);
    }
  }

  private startMore(): void {
    const { spec, nodes, agentNode, window } = this.facts;
    const pending = this.names.filter((name) => this.status(name).phase === 'Pending');
    if (pending.length === 0) return;
    if (spec.suspend) {
      this.waiting = 'suspended: no new node is started';
      return;
    }
    const closed = closedBecause(window, this.now);
    if (closed !== undefined) {
      this.waiting = closed.reason;
      return this.look(closed.opensAt);
    }
    const limit = spec.concurrency === 0 ? Infinity : spec.concurrency;
    const ready = pending.filter((name) => nodes.get(name)?.ready === true);
    if (ready.length === 0) return this.waitForReady(pending);
    if (this.slots >= limit) return;
    const busy = new Set<string>();
    const order = inOrder(ready, nodes, spec, agentNode);
    let group = this.openGroup();
    for (const name of order) {
      if (this.slots >= limit) break;
      const own = this.groupOf(name);
      group ??= own;
      if (own !== group) break;
      const holder = this.facts.claims.get(name);
      if (holder !== undefined) busy.add(`${name} (busy with ${holder})`);
      else this.start(name);
    }
    if (busy.size > 0) this.waiting = `waiting for ${[...busy].slice(0, 5).join(', ')}`;
  }

  private start(name: string): void {
    this.slots += 1;
    this.move(name, begin(this.context, this.status(name)));
  }

  private groupOf(name: string): string {
    return topologyValue(this.facts.spec, this.facts.nodes.get(name));
  }

  /** The topology value that still has nodes in flight: no other begins before. */
  private openGroup(): string | undefined {
    if (this.facts.spec.topologyKey === undefined) return '';
    const open = this.names.find((name) => this.holdsSlot(name, this.status(name)));
    return open === undefined ? undefined : this.groupOf(open);
  }

  /** Only nodes that are not Ready are left; once nothing else is in flight their time runs. */
  private waitForReady(pending: readonly string[]): void {
    this.waiting = `waiting for nodes that are not Ready: ${pending.slice(0, 5).join(', ')}`;
    if (
      this.names.some(
        (name) => !isFinalNodePhase(this.status(name).phase) && this.status(name).phase !== 'Pending',
      )
    )
      return;
    const ends = this.names.map((name) => Date.parse(this.status(name).finishedAt ?? '') || 0);
    const idleSince = Math.max(Date.parse(this.facts.status.startedAt ?? '') || this.now, ...ends);
    const timeout = this.facts.spec.nodeReadyTimeoutSeconds;
    for (const name of pending) {
      const until = Math.max(idleSince, this.facts.nodes.get(name)?.readySince ?? 0) + timeout * 1000;
      if (this.now < until) this.look(until);
      else this.next[name] = fail(this.context, this.status(name), `not Ready for ${timeout} s`);
    }
  }
}
