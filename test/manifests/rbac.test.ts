import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLogger } from '../../src/agent/logger.ts';
import { Replica } from '../../src/agent/replica.ts';
import { type NodeOp, NodeOpSpecSchema } from '../../src/api/nodeop.ts';
import { mainJob, preflightPod } from '../../src/core/rollout/manifests.ts';
import { type AccessRequest, Rbac } from '../../src/sim/api/rbac.ts';
import { type Obj, type Outcome, type Sim, startSim } from '../../src/sim/index.ts';
import { TestRepository } from '../runs/support.ts';

const FILE = 'manifests/base/rbac.yaml';
const ROLES = readFileSync(FILE, 'utf8');
const NAMESPACE = 'nodeop-system';

/** What happens on the nodes: node-2 fails, all others do what they are told. */
function script(pod: Obj, node: string): Outcome {
  const labels = pod.metadata.labels ?? {};
  if (labels['kairos.io/nodeop'] === undefined) return { hang: true };
  if (labels['kairos.io/reboot'] !== undefined) return { reboot: true };
  if (labels['kairos.io/preflight'] !== undefined) return { durationMs: 1 };
  if (pod.spec?.['containers'] !== undefined && JSON.stringify(pod.spec).includes('slow'))
    return { hang: true };
  return node === 'node-2' ? { exitCode: 4, durationMs: 1, log: 'no such firmware\n' } : { durationMs: 1 };
}

let repository: TestRepository;
let sim: Sim;
let replica: Replica;
let rbac: Rbac;
let refused: string[];
const troubles = new Map<string, (request: AccessRequest) => void>();

beforeEach(async () => {
  repository = new TestRepository();
  repository.push({ 'README.md': 'operations\n' });
  rbac = new Rbac(ROLES, 'nodeop-system/nodeop-agent');
  refused = [];
  sim = await startSim({
    nodes: 3,
    script,
    bootMs: 50,
    jobBackoffMs: 20,
    refuse: (request) => {
      const kind = `${request.verb} ${request.resource}`;
      const trouble = request.dryRun === true ? undefined : troubles.get(kind);
      if (trouble) troubles.delete(kind);
      trouble?.(request);
      const message = rbac.refuse(request);
      if (message !== undefined) refused.push(message);
      return message;
    },
  });
  const kubeconfig = join(repository.root, 'kubeconfig');
  writeFileSync(kubeconfig, sim.kubeconfig);
  const config = repository.config({ kubernetes: { kubeconfig }, git: { poll: { jitter: '0s' } } });
  replica = new Replica(config, createLogger('silent'), {
    place: { namespace: NAMESPACE },
    onStuck: (error) => {
      throw error;
    },
  });
});

afterEach(async () => {
  await replica.stop();
  await sim.stop();
  repository[Symbol.dispose]();
});

const nodeOp = (name: string) => sim.store.get('nodeops.operator.kairos.io', name, NAMESPACE);

/** Somebody else writes the object just before the agent does. */
function touch(key: string, name: string, namespace?: string): void {
  const object = sim.store.read(key, name, namespace);
  const annotations = { ...object.metadata.annotations, touched: 'true' };
  sim.store.update(key, { ...object, metadata: { ...object.metadata, annotations } });
}

/** The agent's own object is there already, as after a crash between creating and hearing of it. */
function ahead(key: string, make: typeof mainJob | typeof preflightPod): void {
  const op = nodeOp('firmware') as unknown as NodeOp;
  const { name = '', uid = '' } = op.metadata;
  const object = make({ namespace: NAMESPACE, name, uid }, NodeOpSpecSchema.parse(op.spec), 'node-1');
  sim.store.create(key, object as unknown as Obj);
}

function workload(): void {
  sim.store.create('daemonsets.apps', { metadata: { name: 'logs', namespace: 'default' }, spec: {} });
  const { uid = '' } = sim.store.read('daemonsets.apps', 'logs', 'default').metadata;
  const owners = [
    { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'logs', uid, controller: true },
    { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: 'web', controller: true },
  ];
  for (const owner of owners) {
    sim.store.create('pods', {
      metadata: { name: `${owner.name}-0`, namespace: 'default', ownerReferences: [owner] },
      spec: { nodeName: 'node-1', terminationGracePeriodSeconds: 0, containers: [{ name: 'a', image: 'a' }] },
      status: { phase: 'Pending' },
    });
  }
}

const runFile = (name: string, command: string) => `apiVersion: operator.kairos.io/v1alpha1
kind: NodeOp
metadata: {name: ${name}}
spec:
  image: busybox
  command: [${command}]
  backoffLimit: 0
  concurrency: 1
  cordon: true
  rebootOnSuccess: true
  preflight: {command: ['true']}
  drainOptions: {enabled: true, gracePeriodSeconds: 0}
`;

test('a whole rollout, its report and its deletion need every rule, and nothing else', async () => {
  workload();
  troubles.set('patch nodes', ({ name = '' }) => touch('nodes', name));
  troubles.set('patch nodeops', ({ name = '' }) => touch('nodeops.operator.kairos.io', name, NAMESPACE));
  troubles.set('create pods', () => ahead('pods', preflightPod));
  troubles.set('create jobs', () => ahead('jobs.batch', mainJob));
  replica.start();
  await vi.waitUntil(() => repository.read('results/.baseline.yaml'), { timeout: 30_000 });
  repository.push({ 'runs/firmware.yaml': runFile('firmware', 'flash') });
  await vi.waitUntil(() => repository.read('results/firmware.yaml')?.includes('phase: Failed'), {
    timeout: 30_000,
  });
  const status = () => (nodeOp('firmware') as { status?: { completedAt?: string } } | undefined)?.status;
  await vi.waitUntil(() => status()?.completedAt !== undefined, { timeout: 60_000 });
  expect(repository.read('results/firmware.yaml')).toMatch(/no such firmware/);
  const phases = Object.entries((nodeOp('firmware') as unknown as NodeOp).status?.nodeStatuses ?? {});
  expect(phases.map(([node, { phase }]) => `${node} ${phase}`)).toEqual([
    'node-1 Completed',
    'node-2 Failed',
    'node-3 Completed',
  ]);

  const quota = sim.store.create('resourcequotas', {
    metadata: { name: 'none', namespace: NAMESPACE },
    spec: { hard: { pods: '0' } },
  });
  // Of its Job's pods the quota tells only when they are to be made; of a helper pod it would before anything begins.
  const stuck = runFile('stuck', 'never')
    .replace(/^  preflight:.*$/m, '  startTimeoutSeconds: 1')
    .replace('rebootOnSuccess: true', 'rebootOnSuccess: false');
  repository.push({ 'runs/stuck.yaml': stuck.replace('concurrency: 1', 'stopOnFailure: true') });
  const told = 'did not start within 1 s: FailedCreate: Error creating:';
  const stuckReport = () => repository.read('results/stuck.yaml')?.replaceAll(/\s+/g, ' ');
  await vi.waitUntil(() => stuckReport()?.includes(told), { timeout: 30_000 });
  await vi.waitUntil(() => stuckReport()?.includes('phase: Failed'), { timeout: 30_000 });
  sim.store.remove('resourcequotas', quota);

  repository.push({ 'runs/slow.yaml': runFile('slow', 'slow') });
  const slowJob = () => sim.store.all('jobs.batch').find(({ metadata }) => metadata.name?.startsWith('slow'));
  await vi.waitUntil(slowJob, { timeout: 30_000 });
  sim.store.remove(
    'nodeops.operator.kairos.io',
    sim.store.read('nodeops.operator.kairos.io', 'slow', NAMESPACE),
  );
  await vi.waitUntil(() => nodeOp('slow') === undefined, { timeout: 30_000 });
  // Failed, or Cancelled where the end of the NodeOp was seen before its verdict.
  const ended = () => /^ {2}phase: (Failed|Cancelled)$/m.test(repository.read('results/slow.yaml') ?? '');
  await vi.waitUntil(ended, { timeout: 30_000 });

  // While Git takes nothing the result is kept in the cluster, until Git has it.
  const hook = join(repository.bare, 'hooks/pre-receive');
  repository.push({ 'runs/last.yaml': runFile('last', 'last') });
  await vi.waitUntil(() => repository.read('results/last.yaml'), { timeout: 30_000 });
  writeFileSync(hook, '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  const kept = () =>
    sim.store.all('configmaps').filter((it) => it.metadata.name?.includes('-record-result-') === true);
  await vi.waitUntil(() => kept().length > 0, { timeout: 60_000 });
  expect(repository.read('results/last.yaml')).not.toMatch(/^ {2}phase: Failed$/m);
  rmSync(hook);
  await vi.waitUntil(() => kept().length === 0, { timeout: 120_000 });
  expect(repository.read('results/last.yaml')).toMatch(/^ {2}phase: Failed$/m);
  await replica.stop();
  expect(refused).toEqual([]);
  expect([...troubles.keys()]).toEqual([]);
  expect(rbac.unused()).toEqual([]);
});

test('what is not granted is refused, and told', () => {
  const request = { verb: 'delete', group: '', resource: 'nodes', namespace: undefined, name: 'node-1' };
  expect(rbac.refuse(request)).toBe('cannot delete resource "nodes" in API group "" at the cluster scope');
  const lease = { group: 'coordination.k8s.io', resource: 'leases', namespace: NAMESPACE };
  expect(rbac.refuse({ ...lease, verb: 'patch', name: 'nodeop-agent' })).toBeUndefined();
  expect(rbac.refuse({ ...lease, verb: 'patch', name: 'other' })).toMatch(/cannot patch/);
  expect(rbac.refuse({ ...lease, verb: 'patch', name: 'nodeop-agent', namespace: 'other' })).toMatch(
    /cannot/,
  );
  expect(new Rbac(ROLES, 'default/nodeop-agent').refuse({ ...request, verb: 'get' })).toMatch(/cannot get/);
});

test('each rule names the code that needs it, and the code is there', () => {
  const rules = ROLES.split('\n  - apiGroups').slice(0, -1);
  for (const before of rules) {
    const comment = before.split('\n').toReversed();
    const lines = comment.slice(
      0,
      comment.findIndex((line) => !line.startsWith('  #')),
    );
    const text = lines
      .toReversed()
      .map((line) => line.replace(/^ *# ?/, ''))
      .join(' ');
    const places = [...text.matchAll(/\((src\/[\w/.-]+\.ts) ([^)]+)\)/g)];
    expect(places, text).not.toEqual([]);
    for (const [, file = '', names = ''] of places) {
      const source = readFileSync(file, 'utf8');
      for (const name of names.split(', '))
        expect(source, `${file} ${name}`).toContain(name.split('.').at(-1));
    }
  }
});
