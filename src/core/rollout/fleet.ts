import type { NodeStatus, Summary } from '../../api/nodeop.ts';
import { atOnce } from './amounts.ts';
import type { Assessment } from './assess.ts';
import type { NodeFacts, RolloutFacts } from './facts.ts';
import { MessageRoom } from './message-room.ts';
import { count, noneCounted, summaryOf } from './summary.ts';
import { StepMembers } from './steps/members.ts';
import { inOrder, isControlPlane, topologyValue } from './targets.ts';

/**
 * The targets of a rollout as the last look left them, by their place in the order of their names, with all that is counted of
 * them. A look changes what belongs to the nodes it looks at, and nothing here decides anything.
 */
export class Fleet {
  readonly names: readonly string[];
  readonly room: MessageRoom;
  /** Nodes that are not begun, in the order of their names. */
  readonly pending = new Set<number>();
  /** Those that were Ready and not begun when they were looked at last; after that only all are given up at once. */
  readonly startable = new Set<number>();
  /** Those of them whose wait for being Ready is on record. */
  readonly stamped = new Set<number>();
  /** Nodes that keep the next one from being begun. */
  readonly slots = new Set<number>();
  /** Nodes that count as failed, whatever the verdict on them. */
  readonly failed = new Set<number>();
  /** Nodes of which there is more to say than their entry does. */
  readonly notable = new Map<number, Assessment>();
  /** What the entries were that changed since the look began. */
  changed = new Map<number, NodeStatus>();
  /** Undefined for a rollout without steps. */
  readonly steps: StepMembers | undefined;
  private readonly statuses: NodeStatus[];
  private readonly places: ReadonlyMap<string, number>;
  private readonly counts = noneCounted();
  private begun = 0;
  private firstFailed = Infinity;
  private record: Record<string, NodeStatus>;
  /** Somebody else holds the record, and nothing in it may change. */
  private isShared = true;
  private queue: { places: readonly number[]; ranks: ReadonlyMap<number, string>; next: number } | undefined;

  constructor(facts: RolloutFacts, record: Record<string, NodeStatus>) {
    const { name, uid, spec } = facts;
    this.record = record;
    this.names = Object.keys(record);
    this.statuses = Object.values(record);
    this.places = new Map(this.names.map((it, i) => [it, i]));
    this.steps = StepMembers.of(facts, this.names);
    const whole = atOnce(spec.concurrency, this.names.length);
    const most = Math.max(...(this.steps?.rules.map(({ concurrency }) => concurrency) ?? [whole]));
    this.room = new MessageRoom({ name, uid }, this.names, most);
    for (const [i, status] of this.statuses.entries()) this.enlist(i, undefined, status);
  }

  get nodeStatuses(): Record<string, NodeStatus> {
    return this.record;
  }

  get summary(): Summary {
    return summaryOf(this.counts);
  }

  get isIdle(): boolean {
    return this.counts.inFlight === 0;
  }

  /** Something was done on some node. */
  get hasBegun(): boolean {
    return this.begun > 0;
  }

  /** The first node that failed, in the order of their names. */
  get firstFailure(): readonly [name: string, status: NodeStatus] | undefined {
    const status = this.statuses[this.firstFailed];
    return status && [this.names[this.firstFailed] ?? '', status];
  }

  /** Undefined when the node is no target. */
  placeOf(name: string): number | undefined {
    return this.places.get(name);
  }

  nameOf(i: number): string {
    return this.names[i] ?? '';
  }

  status(i: number): NodeStatus {
    return this.statuses[i] ?? { phase: 'Pending' };
  }

  set(i: number, status: NodeStatus): void {
    const before = this.status(i);
    if (before === status) return;
    if (!this.changed.has(i)) this.changed.set(i, before);
    this.statuses[i] = status;
    // To copy thousands of entries takes longer than all the rest of a look.
    if (this.isShared) this.record = { ...this.record };
    this.isShared = false;
    this.record[this.nameOf(i)] = status;
    this.enlist(i, before, status);
  }

  /** The entries are again what they were when the look began; nothing else here is true then. */
  takeBack(): void {
    for (const [i, before] of this.changed) this.record[this.nameOf(i)] = before;
  }

  /** Puts down what a look has made of a node. */
  take(i: number, found: Assessment, isReady: boolean): void {
    put(this.slots, i, found.holdsSlot);
    put(this.failed, i, found.countsAsFailed);
    put(this.startable, i, this.pending.has(i) && isReady);
    this.steps?.take(i, this.status(i), found.countsAsFailed, this.startable.has(i));
    if (found.isNotable) this.notable.set(i, found);
    else this.notable.delete(i);
  }

  /** Its turn may be another one: whether it comes first depends on its labels. */
  rank(i: number, spec: RolloutFacts['spec'], node: NodeFacts | undefined): void {
    if (this.pending.has(i) && this.queue?.ranks.get(i) !== rankOf(spec, node)) this.queue = undefined;
  }

  /** From now on the record stays as it is, for whoever holds it; the next change makes another one. */
  share(): void {
    this.isShared = true;
  }

  /** The nodes that are not begun, in the order in which they are. */
  *inTurn({ spec, nodes, agentNode }: RolloutFacts): Generator<number> {
    this.queue ??= this.queueOf(spec, nodes, agentNode);
    const { queue } = this;
    while (queue.next < queue.places.length && !this.pending.has(queue.places[queue.next] ?? -1))
      queue.next += 1;
    for (let at = queue.next; at < queue.places.length; at += 1) {
      const i = queue.places[at] ?? -1;
      if (this.pending.has(i)) yield i;
    }
  }

  private queueOf(
    spec: RolloutFacts['spec'],
    nodes: RolloutFacts['nodes'],
    agentNode: string | undefined,
  ): NonNullable<Fleet['queue']> {
    const names = [...this.pending].map((i) => this.nameOf(i));
    const inTurn = inOrder(names, nodes, spec, agentNode).map((name) => this.places.get(name) ?? -1);
    const { steps } = this;
    const places = steps ? inTurn.toSorted((a, b) => steps.stepOf(a) - steps.stepOf(b)) : inTurn;
    const ranks = new Map(places.map((i) => [i, rankOf(spec, nodes.get(this.nameOf(i)))]));
    return { places, ranks, next: 0 };
  }

  private enlist(i: number, before: NodeStatus | undefined, status: NodeStatus): void {
    if (before !== undefined) count(this.counts, before, -1);
    count(this.counts, status, 1);
    this.room.exchange(before, status);
    this.begun += (status.startedAt === undefined ? 0 : 1) - (before?.startedAt === undefined ? 0 : 1);
    const isPending = status.phase === 'Pending';
    put(this.pending, i, isPending);
    put(this.stamped, i, isPending && status.phaseStartedAt !== undefined);
    this.steps?.enlist(i, before, status);
    if (status.phase === 'Failed') this.firstFailed = Math.min(this.firstFailed, i);
  }
}

/** What a node's turn depends on beside its name. */
function rankOf(spec: RolloutFacts['spec'], node: NodeFacts | undefined): string {
  return `${node !== undefined && isControlPlane(node)} ${topologyValue(spec, node)}`;
}

function put(set: Set<number>, i: number, isIn: boolean): void {
  if (isIn) set.add(i);
  else set.delete(i);
}
