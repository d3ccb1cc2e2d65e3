import { execFile, spawnSync } from 'node:child_process';
import * as fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Controller } from '../../src/agent/rollouts/controller.ts';
import { createLogger } from '../../src/agent/logger.ts';
import type { NodeOp } from '../../src/api/nodeop.ts';
import { conditionOf, useTarget } from '../conformance/target.ts';

/**
 * The same pods on two nodes: one drained by `kubectl drain`, one by a NodeOp. What is left and what is
 * refused has to be the same. The nodes are objects only, with no machine behind them, so that pods are
 * in exactly the state a case wants.
 */
interface TwinPod {
  controlled: boolean;
  mirror: boolean;
  emptyDir: boolean;
  phase: 'Running' | 'Pending' | 'Succeeded' | 'Failed';
  ready: boolean;
  budgets: 'none' | 'free' | 'blocked' | 'two';
}

interface Case {
  pods: TwinPod[];
  daemonSet: boolean;
  /** Pods that come back to the node whatever its cordon says. */
  clinging: boolean;
  force: boolean;
  deleteEmptyDirData: boolean;
  ignoreDaemonSets: boolean;
}

interface Outcome {
  done: boolean;
  left: string[];
  refused: string[];
}

/** True about once in so many times. */
const oneIn = (times: number) => fc.nat(times - 1).map((n) => n === 0);
const pod = fc.record<TwinPod>({
  controlled: oneIn(5).map((no) => !no),
  mirror: oneIn(8),
  emptyDir: oneIn(5),
  phase: fc.constantFrom('Running', 'Running', 'Running', 'Pending', 'Succeeded', 'Failed'),
  ready: fc.boolean(),
  budgets: fc.constantFrom('none', 'none', 'none', 'free', 'blocked', 'two'),
});
const cases = fc.record<Case>({
  pods: fc.array(pod, { minLength: 1, maxLength: 5 }),
  daemonSet: oneIn(3),
  clinging: oneIn(4),
  force: oneIn(3).map((no) => !no),
  deleteEmptyDirData: oneIn(3).map((no) => !no),
  ignoreDaemonSets: oneIn(5).map((no) => !no),
});

const real = (process.env['KUBECONFIG'] ?? '') !== '';
const COUNT = Number(process.env['DRAIN_CASES'] ?? (real ? 60 : 20));
const TOGETHER = 5;
const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;
const NODEOPS = 'nodeops.operator.kairos.io';
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const LABEL = 'differential.nodeop.dev/twin';

const target = useTarget();
let controller: Controller;
let madeDefinition = false;

beforeAll(async () => {
  const file = new URL(`../../manifests/crd/${NODEOPS}.yaml`, import.meta.url);
  madeDefinition = (await target.it.call('POST', CRDS, load(readFileSync(file, 'utf8')))).code === 200;
  await target.it.until(`${CRDS}/${NODEOPS}`, (it) => conditionOf(it, 'Established')?.status === 'True');
  await target.it.answered(nodeOps(), ({ code }) => code === 200);
  controller = new Controller({ client: target.it.client, logger: createLogger('silent') });
  await controller.start();
});

afterAll(async () => {
  await controller.stop();
  if (madeDefinition) await target.it.call('DELETE', `${CRDS}/${NODEOPS}`);
});

const nodeOps = (...rest: string[]) => target.it.group('operator.kairos.io/v1alpha1', 'nodeops', ...rest);

const seeds = Array.from({ length: Math.ceil(COUNT / TOGETHER) }, (_, i) => i + 1);
test.skipIf(!hasKubectl).each(seeds)(
  `kubectl drain and a NodeOp evict and refuse the same pods: ${TOGETHER} cases of seed %i (skipped where kubectl is missing)`,
  { timeout: 240_000 },
  async (seed) => {
    const samples = fc.sample(cases, { numRuns: TOGETHER, seed });
    const both = await Promise.all(samples.map((it, i) => compare(it, `${seed}-${i}`)));
    for (const [i, { kubectl, ours, said }] of both.entries())
      expect(ours, `${JSON.stringify(samples[i], undefined, 1)}\n${said}`).toEqual(kubectl);
  },
);

async function compare(it: Case, id: string) {
  const [theirs, own] = await Promise.all([stage(it, `${id}-kubectl`), stage(it, `${id}-ours`)]);
  try {
    const [byKubectl, byUs] = await Promise.all([drainByKubectl(it, theirs), drainByNodeOp(it, own)]);
    const outcome = async (twin: Twin, { done, said }: Drained): Promise<Outcome> => ({
      done,
      left: await leftOf(twin),
      refused: refusedIn(said, twin),
    });
    return {
      kubectl: await outcome(theirs, byKubectl),
      ours: await outcome(own, byUs),
      said: `kubectl said: ${byKubectl.said}\nthe NodeOp said: ${byUs.said}`,
    };
  } finally {
    await Promise.all([theirs, own].map(clear));
  }
}

interface Twin {
  node: string;
  namespace: string;
}

interface Drained {
  done: boolean;
  said: string;
}

/** A node with the pods of a case, in a namespace of their own. */
async function stage(it: Case, id: string): Promise<Twin> {
  const twin = { node: `${target.it.namespace}-${id}`, namespace: `${target.it.namespace}-${id}` };
  await target.it.makeNamespace(twin.namespace);
  const metadata = { name: twin.node, labels: { [LABEL]: twin.node, 'kubernetes.io/hostname': twin.node } };
  await target.it.make('/api/v1/nodes', { metadata });
  const capacity = { cpu: '4', memory: '8Gi', pods: '100' };
  await target.it.patch('merge', `/api/v1/nodes/${twin.node}/status`, {
    status: { conditions: [{ type: 'Ready', status: 'True' }], capacity, allocatable: capacity },
  });
  const base = `/api/v1/namespaces/${twin.namespace}`;
  const owner = await target.it.make(`${base}/configmaps`, { metadata: { name: 'owner' } });
  const ownerReferences = [
    { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid, controller: true },
  ];
  await Promise.all(it.pods.map((one, i) => stagePod(twin, one, `p${i}`, ownerReferences)));
  if (it.daemonSet) await stageDaemonSet(twin);
  if (it.clinging) await stageClinging(twin);
  return twin;
}

async function stagePod(twin: Twin, one: TwinPod, name: string, owners: object[]): Promise<void> {
  const path = `/api/v1/namespaces/${twin.namespace}/pods`;
  await target.it.make(path, {
    metadata: {
      name,
      labels: { app: name },
      ...(one.controlled ? { ownerReferences: owners } : {}),
      ...(one.mirror ? { annotations: { 'kubernetes.io/config.mirror': 'hash' } } : {}),
    },
    spec: {
      nodeName: twin.node,
      automountServiceAccountToken: false,
      containers: [{ name: 'main', image: 'busybox' }],
      ...(one.emptyDir ? { volumes: [{ name: 'scratch', emptyDir: {} }] } : {}),
    },
  });
  const ready = one.phase === 'Running' && one.ready ? 'True' : 'False';
  await target.it.patch('merge', `${path}/${name}/status`, {
    status: { phase: one.phase, conditions: [{ type: 'Ready', status: ready }] },
  });
  const wanted = { none: [], free: [0], blocked: [1], two: [0, 0] }[one.budgets];
  const budgets = `/apis/${target.it.budgets}/namespaces/${twin.namespace}/poddisruptionbudgets`;
  await Promise.all(
    wanted.map(async (minAvailable, i) => {
      const spec = { minAvailable, selector: { matchLabels: { app: name } } };
      await target.it.make(budgets, { metadata: { name: `${name}-${i}` }, spec });
      await target.it.until(
        `${budgets}/${name}-${i}`,
        ({ status }) => status?.['observedGeneration'] === 1 && status['expectedPods'] !== undefined,
      );
    }),
  );
}

async function stageDaemonSet({ node, namespace }: Twin): Promise<void> {
  const labels = { app: 'daemon' };
  const spec = { nodeSelector: { [LABEL]: node }, containers: [{ name: 'main', image: 'busybox' }] };
  await target.it.make(`/apis/apps/v1/namespaces/${namespace}/daemonsets`, {
    metadata: { name: 'daemon' },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  });
  const pods = `/api/v1/namespaces/${namespace}/pods?labelSelector=app%3Ddaemon`;
  const bound = await target.it.answered(pods, ({ body }) =>
    body.items.some((it) => it.spec?.['nodeName'] === node),
  );
  expect(bound.body.items).toHaveLength(1);
}

async function stageClinging({ node, namespace }: Twin): Promise<void> {
  const labels = { app: 'clinging' };
  const spec = {
    nodeSelector: { [LABEL]: node },
    tolerations: [{ operator: 'Exists' }],
    automountServiceAccountToken: false,
    containers: [{ name: 'main', image: 'busybox' }],
  };
  await target.it.make(`/apis/apps/v1/namespaces/${namespace}/replicasets`, {
    metadata: { name: 'clinging' },
    spec: { replicas: 1, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  });
  const pods = `/api/v1/namespaces/${namespace}/pods?labelSelector=app%3Dclinging`;
  await target.it.answered(pods, ({ body }) => body.items.some((it) => it.spec?.['nodeName'] === node));
}

/** Seconds: what a budget blocks never ends by itself; all else does, on a busy machine too. */
function boundOf({ pods }: Case): number {
  return pods.some(({ budgets }) => budgets === 'blocked') ? 8 : 60;
}

function drainByKubectl(it: Case, { node }: Twin): Promise<Drained> {
  const flags = [
    `--timeout=${boundOf(it)}s`,
    '--grace-period=0',
    ...(it.force ? ['--force'] : []),
    ...(it.deleteEmptyDirData ? ['--delete-emptydir-data'] : []),
    ...(it.ignoreDaemonSets ? ['--ignore-daemonsets'] : []),
  ];
  return new Promise((resolve) => {
    const args = ['--kubeconfig', target.it.kubeconfig, 'drain', node, ...flags];
    execFile('kubectl', args, (error, _, stderr) => resolve({ done: error === null, said: stderr }));
  });
}

async function drainByNodeOp(it: Case, { node }: Twin): Promise<Drained> {
  const { force, deleteEmptyDirData, ignoreDaemonSets } = it;
  const made = await target.it.make(nodeOps(), {
    apiVersion: 'operator.kairos.io/v1alpha1',
    kind: 'NodeOp',
    metadata: { generateName: 'twin-' },
    spec: {
      image: 'busybox',
      command: ['true'],
      backoffLimit: 0,
      // Nothing ever runs on such a node: what comes after the drain is cut short.
      activeDeadlineSeconds: 1,
      nodeSelector: { matchLabels: { [LABEL]: node } },
      drainOptions: {
        enabled: true,
        timeoutSeconds: boundOf(it),
        gracePeriodSeconds: 0,
        force,
        deleteEmptyDirData,
        ignoreDaemonSets,
      },
    },
  });
  const name = made.metadata.name ?? '';
  const statusOf = (op: NodeOp) => op.status?.nodeStatuses?.[node];
  const drained = await target.it.until(nodeOps(name), (object) =>
    ['Running', 'Failed', 'Completed'].includes(statusOf(object as unknown as NodeOp)?.phase ?? ''),
  );
  const { phase, jobName, message = '' } = statusOf(drained as unknown as NodeOp) ?? {};
  // Its Job was begun, or is about to be.
  return { done: phase === 'Running' || jobName !== undefined, said: message };
}

async function leftOf({ namespace }: Twin): Promise<string[]> {
  const { body } = await target.it.call('GET', `/api/v1/namespaces/${namespace}/pods`);
  return body.items.map(({ metadata }) => plainName(metadata.name ?? '')).toSorted();
}

/** The pods a text says cannot be deleted for what they are; evictions refused by budgets are told otherwise. */
function refusedIn(text: string, { namespace }: Twin): string[] {
  const sentences = text.split(/;|\n/).filter((it) => it.includes('cannot delete') && !it.includes('Budget'));
  const names = sentences.flatMap((it) => [...it.matchAll(new RegExp(`${namespace}/([a-z0-9-]+)`, 'g'))]);
  return [...new Set(names.map(([, name = '']) => plainName(name)))].toSorted();
}

const plainName = (name: string) => name.replace(/^(daemon|clinging)-.*/, '$1');

async function clear({ node, namespace }: Twin): Promise<void> {
  await target.it.call('DELETE', `/api/v1/namespaces/${namespace}`);
  await target.it.call('DELETE', `/api/v1/nodes/${node}`);
}
