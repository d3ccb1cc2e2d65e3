import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dump, load } from 'js-yaml';
import type { Clock } from '../core/ports.ts';
import type { AccessRequest } from './api/rbac.ts';
import type { ApiRequest, ApiResponse } from './api/request.ts';
import type { Person } from './api/reviews.ts';
import { ApiServer, type Stats } from './api/server.ts';
import { Deletion } from './api/deletion.ts';
import { GarbageCollector } from './controllers/garbage.ts';
import { ControllerManager } from './controllers/manager.ts';
import { isPullable } from './node/container.ts';
import { Kubelet, type Script } from './node/kubelet.ts';
import { namespacesWork } from './node/runtime.ts';
import { BUILT_IN } from './resources.ts';
import type { Obj } from './store/object.ts';
import { type EventType, Store, type StoreEvent } from './store/store.ts';
import { systemClock } from '../time/clock.ts';

export type { Outcome, Script } from './node/kubelet.ts';
export type { Obj } from './store/object.ts';

/**
 * A small Kubernetes cluster in this process: an API server over HTTP, the controllers a rollout meets,
 * and a node agent a node that really runs what containers are told to run. `script` replaces running
 * by an outcome, for tests of many nodes or of faults.
 */
export interface SimOptions {
  nodes?: number;
  /** How many of them are control-plane nodes. */
  controlPlane?: number;
  port?: number;
  /** Where the nodes' roots lie; a temporary folder, removed at the end, when absent. */
  dir?: string;
  /** Folder with CustomResourceDefinitions to begin with. */
  crds?: string;
  script?: Script;
  /** Whether an image can be had, asked at every attempt; all can be but those of a registry below `.invalid`. */
  pullable?: (image: string) => boolean;
  /** How long a node takes to boot. */
  bootMs?: number;
  /** Delay before a Job's failed pod is replaced, doubled each time. */
  jobBackoffMs?: number;
  /** Time between the bookmarks of a watch: a minute, as API servers do it. */
  bookmarkMs?: number;
  /** Asked before every request for a resource; an answer refuses it with 403. */
  refuse?: (request: AccessRequest) => string | undefined;
  /** Whose tokens a TokenReview knows, by token; roles and bindings in the cluster say what they may do. */
  people?: Readonly<Record<string, Person>>;
  /** What the store of an earlier cluster told, to go on from: that cluster lost its power. */
  past?: Iterable<{ key: string; type: EventType; object: Obj }>;
  /** Told of every change as it is stored, from the first one on. */
  told?: (key: string, event: StoreEvent) => void;
  /** What its time is; with another than the machine's, what runs has to be scripted. */
  clock?: Clock;
}

export interface Sim {
  url: string;
  /** Text of a kubeconfig file. */
  kubeconfig: string;
  dir: string;
  store: Store;
  namespaces: boolean;
  node: (name: string) => Kubelet;
  takeStats: () => Stats;
  /** Answers a request that did not come over its port. */
  serve: (request: ApiRequest, response: ApiResponse) => Promise<void>;
  stop: () => Promise<void>;
}

export async function startSim(options: SimOptions = {}): Promise<Sim> {
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'nodeop-sim-'));
  mkdirSync(dir, { recursive: true });
  const namespaces = options.script === undefined && namespacesWork(dir);
  const { clock = systemClock } = options;
  const store = new Store({ clock });
  for (const type of BUILT_IN) store.register(type);
  const kubelets = new Map<string, Kubelet>();
  const kubeletOf = (pod: Obj) => kubelets.get(String(pod.spec?.['nodeName']));
  const deletion = new Deletion({ store, stopPod: (pod, grace) => kubeletOf(pod)?.delete(pod, grace) });
  const garbage = new GarbageCollector(store, deletion);
  const server = new ApiServer({
    store,
    deletion,
    log: (pod) => kubeletOf(pod)?.log(pod) ?? new Map(),
    created: (key, object) => garbage.check(key, object),
    bookmarkMs: options.bookmarkMs ?? 60_000,
    refuse: options.refuse,
    people: options.people,
  });
  for (const { key, type, object } of options.past ?? []) store.replay(key, type, object);
  if (options.told) store.watchAll(options.told);
  if (options.past === undefined) seed(store, options);
  // Nothing runs yet that would have to be stopped when the port is taken.
  const port = await server.listen(options.port ?? 0);
  const timing = { backoffMs: options.jobBackoffMs ?? 500 };
  const manager = new ControllerManager({ store, deletion, garbage, timing });
  manager.start();
  if (options.past !== undefined) garbage.checkAll();
  for (const node of store.all('nodes')) {
    const kubelet = new Kubelet(node.metadata.name ?? '', {
      store,
      dir,
      namespaces,
      script: options.script,
      bootMs: options.bootMs ?? 2_000,
      pullable: options.pullable ?? isPullable,
    });
    kubelets.set(kubelet.name, kubelet);
    kubelet.start();
  }
  const unwatch = store.watch('pods', 0, ({ type, object }) => {
    if (type === 'DELETED') kubeletOf(object)?.forget(object);
    else setImmediate(() => kubeletOf(object)?.adopt(object));
  });
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    kubeconfig: kubeconfig(url),
    dir,
    store,
    namespaces,
    node: (name) => {
      const kubelet = kubelets.get(name);
      if (kubelet === undefined) throw new Error(`there is no node ${name}`);
      return kubelet;
    },
    takeStats: () => server.takeStats(),
    serve: (request, response) => server.serve(request, response),
    stop: async () => {
      unwatch();
      manager.stop();
      await Promise.all([...kubelets.values()].map((kubelet) => kubelet.stop()));
      await server.close();
      if (options.dir === undefined) rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function seed(store: Store, options: SimOptions): void {
  for (const name of ['default', 'kube-system', 'kube-node-lease', 'nodeop-system']) {
    store.create('namespaces', { metadata: { name }, status: { phase: 'Active' } });
  }
  const folder = options.crds ?? manifestsFolder();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.yaml'))) {
    const crd = load(readFileSync(join(folder, file), 'utf8')) as Obj;
    const conditions = [{ type: 'Established', status: 'True' }];
    if (crd.kind === 'CustomResourceDefinition') {
      store.create('customresourcedefinitions.apiextensions.k8s.io', { ...crd, status: { conditions } });
    }
  }
  for (let i = 1; i <= (options.nodes ?? 3); i += 1)
    store.create('nodes', nodeSeed(i, i <= (options.controlPlane ?? 0)));
}

/** `manifests/crd` of the package, whether this runs from `src/sim` or bundled from `dist`. */
function manifestsFolder(): string {
  const candidates = ['../../manifests/crd', '../manifests/crd'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  const found = candidates.find((path) => existsSync(path));
  if (found === undefined)
    throw new Error(`there is no folder with CRDs; looked for ${candidates.join(', ')}`);
  return found;
}

const ARCH = process.arch === 'x64' ? 'amd64' : process.arch;
const CONTROL_PLANE = {
  'node-role.kubernetes.io/control-plane': '',
  'node.kubernetes.io/exclude-from-external-load-balancers': '',
};
/** Nothing is held to it; without a number for `pods` a node takes any. */
const CAPACITY = { cpu: '4', memory: '8Gi', 'ephemeral-storage': '50Gi' };
/** kubeadm gives workers no role; people do, so that run files can select them. */
const WORKER = { 'node-role.kubernetes.io/worker': '' };

function nodeSeed(index: number, controlPlane: boolean): Obj {
  const name = `node-${index}`;
  return {
    metadata: {
      name,
      labels: {
        // As kubeadm and the kubelet label them.
        'beta.kubernetes.io/arch': ARCH,
        'beta.kubernetes.io/os': 'linux',
        'kubernetes.io/arch': ARCH,
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'topology.kubernetes.io/zone': `zone-${'abc'[(index - 1) % 3]}`,
        'kairos.io/managed': 'true',
        ...(controlPlane ? CONTROL_PLANE : WORKER),
      },
    },
    spec: {},
    status: {
      addresses: [
        { type: 'InternalIP', address: `10.0.${Math.floor(index / 250)}.${(index % 250) + 1}` },
        { type: 'Hostname', address: name },
      ],
      capacity: CAPACITY,
      allocatable: CAPACITY,
      nodeInfo: {
        architecture: ARCH,
        operatingSystem: 'linux',
        osImage: 'Embedded',
        kernelVersion: '6.0.0-embedded',
        containerRuntimeVersion: 'embedded://1.0.0',
      },
    },
  };
}

function kubeconfig(server: string): string {
  // The official client takes plain HTTP only with this flag; the server listens on loopback alone.
  const cluster = { server, 'insecure-skip-tls-verify': true };
  return dump({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'sim',
    clusters: [{ name: 'sim', cluster }],
    users: [{ name: 'sim', user: {} }],
    contexts: [{ name: 'sim', context: { cluster: 'sim', user: 'sim' } }],
  });
}
