import { ANNOTATION_NODE, LABEL_NODEOP_UID } from '../../../../src/api/labels.ts';
import type { Obj } from '../../../../src/sim/store/object.ts';
import { kindOf } from '../machine.ts';
import type { Seen } from './seen.ts';

interface World {
  cluster: () => Seen;
  broken: (what: string) => void;
}

/**
 * Whoever ends a command ends its Job first: a pod that goes before has another one made in its place, in which the command may
 * begin after all.
 */
export class Replaced {
  readonly #world: World;
  /** By UID of a NodeOp and node: a pod of its command was told to go, and not by people. */
  readonly #toldToGo = new Set<string>();

  constructor(world: World) {
    this.#world = world;
  }

  stored(pod: Obj, before: Obj | undefined, byPeople: boolean): void {
    if (kindOf(pod) !== 'command') return;
    const node = pod.metadata.annotations?.[ANNOTATION_NODE] ?? '';
    const key = `${pod.metadata.labels?.[LABEL_NODEOP_UID]}/${node}`;
    if (before === undefined && this.#toldToGo.has(key))
      this.#world.broken(`a pod of the command on ${node} takes the place of one that was told to go`);
    const isToldNow =
      pod.metadata.deletionTimestamp !== undefined && before?.metadata.deletionTimestamp === undefined;
    const { store } = this.#world.cluster();
    const name = pod.metadata.labels?.['batch.kubernetes.io/job-name'] ?? '';
    const job = store.get('jobs.batch', name, pod.metadata.namespace);
    const goesOn = job !== undefined && job.metadata.deletionTimestamp === undefined;
    // What goes with its node is nobody's doing.
    const isThere = store.get('nodes', node) !== undefined;
    if (isToldNow && !byPeople && goesOn && isThere) this.#toldToGo.add(key);
  }

  /** What it has seen is not on record any more. */
  isRestored(): void {
    this.#toldToGo.clear();
  }
}
