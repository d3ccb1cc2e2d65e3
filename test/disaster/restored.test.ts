import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Replica } from '../../src/agent/replica.ts';
import { ANNOTATION_HOLD } from '../../src/api/labels.ts';
import type { NodeOp } from '../../src/api/nodeop.ts';
import { type Operations, startOperations } from '../support/agent.ts';
import { type Backup, backup, restore } from '../support/backup.ts';
import { silent } from '../runs/support.ts';

/**
 * The cluster, the repository, or both come back from a backup. What was done since is known to the other one, or to nobody;
 * in no case does a command run again on a node.
 */

const RUN = `apiVersion: operator.kairos.io/v1alpha1
kind: NodeOp
metadata: {name: flash}
spec:
  image: busybox
  command: [flash]
  concurrency: 1
  cordon: true
`;
const SUSPENDED = `${RUN}  suspend: true\n`;
const NODES = ['node-1', 'node-2', 'node-3', 'node-4'];

const eventually = (check: () => void) => vi.waitFor(check, { timeout: 60_000, interval: 20 });

const NONE = { metadata: {} };

let operations: Operations;
/** Nodes on which the command began, in order. */
let began: string[];
/** The third node's command never ends by itself. */
let hangs: boolean;
let replica: Replica | undefined;
let stuck: Error | undefined;

beforeEach(async () => {
  began = [];
  hangs = true;
  const script = (_: object, node: string) => {
    began.push(node);
    return { durationMs: 20, hang: hangs && node === 'node-3' };
  };
  operations = await startOperations({ nodes: 4, script }, { 'runs/flash.yaml': SUSPENDED }, REPORTED);
  await vi.waitUntil(() => phases().every((phase) => phase === 'Pending'), { timeout: 60_000, interval: 20 });
});

afterEach(async () => {
  await replica?.stop();
  replica = undefined;
  await operations.stop();
  if (stuck) throw stuck;
});

const REPORTED = { report: { interval: '1s' } };

/** An agent as it is after everything was away: nobody has held its lease for long, or ever. */
function begin(): void {
  const { repository } = operations;
  const kubernetes = {
    kubeconfig: join(repository.root, 'kubeconfig'),
    namespace: 'default',
    leaderElection: { enabled: true },
  };
  const git = { rewindGrace: '1s' };
  const config = repository.config({ ...REPORTED, git, kubernetes, runs: { initial: 'execute' } });
  replica = new Replica(config, silent, { place: { namespace: 'default' }, onStuck: (why) => (stuck = why) });
  replica.start();
}

function stored(): NodeOp {
  const { store } = operations.sim;
  return (store.get('nodeops.operator.kairos.io', 'flash', 'default') ?? NONE) as unknown as NodeOp;
}

function phases(): (string | undefined)[] {
  const { nodeStatuses = {} } = stored().status ?? {};
  return NODES.map((name) => nodeStatuses[name]?.phase);
}

const report = () => operations.repository.read('results/flash.yaml') ?? '';

/** Lets it begin; resolves when the report says this. */
async function rollOut(says: RegExp): Promise<void> {
  operations.repository.push({ 'runs/flash.yaml': RUN });
  await eventually(() => expect(report()).toMatch(says));
}

const THIRD_RUNS = /name: node-3\n\s+phase: Running/;

/** The agents are gone meanwhile. */
async function restoreCluster(saved: Backup): Promise<void> {
  await operations.agent.stop();
  restore(operations.sim, saved);
  expect(phases()).toEqual(['Pending', 'Pending', 'Pending', 'Pending']);
}

test('a cluster of before a rollout: what Git knows is not done again, and the rest is held until people have looked', async () => {
  const saved = backup(operations.sim);
  await rollOut(THIRD_RUNS);
  await restoreCluster(saved);
  begin();
  await eventually(() => expect(phases()).toEqual(['Completed', 'Completed', 'Failed', 'Pending']));
  expect(stored().status?.nodeStatuses?.['node-3']).toMatchObject({
    message: expect.stringMatching(/^outcome unknown: the cluster was restored/),
    outcomeUnknown: true,
  });
  await eventually(() =>
    expect(stored().metadata.annotations?.[ANNOTATION_HOLD]).toMatch(
      /look at them, then take this hold away/,
    ),
  );
  await eventually(() => expect(report()).toMatch(/name: node-3\n\s+phase: Failed/));
  expect(report()).toMatch(/name: node-1\n\s+phase: Completed/);
  expect(began).toEqual(['node-1', 'node-2', 'node-3']);
  // People have looked.
  const { sim } = operations;
  const object = sim.store.read('nodeops.operator.kairos.io', 'flash', 'default');
  const annotations = { ...object.metadata.annotations };
  delete annotations[ANNOTATION_HOLD];
  sim.store.update('nodeops.operator.kairos.io', {
    ...object,
    metadata: { ...object.metadata, annotations },
  });
  await eventually(() => expect(report()).toMatch(/^ {2}phase: Failed/m));
  expect(began).toEqual(NODES);
});

test('a cluster of before a rollout that is over: nothing is done again, and nothing is held', async () => {
  hangs = false;
  const saved = backup(operations.sim);
  await rollOut(/^ {2}phase: Completed/m);
  await restoreCluster(saved);
  const before = report();
  begin();
  await eventually(() => expect(stored().status?.phase).toBe('Completed'));
  expect(stored().metadata.annotations).not.toHaveProperty([ANNOTATION_HOLD]);
  expect(began).toEqual(NODES);
  expect(report()).toBe(before);
  const cordoned = operations.sim.store.all('nodes').filter(({ spec }) => spec?.['unschedulable'] === true);
  expect(cordoned).toEqual([]);
});

test('as long as the repository is away after that, nothing goes on', async () => {
  const saved = backup(operations.sim);
  await rollOut(THIRD_RUNS);
  await restoreCluster(saved);
  const { bare } = operations.repository;
  renameSync(bare, `${bare}.away`);
  began = [];
  begin();
  const lease = () => operations.sim.store.get('leases.coordination.k8s.io', 'nodeop-agent', 'default');
  await eventually(() => expect(lease()?.spec?.['holderIdentity']).toMatch(/./));
  const nodes = () => JSON.stringify(operations.sim.store.all('nodes'));
  const known = nodes();
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(nodes()).toBe(known);
  expect(began).toEqual([]);
  renameSync(`${bare}.away`, bare);
  await eventually(() => expect(phases()).toEqual(['Completed', 'Completed', 'Failed', 'Pending']));
  expect(began).toEqual([]);
});

test('a repository of before a run: the cluster knows that it began, and reports again how it stands', async () => {
  hangs = false;
  const { repository } = operations;
  const old = repository.tip();
  await rollOut(/^ {2}phase: Completed/m);
  await operations.agent.stop();
  repository.git(repository.bare, 'update-ref', 'refs/heads/main', String(old));
  expect(report()).not.toMatch(/Completed/);
  begin();
  await eventually(() => expect(report()).toMatch(/^ {2}phase: Completed/m));
  expect(began).toEqual(NODES);
});

test('both of before a run: it waits as it did then', async () => {
  const saved = backup(operations.sim);
  const { repository } = operations;
  const old = repository.tip();
  await rollOut(THIRD_RUNS);
  await restoreCluster(saved);
  repository.git(repository.bare, 'update-ref', 'refs/heads/main', String(old));
  began = [];
  begin();
  await eventually(() => expect(report()).toMatch(/reason: Suspended/));
  expect(phases()).toEqual(['Pending', 'Pending', 'Pending', 'Pending']);
  expect(began).toEqual([]);
});
