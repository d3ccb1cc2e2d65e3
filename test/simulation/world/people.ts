import { ANNOTATION_CORDONED_BY, ANNOTATION_WINDOW } from '../../../src/api/labels.ts';
import { isFinalPhase, type NodeOpStatus } from '../../../src/api/nodeop.ts';
import type { Obj } from '../../../src/sim/store/object.ts';
import { type Cluster, NAMESPACE } from './cluster.ts';
import { kindOf } from './machine.ts';
import type { Oracles } from './oracles.ts';
import type { Event, OpPlan } from './plan.ts';
import type { Repository } from './repository.ts';
import type { VirtualTime } from './time.ts';

const NODEOPS = 'nodeops.operator.kairos.io';
const OPS = `/apis/operator.kairos.io/v1alpha1/namespaces/${NAMESPACE}/nodeops`;

/** So long people need to look at a cluster that was restored. */
const AGAIN_MS = 120_000;

type Deed = Extract<Event, { kind: 'people' }>;

interface World {
  time: VirtualTime;
  cluster: Cluster;
  oracles: Oracles;
  repository: Repository | undefined;
  /** Operations that were asked for. */
  asked: Set<string>;
  note: (what: string) => void;
}

/** Those who work with kubectl, and with the repository where there is one. */
export class People {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** Asks for an operation. */
  ask(op: OpPlan): void {
    const { name, spec, window } = op;
    const { repository, asked, note, time } = this.#world;
    if (repository) {
      // What is there at first contact is passed over, whoever merged it.
      if (!repository.isKnown) return void time.after(5_000, () => this.ask(op));
      asked.add(name);
      note(`people: merge runs/${name}.yaml`);
      time.activity += 1;
      return repository.merge(op);
    }
    asked.add(name);
    const annotations = window === undefined ? {} : { [ANNOTATION_WINDOW]: window };
    const metadata = { name, namespace: NAMESPACE, annotations };
    const apiVersion = 'operator.kairos.io/v1alpha1';
    void this.#request('POST', OPS, { apiVersion, kind: 'NodeOp', metadata, spec });
  }

  happen({ what, on, ms }: Deed): void {
    const { cluster, oracles, repository, time } = this.#world;
    const { store } = cluster;
    const node = `/api/v1/nodes/${on}`;
    const op = `${OPS}/${on}`;
    switch (what) {
      case 'cordon':
        if (store.get('nodes', on)?.spec?.['unschedulable'] === true) return;
        // Under a mark that is still there nobody can tell whose it is.
        if (store.get('nodes', on)?.metadata.annotations?.[ANNOTATION_CORDONED_BY] === undefined)
          oracles.peoplesCordons.add(on);
        return void this.#request('PATCH', node, { spec: { unschedulable: true } });
      case 'uncordon':
        oracles.peoplesCordons.delete(on);
        return void this.#request('PATCH', node, { spec: { unschedulable: null } });
      case 'delete':
        return void this.#request('DELETE', op);
      case 'cancel':
        return this.#annotate(op, 'cancel', 'enough');
      case 'suspend':
        time.after(ms, () => void this.#request('PATCH', op, { spec: { suspend: false } }));
        return void this.#request('PATCH', op, { spec: { suspend: true } });
      case 'hold':
        time.after(ms, () => this.#annotate(op, 'hold', null));
        return this.#annotate(op, 'hold', 'wait');
      case 'copy':
        return this.#copy(on);
      case 'restore':
        return this.#restore(on);
      case 'delete pod':
        return this.#deletePods(on);
      case 'delete job':
        return this.#deleteJobs(on);
      case 'revert':
        if (repository?.holds(`${on}.yaml`) === true) repository.revert(`${on}.yaml`);
    }
  }

  #annotate(path: string, name: string, value: string | null): void {
    const annotations = { [`agent.nodeop.dev/${name}`]: value };
    void this.#request('PATCH', path, { metadata: { annotations } });
  }

  #deletePods(node: string): void {
    for (const pod of this.#world.cluster.store.podsOn(node))
      if (kindOf(pod) !== 'workload')
        void this.#request('DELETE', `/api/v1/namespaces/${NAMESPACE}/pods/${pod.metadata.name}`);
  }

  #deleteJobs(node: string): void {
    const { store } = this.#world.cluster;
    const pods = store.podsOn(node);
    for (const pod of pods) this.#world.oracles.forgets(pod, node);
    const names = pods.map((pod) => pod.metadata.labels?.['batch.kubernetes.io/job-name']);
    for (const name of new Set(names.filter((it) => it !== undefined)))
      void this.#request('DELETE', `/apis/batch/v1/namespaces/${NAMESPACE}/jobs/${name}`, {
        propagationPolicy: 'Background',
      });
  }

  /** As a backup tool restores it: all but what the API server gives. */
  #copy(of: string): void {
    const { cluster, oracles } = this.#world;
    const op = cluster.store.get(NODEOPS, of, NAMESPACE);
    if (op?.metadata.annotations?.['agent.nodeop.dev/executed-spec'] === undefined) return;
    const { annotations, labels } = op.metadata;
    const name = `${op.metadata.name}-copy`;
    if (cluster.store.get(NODEOPS, name, NAMESPACE)) return;
    const metadata = { name, namespace: NAMESPACE, annotations, labels: labels ?? {} } as Obj['metadata'];
    const made = cluster.store.create(NODEOPS, { metadata, spec: op.spec ?? {} });
    oracles.copies.add(made.metadata.uid ?? '');
  }

  /** As a whole cluster is restored from a backup: under its name and with its status, but with another UID. */
  #restore(name: string): void {
    const { cluster, oracles } = this.#world;
    const { store } = cluster;
    const op = store.get(NODEOPS, name, NAMESPACE);
    if (op === undefined || !isFinalPhase(((op.status ?? {}) as NodeOpStatus).phase)) return;
    const { annotations = {}, labels = {} } = op.metadata;
    store.remove(NODEOPS, store.update(NODEOPS, { ...op, metadata: { ...op.metadata, finalizers: [] } }));
    const metadata = { name, namespace: NAMESPACE, annotations, labels };
    const made = store.create(NODEOPS, { metadata, spec: op.spec ?? {}, status: op.status ?? {} });
    oracles.copies.add(made.metadata.uid ?? '');
  }

  /** What people had taken back by then may be there again: they take it back once more. */
  isRestored(): void {
    const { cluster, time } = this.#world;
    for (const { metadata, spec } of cluster.nodeOps()) {
      const op = `${OPS}/${metadata.name}`;
      const isHeld = metadata.annotations?.['agent.nodeop.dev/hold'] !== undefined;
      if (isHeld) time.after(AGAIN_MS, () => this.#annotate(op, 'hold', null));
      if (spec?.['suspend'] === true)
        time.after(AGAIN_MS, () => void this.#request('PATCH', op, { spec: { suspend: false } }));
    }
  }

  /** What people do with kubectl is not the network's to lose here. */
  async #request(method: string, url: string, body?: unknown): Promise<void> {
    const { cluster, oracles, note } = this.#world;
    note(`people: ${method} ${url}`);
    oracles.byPeople = true;
    const request = {
      method,
      url,
      headers: { 'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' },
      [Symbol.asyncIterator]: async function* pieces() {
        if (body !== undefined) yield Buffer.from(JSON.stringify(body));
      },
    };
    const nothing = () => {};
    const response = { statusCode: 0, headersSent: false, setHeader: nothing, getHeader: nothing };
    await cluster.server.serve(request, {
      ...response,
      writeHead: (code) => note(`people: answered ${code}`),
      flushHeaders: nothing,
      write: nothing,
      end: nothing,
      on: nothing,
    });
    oracles.byPeople = false;
  }
}
