import {
  ANNOTATION_CANCEL,
  ANNOTATION_CORDONED_BY,
  ANNOTATION_HOLD,
  ANNOTATION_NODE,
  ANNOTATION_WINDOW,
  LABEL_NODEOP_UID,
} from '../../../../src/api/labels.ts';
import type { NodeOpStatus } from '../../../../src/api/nodeop.ts';
import type { Obj } from '../../../../src/sim/store/object.ts';
import type { Seen, Time } from './seen.ts';
import { boundsOf } from './steps.ts';
import { isOutside } from './windows.ts';

/** So long an agent may take to hear of something, once nothing keeps it from hearing any more. */
const UNAWARE_MS = 120_000;
/** The same, when nothing has kept it from hearing for a while. */
const NEWS_MS = 500;
/** What was decided before such news may still be on its way. */
const UNDER_WAY_MS = 5_000;
/** So long a status may take to be written. */
const RECORDED_MS = 10_000;
const NODEOPS = 'nodeops.operator.kairos.io';

interface World {
  cluster: () => Seen;
  time: Time;
  broken: (what: string) => void;
  /** Since then nothing keeps the agents from knowing how things stand. */
  calmSince: () => number;
  /** Told of each node that a NodeOp begins with. */
  onBegin: (op: Obj, node: string) => void;
}

/** What keeps a further node from being started: people, failures, and nodes that were done and are not back. */
export class Brakes {
  /** Windows open by a clock that people set. */
  isTimeSet = false;
  /** As people asked for them, by the names of NodeOps. */
  readonly windows = new Map<string, string>();
  readonly #world: World;
  /** By UID of a NodeOp since when no further node is to be started, and why. */
  readonly #held = new Map<string, { since: number; why: string }>();
  /** By UID of a NodeOp the nodes on which something of it has been. */
  readonly #touched = new Map<string, Set<string>>();
  readonly #unreadySince = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
  }

  /** What it has seen is not on record any more. */
  isRestored(): void {
    const { store } = this.#world.cluster();
    this.#touched.clear();
    this.#held.clear();
    for (const op of this.#world.cluster().nodeOps()) this.#nodeOp(op);
    this.#unreadySince.clear();
    for (const node of store.all('nodes')) this.#node(node);
  }

  stored(key: string, object: Obj, before: Obj | undefined): void {
    const { metadata } = object;
    if (key === NODEOPS) this.#nodeOp(object);
    if (key === 'pods' && before === undefined)
      this.#touch(metadata.labels?.[LABEL_NODEOP_UID], metadata.annotations?.[ANNOTATION_NODE]);
    if (key !== 'nodes') return;
    this.#node(object);
    const mark = metadata.annotations?.[ANNOTATION_CORDONED_BY];
    if (mark !== undefined && isUncordonedNow(object, before)) this.#losesMark(metadata.name ?? '', mark);
    if (mark !== before?.metadata.annotations?.[ANNOTATION_CORDONED_BY])
      this.#touch(mark?.split('@')[1], metadata.name);
  }

  #nodeOp(op: Obj): void {
    const { uid = '' } = op.metadata;
    const why = whyHeld(op);
    if (why === undefined) this.#held.delete(uid);
    else if (!this.#held.has(uid)) this.#held.set(uid, { since: this.#world.time.now, why });
  }

  #node({ metadata: { name = '' }, status }: Obj): void {
    const conditions = (status?.['conditions'] ?? []) as { type: string; status: string }[];
    const isReady = conditions.some((it) => it.type === 'Ready' && it.status === 'True');
    if (isReady) this.#unreadySince.delete(name);
    else if (!this.#unreadySince.has(name)) this.#unreadySince.set(name, this.#world.time.now);
  }

  /** Somebody uncordoned a node that bears the mark of a NodeOp. A cordon that comes later has to be told from its own. */
  #losesMark(name: string, mark: string): void {
    const { cluster, time, broken } = this.#world;
    time.after(UNAWARE_MS, () => {
      const node = cluster().store.get('nodes', name);
      const isMarked = node?.metadata.annotations?.[ANNOTATION_CORDONED_BY] === mark;
      if (this.#isCalm && isMarked && node.spec?.['unschedulable'] !== true)
        broken(`${name} bears the mark ${mark} though somebody uncordoned it`);
    });
  }

  #touch(uid: string | undefined, node: string | undefined): void {
    if (uid === undefined || node === undefined) return;
    const touched = this.#touched.get(uid) ?? new Set();
    this.#touched.set(uid, touched);
    if (touched.has(node)) return;
    touched.add(node);
    const { cluster, time, broken } = this.#world;
    const op = cluster()
      .nodeOps()
      .find(({ metadata }) => metadata.uid === uid);
    const { nodeStatuses = {} } = (op?.status ?? {}) as NodeOpStatus;
    if (op === undefined || (nodeStatuses[node]?.phase ?? 'Pending') !== 'Pending') return;
    this.#world.onBegin(op, node);
    const window = this.windows.get(op.metadata.name ?? '') ?? op.metadata.annotations?.[ANNOTATION_WINDOW];
    if (window !== undefined && this.#isCalm && !this.isTimeSet && isOutside(window, time.now))
      broken(`${node} is started outside of the window of ${op.metadata.name}`);
    const step = stepBefore(op.status ?? {}, node);
    if (step !== undefined) broken(`${node} is started though step ${step} is not passed`);
    const { since = Infinity, why = '' } = this.#held.get(uid) ?? {};
    if (this.isKnown(since)) broken(`${node} is started though ${op.metadata.name} is ${why}`);
    if (!this.#isCalm) return;
    const begun = Object.entries(nodeStatuses).filter(
      ([name, { phase }]) => name !== node && (touched.has(name) || phase !== 'Pending'),
    );
    const unready = begun.map(([name]) => name).filter((name) => this.#isUnready(name));
    // What was begun has its place, and what is on record by then tells whether it was done.
    if (unready.length > 0) time.after(RECORDED_MS, () => this.#judge(uid, node, unready));
  }

  get #isCalm(): boolean {
    return this.#world.time.now > this.#world.calmSince() + UNAWARE_MS;
  }

  /** Whether the agent has heard of what is so since then: at once, or once what kept it from hearing was over. */
  isKnown(since: number): boolean {
    const { time, calmSince } = this.#world;
    const patience = since > calmSince() + UNAWARE_MS ? UNDER_WAY_MS : UNAWARE_MS;
    return time.now > Math.max(since, calmSince()) + patience;
  }

  /** A node that was done and is not Ready keeps its place. */
  #judge(uid: string, node: string, unready: readonly string[]): void {
    const { cluster, broken } = this.#world;
    const op = cluster()
      .nodeOps()
      .find(({ metadata }) => metadata.uid === uid);
    const { nodeStatuses = {} } = (op?.status ?? {}) as NodeOpStatus;
    const { most = Infinity } = (op && boundsOf(op).find(({ nodes }) => nodes.includes(node))) ?? {};
    const lost = unready.filter(
      (name) => nodeStatuses[name]?.phase === 'Completed' && nodeStatuses[name].jobName !== undefined,
    );
    if (lost.length + 1 > most)
      broken(`${node} was started though ${lost.length} nodes that were done were not Ready`);
  }

  #isUnready(node: string): boolean {
    const { cluster, time } = this.#world;
    if (cluster().store.get('nodes', node) === undefined) return false;
    return time.now - (this.#unreadySince.get(node) ?? Infinity) > NEWS_MS;
  }
}

/** A step before the node's own that is not on record as passed. `stepOf` has one character a target, in the order of their names. */
function stepBefore(
  { stepOf, steps = [], nodeStatuses = {} }: NodeOpStatus,
  node: string,
): string | undefined {
  const place = Object.keys(nodeStatuses).toSorted().indexOf(node);
  const own = Number.parseInt(stepOf?.[place] ?? '', 36);
  return steps.find(({ phase }, i) => i < own && phase !== 'Passed')?.name;
}

function isUncordonedNow({ spec }: Obj, before: Obj | undefined): boolean {
  return spec?.['unschedulable'] !== true && before?.spec?.['unschedulable'] === true;
}

/** Why no further node of it may be started. */
function whyHeld({ metadata, spec = {}, status }: Obj): string | undefined {
  const { annotations = {}, deletionTimestamp } = metadata;
  if (annotations[ANNOTATION_HOLD] !== undefined) return 'held';
  if (spec['suspend'] === true) return 'suspended';
  if (annotations[ANNOTATION_CANCEL] !== undefined) return 'cancelled';
  if (deletionTimestamp !== undefined) return 'deleted';
  const bound = spec['maxFailures'] ?? (spec['stopOnFailure'] === true ? 0 : Infinity);
  const entries = Object.values(((status ?? {}) as NodeOpStatus).nodeStatuses ?? {});
  const failed = entries.filter(({ phase }) => phase === 'Failed').length;
  return failed > Number(bound) ? `stopped by ${failed} failures` : undefined;
}
