import { ANNOTATION_NODE, LABEL_NODEOP_UID } from '../../../../src/api/labels.ts';
import type { NodeOpStatus } from '../../../../src/api/nodeop.ts';
import type { Obj } from '../../../../src/sim/store/object.ts';
import { kindOf } from '../machine.ts';
import type { Seen, Time } from './seen.ts';

/**
 * What an agent hears of is acted on and on record by then: another one has taken over from one that died, a watch whose other
 * end is gone was found out, a status patch was tried again.
 */
const ACTED_MS = 90_000;
const NODEOPS = 'nodeops.operator.kairos.io';

interface World {
  cluster: () => Seen;
  time: Time;
  broken: (what: string) => void;
  /** Until then something keeps the agents from acting. */
  troubleUntil: () => number;
  copies: ReadonlySet<string>;
}

/** What has happened moves the rollout on, in bounded time. */
export class Progress {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  stored(key: string, object: Obj, before: Obj | undefined, gone: boolean): void {
    if (gone) return;
    const { metadata } = object;
    if (key === NODEOPS && before === undefined)
      this.#expect(`${metadata.name} is looked at`, () => this.#isUnseen(metadata.uid ?? ''));
    if (key === 'jobs.batch' && hasEnded(object) && !hasEnded(before)) this.#ended(object, 'Running');
    if (key !== 'pods' || !isFinished(object) || isFinished(before)) return;
    const kind = kindOf(object);
    if (kind === 'preflight') this.#ended(object, 'Preflight');
    if (kind === 'postflight') this.#ended(object, 'Postflight');
  }

  #isUnseen(uid: string): boolean {
    const op = this.#op(uid);
    return op !== undefined && op.status === undefined && !this.#world.copies.has(uid);
  }

  #ended({ metadata }: Obj, phase: 'Running' | 'Preflight' | 'Postflight'): void {
    const uid = metadata.labels?.[LABEL_NODEOP_UID] ?? '';
    const node = metadata.annotations?.[ANNOTATION_NODE] ?? '';
    this.#expect(`the end of ${metadata.name} is seen`, () => {
      const status = (this.#op(uid)?.status ?? {}) as NodeOpStatus;
      const entry = status.nodeStatuses?.[node];
      return entry?.phase === phase && entry.ending === undefined && this.#podsAreDone(uid, node);
    });
  }

  /** A command whose pods are not known to have ended has no verdict yet. */
  #podsAreDone(uid: string, node: string): boolean {
    return this.#world
      .cluster()
      .store.podsOn(node)
      .every((pod) => pod.metadata.labels?.[LABEL_NODEOP_UID] !== uid || isFinished(pod));
  }

  #op(uid: string): Obj | undefined {
    return this.#world
      .cluster()
      .nodeOps()
      .find(({ metadata }) => metadata.uid === uid);
  }

  /** Looks again once nothing has kept the agents from it for long enough. */
  #expect(what: string, isOpen: () => boolean): void {
    const { time, broken, troubleUntil } = this.#world;
    const began = time.now;
    const look = () => {
      if (!isOpen()) return;
      const wait = Math.max(began, troubleUntil()) + ACTED_MS - time.now;
      if (wait > 0) time.after(wait, look);
      else broken(`it takes more than ${Math.round((time.now - began) / 1000)} s until ${what}`);
    };
    time.after(ACTED_MS, look);
  }
}

function isFinished(pod: Obj | undefined): boolean {
  return ['Succeeded', 'Failed'].includes(String(pod?.status?.['phase']));
}

function hasEnded(job: Obj | undefined): boolean {
  const conditions = (job?.status?.['conditions'] ?? []) as { type: string; status: string }[];
  return conditions.some(({ type, status }) => ['Complete', 'Failed'].includes(type) && status === 'True');
}
