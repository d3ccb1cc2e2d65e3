import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLogger } from '../../src/agent/logger.ts';
import { Replica } from '../../src/agent/replica.ts';
import type { NodeOp } from '../../src/api/nodeop.ts';
import { type Sim, startSim } from '../../src/sim/index.ts';
import { nodeOp, TestRepository } from '../runs/support.ts';
import { cli } from '../support/cli.ts';

const NAMESPACE = 'nodeop-system';
let repository: TestRepository;
let sim: Sim;
let replica: Replica;
let kubeconfig: string;
let dir: string;

beforeEach(async () => {
  repository = new TestRepository();
  repository.push({ 'README.md': 'operations\n' });
  sim = await startSim({ nodes: 1, script: () => ({ durationMs: 5 }) });
  dir = mkdtempSync(join(tmpdir(), 'nodeop-held-'));
  kubeconfig = join(dir, 'kubeconfig');
  writeFileSync(kubeconfig, sim.kubeconfig);
  const config = repository.config({
    runs: { initial: 'execute' },
    kubernetes: { kubeconfig, leaderElection: { retryPeriod: '200ms', renewDeadline: '5s' } },
    git: { poll: { jitter: '0s' } },
  });
  const onStuck = () => {};
  replica = new Replica(config, createLogger('silent'), { place: { namespace: NAMESPACE }, onStuck });
  replica.start();
});

afterEach(async () => {
  await replica.stop();
  await sim.stop();
  repository[Symbol.dispose]();
  rmSync(dir, { recursive: true });
});

/** As `kubectl annotate` does; a value of null takes the annotation away. */
function annotate(key: string, name: string, annotation: string, value: string | null): void {
  const object = sim.store.read(key, name, NAMESPACE);
  const { [annotation]: _, ...others } = object.metadata.annotations ?? {};
  const annotations = value === null ? others : { ...others, [annotation]: value };
  sim.store.update(key, { ...object, metadata: { ...object.metadata, annotations } });
}

/** Runs the commands that the page for people on call gives for one kind of object. */
function asTold(kind: 'nodeop' | 'lease', which: RegExp): void {
  const page = readFileSync(new URL('../../docs/on-call.md', import.meta.url), 'utf8');
  const command = new RegExp(
    `^kubectl -n ${NAMESPACE} annotate ${kind} (\\S+) (agent\\.nodeop\\.dev/\\w+)(?:=("?)(.*?)\\3|(-))$`,
    'gm',
  );
  const found = [...page.matchAll(command)].find(([line]) => which.test(line));
  if (!found) throw new Error(`the page has no such command: ${String(which)}`);
  const [, name = '', annotation = '', , value] = found;
  const key = kind === 'nodeop' ? 'nodeops.operator.kairos.io' : 'leases.coordination.k8s.io';
  annotate(key, name, annotation, value ?? null);
}

const find = (name: string) =>
  sim.store.get('nodeops.operator.kairos.io', name, NAMESPACE) as unknown as NodeOp | undefined;
const lease = () => sim.store.get('leases.coordination.k8s.io', 'nodeop-agent', NAMESPACE);
const wait = { timeout: 30_000 };

test('the lease holds the cluster within seconds, is told first, and lets go by itself', async () => {
  await vi.waitUntil(() => lease() !== undefined, wait);
  asTold('lease', /hold=/);
  await vi.waitUntil(async () => {
    const { stdout } = await cli(['status', '--kubeconfig', kubeconfig]);
    return stdout.startsWith(
      'Held: the whole cluster is held by agent.nodeop.dev/hold on the Lease: storage',
    );
  }, wait);
  repository.push({ 'runs/swappiness.yaml': nodeOp('swappiness') });
  await vi.waitUntil(() => repository.read('results/swappiness.yaml')?.includes('reason: Held'), wait);
  expect(find('swappiness')).toBeUndefined();
  asTold('lease', /hold-$/);
  await vi.waitUntil(() => find('swappiness')?.status?.phase === 'Completed', wait);
  const { stdout } = await cli(['status', '--kubeconfig', kubeconfig]);
  expect(stdout).not.toContain('Held');
});

test('a run is held and cancelled as the page says; a suspended one leaves the only place to the next', async () => {
  repository.push({ 'runs/1.yaml': nodeOp('swappiness', '  suspend: true\n') });
  await vi.waitUntil(() => find('swappiness')?.status?.nodeStatuses !== undefined, wait);
  repository.push({ 'runs/2.yaml': nodeOp('second') });
  await vi.waitUntil(() => find('second')?.status?.phase === 'Completed', wait);
  asTold('nodeop', /hold=/);
  await vi.waitUntil(async () => {
    const { stdout } = await cli(['status', 'swappiness', '--kubeconfig', kubeconfig]);
    return stdout.startsWith('Held: by the annotation agent.nodeop.dev/hold: disks fail, ask Ada\n');
  }, wait);
  repository.push({ 'runs/1.yaml': nodeOp('swappiness') });
  await vi.waitUntil(() => !find('swappiness')?.spec.suspend, wait);
  expect(find('swappiness')?.metadata.annotations?.['agent.nodeop.dev/hold']).toBeDefined();
  asTold('nodeop', /cancel=/);
  await vi.waitUntil(() => repository.read('results/1.yaml')?.includes('phase: Cancelled'), wait);
  expect(repository.read('results/1.yaml')).toContain('wrong firmware');
});
