import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunPreview } from '../../src/core/preview/preview.ts';
import { entryOf } from '../../src/core/runs/ledger.ts';
import { cli } from '../support/cli.ts';
import { Cluster } from '../support/cluster.ts';

let cluster: Cluster;
let dir: string;

beforeAll(async () => {
  cluster = await Cluster.start({
    nodes: 6,
    controlPlane: 1,
    script: (pod) => (pod.metadata.labels?.['job-name'] ? { durationMs: 30 } : undefined),
  });
  dir = mkdtempSync(join(tmpdir(), 'nodeop-plan-'));
  mkdirSync(join(dir, 'runs'));
});

afterAll(async () => {
  await cluster.stop();
  rmSync(dir, { recursive: true });
});

const SPEC = {
  image: 'busybox',
  command: ['true'],
  concurrency: 2,
  topologyKey: 'topology.kubernetes.io/zone',
  drainOptions: { enabled: true, timeoutSeconds: 2 },
};

async function plan(): Promise<RunPreview> {
  const document = {
    apiVersion: 'operator.kairos.io/v1alpha1',
    kind: 'NodeOp',
    metadata: { name: 'flash', namespace: 'default' },
    spec: SPEC,
  };
  writeFileSync(join(dir, 'runs/flash.yaml'), JSON.stringify(document));
  const args = [
    'plan',
    'runs/flash.yaml',
    '--kubeconfig',
    cluster.kubeconfig,
    '--format',
    'json',
    '--strict',
  ];
  const { code, stdout, stderr } = await cli(args, {}, dir);
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  const [planned] = JSON.parse(stdout) as { preview: RunPreview }[];
  return planned?.preview as RunPreview;
}

test('order, evictions and refusals of the plan are those of the rollout', async () => {
  const labels = { app: 'free' };
  cluster.pod('free-1', { labels }, { nodeName: 'node-2' });
  cluster.pod('free-2', { labels }, { nodeName: 'node-4' });
  cluster.pod('daemon', { labels, ownerReferences: [daemonOwner()] }, { nodeName: 'node-4' });
  cluster.pod('alone', { labels, ownerReferences: [] }, { nodeName: 'node-3' });
  cluster.pod('kept', {}, { nodeName: 'node-5' });
  await expect
    .poll(() => cluster.sim.store.get('pods', 'kept', 'default')?.status?.['phase'])
    .toBe('Running');
  cluster.budget('keep', 1);
  await expect
    .poll(
      () =>
        cluster.sim.store.get('poddisruptionbudgets.policy', 'keep', 'default')?.status?.['desiredHealthy'],
    )
    .toBe(1);
  const planned = await plan();

  const starts: string[] = [];
  const evicted: string[] = [];
  // Each node of this run is cordoned first of all.
  cluster.sim.store.watch('nodes', undefined, ({ object: { spec, metadata } }) => {
    if (spec?.['unschedulable'] === true && !starts.includes(metadata.name ?? ''))
      starts.push(metadata.name ?? '');
  });
  cluster.sim.store.watch('pods', undefined, ({ type, object: { metadata } }) => {
    if (type === 'DELETED' && metadata.labels?.['app']) evicted.push(`default/${metadata.name}`);
  });
  const op = await cluster.ended(await cluster.create({ metadata: { name: 'flash' }, spec: SPEC }));

  expect(planned.nodes.map(({ name }) => name)).toEqual([
    'node-1',
    'node-4',
    'node-2',
    'node-5',
    'node-3',
    'node-6',
  ]);
  expect(starts).toHaveLength(6);
  const batchOf = (name: string) => planned.nodes.find((it) => it.name === name)?.batch ?? 0;
  expect(starts.map(batchOf)).toEqual([1, 1, 2, 2, 3, 3]);
  const wouldGo = planned.nodes
    .filter(({ blockers }) => blockers.length === 0)
    .flatMap(({ evict = [] }) => evict);
  expect(evicted.toSorted()).toEqual(wouldGo.toSorted());
  expect(wouldGo.toSorted()).toEqual(['default/free-1', 'default/free-2']);

  const failed = Object.entries(op.status?.nodeStatuses ?? {}).filter(([, { phase }]) => phase === 'Failed');
  const blocked = planned.nodes.filter(({ blockers }) => blockers.length > 0);
  expect(failed.map(([name]) => name).toSorted()).toEqual(blocked.map(({ name }) => name).toSorted());
  const byName = new Map(failed);
  expect(byName.get('node-3')?.message).toBe(
    `drain refused: ${blocked.find((it) => it.name === 'node-3')?.blockers[0]}`,
  );
  expect(byName.get('node-5')?.message).toContain(
    'default/kept (The disruption budget keep needs 1 healthy pods',
  );
  expect(blocked.find((it) => it.name === 'node-5')?.blockers).toEqual([
    'budget default/keep allows no disruption (needs 1 healthy pods and has 1): default/kept',
  ]);

  const again = await plan();
  expect(again.blockers).toEqual([
    expect.stringMatching(
      /^NodeOp default\/flash is there already: it is no run's, somebody created it in the cluster at .*generateName: flash-/,
    ),
  ]);
});

/** A DaemonSet that exists, as owner. */
function daemonOwner() {
  const metadata = { name: 'agent', namespace: 'default' };
  cluster.sim.store.create('daemonsets.apps', {
    metadata,
    spec: { selector: { matchLabels: { app: 'none' } } },
  });
  return { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'agent', uid: 'ds', controller: true };
}

test('what the agent has on record of runs counts for the plan', async () => {
  const record = (part: string, data: Record<string, string>) =>
    cluster.sim.store.create('configmaps', {
      metadata: {
        name: `nodeop-agent-record-${part}`,
        namespace: 'nodeop-system',
        labels: { 'agent.nodeop.dev/record': 'nodeop-agent' },
      },
      data,
    });
  const waiting = [{ run: 'runs/first.yaml', reason: 'Queued', message: 'other runs come first' }];
  record('0', { b00: entryOf('runs/begun.yaml') });
  record('head', { waiting: JSON.stringify(waiting), waitingCount: '1' });
  for (const name of ['begun', 'first', 'second']) {
    const metadata = { name, namespace: 'default' };
    const document = { apiVersion: 'operator.kairos.io/v1alpha1', kind: 'NodeOp', metadata, spec: SPEC };
    writeFileSync(join(dir, `runs/${name}.yaml`), JSON.stringify(document));
  }
  const files = ['runs/begun.yaml', 'runs/second.yaml'];
  const { stdout } = await cli(['plan', ...files, '--kubeconfig', cluster.kubeconfig], {}, dir);
  expect(stdout).toMatch(
    /^BLOCKED: .*Cancelled \(NodeOpDeleted\): it began, and its NodeOp and its report are gone$/m,
  );
  expect(stdout).toMatch(/^- waits for its turn; before it comes runs\/first\.yaml$/m);
});
