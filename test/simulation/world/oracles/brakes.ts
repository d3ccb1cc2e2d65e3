import {
  ANNOTATION_CORDONED_BY,
  ANNOTATION_HOLD,
  ANNOTATION_NODE,
  LABEL_NODEOP_UID,
} from '../../../../src/api/labels.ts';
import type { NodeOpStatus } from '../../../../src/api/nodeop.ts';
import type { Obj } from '../../../../src/sim/store/object.ts';
import type { Cluster } from '../cluster.ts';
import type { VirtualTime } from '../time.ts';

/** So long an agent may take to hear of something. */
const UNAWARE_MS = 120_000;
/** The same, when nothing keeps it from hearing. */
const NEWS_MS = 500;
/** So long a status may take to be written. */
const RECORDED_MS = 10_000;
const NODEOPS = 'nodeops.operator.kairos.io';

interface World {
  cluster: () => Cluster;
  time: VirtualTime;
  broken: (what: string) => void;
  /** Nothing has kept the agents from knowing how things stand for a while. */
  isCalm: () => boolean;
}

/** What keeps a further node from being started: people, and nodes that were done and are not back. */
export class Brakes {
  readonly #world: World;
  /** By UID of a NodeOp since when people hold it. */
  readonly #held = new Map<string, number>();
  /** By UID of a NodeOp the nodes on which something of it has been. */
  readonly #touched = new Map<string, Set<string>>();
  readonly #unreadySince = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
  }

  stored(key: string, object: Obj, before: Obj | undefined): void {
    const { metadata } = object;
    if (key === NODEOPS) this.#nodeOp(object);
    if (key === 'pods' && before === undefined)
      this.#touch(metadata.labels?.[LABEL_NODEOP_UID], metadata.annotations?.[ANNOTATION_NODE]);
    if (key !== 'nodes') return;
    this.#node(object);
    const mark = metadata.annotations?.[ANNOTATION_CORDONED_BY];
    if (mark !== before?.metadata.annotations?.[ANNOTATION_CORDONED_BY])
      this.#touch(mark?.split('@')[1], metadata.name);
  }

  #nodeOp({ metadata: { uid = '', annotations = {} }, spec }: Obj): void {
    const isHeld = annotations[ANNOTATION_HOLD] !== undefined || spec?.['suspend'] === true;
    if (!isHeld) this.#held.delete(uid);
    else if (!this.#held.has(uid)) this.#held.set(uid, this.#world.time.now);
  }

  #node({ metadata: { name = '' }, status }: Obj): void {
    const conditions = (status?.['conditions'] ?? []) as { type: string; status: string }[];
    const isReady = conditions.some((it) => it.type === 'Ready' && it.status === 'True');
    if (isReady) this.#unreadySince.delete(name);
    else if (!this.#unreadySince.has(name)) this.#unreadySince.set(name, this.#world.time.now);
  }

  #touch(uid: string | undefined, node: string | undefined): void {
    if (uid === undefined || node === undefined) return;
    const touched = this.#touched.get(uid) ?? new Set();
    this.#touched.set(uid, touched);
    if (touched.has(node)) return;
    touched.add(node);
    const { cluster, time, broken, isCalm } = this.#world;
    const op = cluster()
      .nodeOps()
      .find(({ metadata }) => metadata.uid === uid);
    const { nodeStatuses = {} } = (op?.status ?? {}) as NodeOpStatus;
    if (op === undefined || !isCalm() || (nodeStatuses[node]?.phase ?? 'Pending') !== 'Pending') return;
    if (time.now - (this.#held.get(uid) ?? Infinity) > UNAWARE_MS)
      broken(`${node} is started though people hold ${op.metadata.name}`);
    const unready = Object.keys(nodeStatuses).filter((name) => name !== node && this.#isUnready(name));
    // What is on record by then was decided by now.
    if (unready.length > 0) time.after(RECORDED_MS, () => this.#judge(uid, node, unready));
  }

  /** A node that was done and is not Ready keeps its place. */
  #judge(uid: string, node: string, unready: readonly string[]): void {
    const { cluster, broken } = this.#world;
    const op = cluster()
      .nodeOps()
      .find(({ metadata }) => metadata.uid === uid);
    const { nodeStatuses = {} } = (op?.status ?? {}) as NodeOpStatus;
    const bound = Number(op?.spec?.['concurrency'] ?? 0);
    const lost = unready.filter(
      (name) => nodeStatuses[name]?.phase === 'Completed' && nodeStatuses[name].jobName !== undefined,
    );
    if (bound > 0 && lost.length + 1 > bound)
      broken(`${node} was started though ${lost.length} nodes that were done were not Ready`);
  }

  #isUnready(node: string): boolean {
    const { cluster, time } = this.#world;
    if (cluster().store.get('nodes', node) === undefined) return false;
    return time.now - (this.#unreadySince.get(node) ?? Infinity) > NEWS_MS;
  }
}
