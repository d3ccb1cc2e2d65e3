import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { customTypes } from '../../src/sim/api/crd.ts';
import { BUILT_IN } from '../../src/sim/resources.ts';
import { at, type Obj } from '../../src/sim/store/object.ts';
import { type EventType, Store } from '../../src/sim/store/store.ts';
import { kindOf } from '../simulation/world/machine.ts';
import { Oracles } from '../simulation/world/oracles.ts';
import { Clock } from './clock.ts';
import type { Entry } from './journal.ts';

const CRD = 'manifests/crd/nodeops.operator.kairos.io.yaml';
/** Who cordons a node by hand says so, to be told from the agent. */
export const BY_PEOPLE = 'chaos.nodeop.dev/by-people';

/** Follows a cluster by what is told of it, and holds it against the promises of the simulation. */
export class Observer {
  readonly store = new Store();
  readonly time = new Clock();
  readonly oracles: Oracles;
  /** Until then nobody can expect anything of the agents. */
  readonly trouble = { troubleUntil: Infinity, unawareUntil: Infinity };
  starts = 0;
  /** By UID of a pod the node that its container runs on. */
  readonly #running = new Map<string, string>();
  readonly #boots = new Map<string, unknown>();

  constructor() {
    for (const type of BUILT_IN) this.store.register(type);
    for (const { type } of customTypes(load(readFileSync(CRD, 'utf8')) as Obj)) this.store.register(type);
    this.oracles = new Oracles(() => this, this.time, this.trouble);
    this.oracles.watch();
  }

  nodeOps(): Obj[] {
    return this.store.all('nodeops.operator.kairos.io');
  }

  feed(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.time.passesTo(entry.at);
      if (entry.what === 'stored') this.#stored(entry.key, entry.type, entry.object);
      else if (entry.what === 'asked') this.oracles.asked(entry.node, entry.pod);
      else this.#starts(entry.node, entry.pod);
    }
  }

  #starts(node: string, pod: Obj): void {
    this.starts += 1;
    this.#running.set(pod.metadata.uid ?? '', node);
    this.oracles.containerStarts(node, kindOf(pod), pod);
  }

  #stored(key: string, type: EventType, object: Obj): void {
    if (!this.store.has(key)) return;
    const { name = '', namespace } = object.metadata;
    const before = this.store.get(key, name, namespace);
    const mark = (of: Obj | undefined) => of?.metadata.annotations?.[BY_PEOPLE];
    this.oracles.byPeople = key === 'nodes' && mark(before) !== mark(object);
    if (this.oracles.byPeople && mark(object) === 'cordon') this.oracles.peoplesCordons.add(name);
    else if (this.oracles.byPeople) this.oracles.peoplesCordons.delete(name);
    this.store.replay(key, type, object);
    this.oracles.byPeople = false;
    if (key === 'nodes') this.#node(name, object);
    if (key === 'pods') this.#pod(object, type === 'DELETED');
  }

  #node(name: string, node: Obj): void {
    const boot = at(node, 'status.nodeInfo.bootID');
    const isKnown = this.#boots.has(name);
    if (isKnown && boot !== this.#boots.get(name)) this.oracles.rebooted(name);
    if (boot !== undefined) this.#boots.set(name, boot);
  }

  #pod(pod: Obj, gone: boolean): void {
    const { uid = '' } = pod.metadata;
    const node = this.#running.get(uid);
    const exitCode = exitCodeOf(pod);
    if (node === undefined || (exitCode === undefined && !gone)) return;
    this.#running.delete(uid);
    this.oracles.containerEnds(node, kindOf(pod), pod, exitCode);
  }
}

/** Of its container's last run, when that is over: one that is started again waits. */
function exitCodeOf(pod: Obj): number | undefined {
  interface State {
    running?: object;
    terminated?: { exitCode: number };
  }
  const statuses = (at(pod, 'status.containerStatuses') ?? []) as { state?: State; lastState?: State }[];
  const ended = statuses.find(({ state }) => state?.running === undefined);
  return ended?.state?.terminated?.exitCode ?? ended?.lastState?.terminated?.exitCode;
}
