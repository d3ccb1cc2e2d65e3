import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump, load } from 'js-yaml';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Agent } from '../../src/agent/agent.ts';
import { mergePatch } from '../../src/core/runs/merge.ts';
import type { Sim } from '../../src/sim/index.ts';
import { type Operations, startOperations } from '../support/agent.ts';
import { nodeOp, type TestRepository } from '../runs/support.ts';

/** What the CRD of another NodeOp controller, one without preflight, says less than ours. */
const THEIRS = {
  spec: Object.fromEntries(
    [
      ['preflight', 'nodeReadyTimeoutSeconds', 'uncordonOnFailure', 'activeDeadlineSeconds', 'maxFailures'],
      ['rebootTimeoutSeconds', 'suspend', 'env', 'tolerations', 'topologyKey', 'soakSeconds'],
    ]
      .flat()
      .map((field) => [field, null]),
  ),
  status: Object.fromEntries(
    ['observedGeneration', 'summary', 'conditions', 'startedAt', 'completedAt'].map((field) => [field, null]),
  ),
};

function theirDefinitions(): string {
  const folder = mkdtempSync(join(tmpdir(), 'nodeop-crds-'));
  for (const file of readdirSync('manifests/crd').filter((it) => it.includes('nodeops'))) {
    const crd = load(readFileSync(join('manifests/crd', file), 'utf8')) as {
      spec: { versions: { schema: unknown }[] };
    };
    for (const version of crd.spec.versions) {
      const without = { spec: { properties: THEIRS.spec }, status: { properties: THEIRS.status } };
      version.schema = mergePatch(version.schema, { openAPIV3Schema: { properties: without } });
    }
    writeFileSync(join(folder, file), dump(crd));
  }
  return folder;
}

const KEY = 'nodeops.operator.kairos.io';
let operations: Operations;
let sim: Sim;
let repository: TestRepository;
let agent: Agent;
let crds: string;

beforeEach(async () => {
  crds = theirDefinitions();
  operations = await startOperations(
    { nodes: 3, crds },
    { 'README.md': 'operations' },
    { rollout: { executor: 'external' } },
  );
  ({ sim, repository, agent } = operations);
});

afterEach(async () => {
  await operations.stop();
  rmSync(crds, { recursive: true });
});

/** The other controller takes a step: it writes a status, as it does, with its own few fields. */
function writes(name: string, phase: string, nodes: Record<string, object>): void {
  const before = sim.store.read(KEY, name, 'default');
  const lastUpdated = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const known = (before?.['status'] as { nodeStatuses?: object } | undefined)?.nodeStatuses;
  const told = Object.entries(nodes).map(([node, it]) => [
    node,
    { jobName: `${name}-${node}`, rebootStatus: 'not-requested', lastUpdated, ...it },
  ]);
  const nodeStatuses = { ...known, ...(Object.fromEntries(told) as object) };
  sim.store.update(
    KEY,
    { ...before, status: { phase, nodeStatuses, lastUpdated } },
    {
      subresource: 'status',
    },
  );
}

/** The committed report, once it holds what is expected. */
function report(name: string, expected: RegExp): Promise<string> {
  return vi.waitFor(
    () => {
      const text = repository.read(`results/${name}.yaml`) ?? '';
      expect(text).toMatch(expected);
      return text;
    },
    { timeout: 30_000, interval: 50 },
  );
}

async function pushed(name: string, spec = ''): Promise<void> {
  repository.push({ [`runs/${name}.yaml`]: nodeOp(name, spec) });
  await agent.repository.pollNow();
}

const phase = (text: string) => /^ {2}phase: (\w+)$/m.exec(text)?.[1];

test('a rollout with a failure and a reboot is followed to its true end, and left to whom it belongs', async () => {
  await pushed('flash', '  rebootOnSuccess: true\n  concurrency: 1\n');
  await report('flash', /total: 3/);
  const made = sim.store.read(KEY, 'flash', 'default');
  expect(made?.metadata).not.toHaveProperty('finalizers');
  expect(made?.metadata.annotations).not.toHaveProperty(['agent.nodeop.dev/executed-spec']);

  writes('flash', 'Running', { 'node-1': { phase: 'Completed', rebootStatus: 'pending' } });
  expect(phase(await report('flash', /phase: Rebooting/))).toBe('Running');
  writes('flash', 'Completed', { 'node-1': { phase: 'Completed', rebootStatus: 'completed' } });
  expect(phase(await report('flash', /completed: 1/))).toBe('Running');
  writes('flash', 'Failed', {
    'node-2': { phase: 'Failed', message: 'Job failed', rebootStatus: 'cancelled' },
    'node-3': { phase: 'Running', rebootStatus: 'pending' },
  });
  const failing = await report('flash', /failed: 1/);
  expect(phase(failing)).toBe('Running');
  expect(failing).toContain('reason: NodesFailed');
  expect(agent.repository.settled().pending).toBe(true);

  writes('flash', 'Failed', { 'node-3': { phase: 'Completed', rebootStatus: 'completed' } });
  const final = await report('flash', /^ {2}phase: Failed$/m);
  expect(final).toMatch(
    /total: 3\n {4}pending: 0\n {4}inFlight: 0\n {4}completed: 2\n {4}skipped: 0\n {4}failed: 1/,
  );
  expect(final).toMatch(/startedAt: .*\n {2}finishedAt: .*\n {2}durationSeconds: \d/);
  // It looked on: what is in the cluster is the other controller's word.
  const status = sim.store.read(KEY, 'flash', 'default')?.['status'];
  expect(Object.keys(status as object).toSorted()).toEqual(['lastUpdated', 'nodeStatuses', 'phase']);
  expect(sim.store.all('jobs.batch')).toEqual([]);
});

test('a node is not over while its Job is', async () => {
  const job = { template: { spec: { nodeName: 'nowhere', containers: [], restartPolicy: 'Never' } } };
  const metadata = { name: 'retry-node-1', namespace: 'default', labels: { 'kairos.io/nodeop': 'retry' } };
  await pushed('retry');
  sim.store.create('jobs.batch', { metadata, spec: job });
  const done = { phase: 'Completed' };
  writes('retry', 'Failed', { 'node-1': { phase: 'Failed' }, 'node-2': done, 'node-3': done });
  expect(phase(await report('retry', /completed: 2/))).toBe('Running');
  sim.store.remove('jobs.batch', sim.store.read('jobs.batch', 'retry-node-1', 'default'));
  await report('retry', /^ {2}phase: Failed$/m);
});

test('what the other controller would pass over is refused: by the agent, or by its definition', async () => {
  await pushed('slow', '  soakSeconds: 60\n');
  expect(await report('slow', /phase: Invalid/)).toMatch(/path: spec.soakSeconds[\s\S]*line: 8/);
  await pushed('checked', '  preflight: {command: ["true"]}\n');
  expect(await report('checked', /phase: Invalid/)).toMatch(
    /path: spec.preflight\n.*definition of NodeOps in this cluster does not know/,
  );
  expect(sim.store.all(KEY)).toEqual([]);
});

test('a run file that is edited changes nothing; one that is removed says how to stop; the deleted NodeOp is reported', async () => {
  await pushed('stop');
  writes('stop', 'Running', { 'node-1': { phase: 'Running' } });
  await report('stop', /inFlight: 1/);
  repository.push({ 'runs/stop.yaml': nodeOp('stop', '  concurrency: 2\n') });
  await agent.repository.pollNow();
  expect(await report('stop', /observedChange:/)).toContain('nothing of that is honoured');
  repository.remove('runs/stop.yaml');
  await agent.repository.pollNow();
  expect(phase(await report('stop', /deleting\s+the\s+NodeOp/))).toBe('Running');
  sim.store.remove(KEY, sim.store.read(KEY, 'stop', 'default'));
  // Nobody says any more what became of the node that was worked on, and a run with a failed node is a failed one.
  expect(await report('stop', /phase: Failed\n {2}reason: NodeOpDeleted/)).toMatch(
    /failed: 1\n {4}cancelled: 2/,
  );
});
