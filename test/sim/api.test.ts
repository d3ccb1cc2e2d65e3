import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Sim, startSim } from '../../src/sim/index.ts';

let sim: Sim;
const dir = mkdtempSync(join(tmpdir(), 'nodeop-sim-test-'));
const kubeconfig = join(dir, 'kubeconfig');

beforeAll(async () => {
  sim = await startSim({ nodes: 3, script: () => ({ durationMs: 1, log: 'one\ntwo\nthree\n' }) });
  writeFileSync(kubeconfig, sim.kubeconfig);
});

afterAll(async () => {
  await sim.stop();
  rmSync(dir, { recursive: true });
});

interface Answer {
  code: number;
  body: {
    code?: number;
    reason?: string;
    message?: string;
    kind?: string;
    metadata?: { name?: string; resourceVersion?: string; continue?: string; generation?: number };
    spec?: Record<string, unknown>;
    items?: { metadata: { name: string } }[];
    data?: Record<string, string>;
  };
}

async function call(
  method: string,
  path: string,
  body?: unknown,
  type = 'application/json',
): Promise<Answer> {
  const init =
    body === undefined
      ? { method }
      : { method, body: JSON.stringify(body), headers: { 'content-type': type } };
  const response = await fetch(`${sim.url}${path}`, init);
  const text = await response.text();
  return {
    code: response.status,
    body: (text.startsWith('{') ? JSON.parse(text) : { message: text }) as Answer['body'],
  };
}

const MAPS = '/api/v1/namespaces/default/configmaps';
const NODEOPS = '/apis/operator.kairos.io/v1alpha1/namespaces/default/nodeops';

test('lists come in pages, and a token outlives no compaction', async () => {
  const path = '/api/v1/nodes?limit=2';
  const first = await call('GET', path);
  expect(first.body.items?.map(({ metadata }) => metadata.name)).toEqual(['node-1', 'node-2']);
  const rest = await call('GET', `${path}&continue=${first.body.metadata?.continue}`);
  expect(rest.body.items?.map(({ metadata }) => metadata.name)).toEqual(['node-3']);
  await call('POST', MAPS, { metadata: { name: 'newer' } });
  sim.store.compact();
  expect((await call('GET', `${path}&continue=${first.body.metadata?.continue}`)).code).toBe(410);
});

test('a watch tells what came after a version; a version that is forgotten is Gone', async () => {
  const { body } = await call('GET', MAPS);
  const since = body.metadata?.resourceVersion;
  await call('POST', MAPS, { metadata: { name: 'watched' } });
  await call('DELETE', `${MAPS}/watched`);
  const response = await fetch(`${sim.url}${MAPS}?watch=true&timeoutSeconds=1&resourceVersion=${since}`);
  const events = (await response.text())
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { type: string }).type);
  expect(events).toEqual(['ADDED', 'DELETED']);
  sim.store.compact();
  const old = await (await fetch(`${sim.url}${MAPS}?watch=true&resourceVersion=${since}`)).text();
  expect(old).toContain('"code":410');
});

test('custom resources are defaulted, pruned and validated; status is a subresource', async () => {
  const spec = { image: 'busybox', command: ['true'], nonsense: 1 };
  const made = await call('POST', NODEOPS, {
    metadata: { generateName: 'x-' },
    spec,
    status: { phase: 'Failed' },
  });
  expect(made.body.spec).toMatchObject({
    hostMountPath: '/host',
    backoffLimit: 3,
    drainOptions: { gracePeriodSeconds: 30 },
  });
  expect(made.body.spec).not.toHaveProperty('nonsense');
  // What was sent is dropped; the definition has a default.
  expect(made.body).toHaveProperty('status', { observedGeneration: -1 });
  const path = `${NODEOPS}/${made.body.metadata?.name}`;
  const merge = 'application/merge-patch+json';
  const status = await call(
    'PATCH',
    `${path}/status`,
    { spec: { image: 'other' }, status: { phase: 'Running' } },
    merge,
  );
  expect(status.body).toMatchObject({
    spec: { image: 'busybox' },
    status: { phase: 'Running' },
    metadata: { generation: 1 },
  });
  const changed = await call('PATCH', path, { spec: { suspend: true }, status: null }, merge);
  expect(changed.body).toMatchObject({ status: { phase: 'Running' }, metadata: { generation: 2 } });
});

test.each([
  ['negative concurrency', { concurrency: -1 }, 'spec.concurrency'],
  ['empty command', { command: [] }, 'spec.command'],
  ['no command', { command: undefined }, 'spec.command'],
  ['mount at the root', { hostMountPath: '/' }, 'spec.hostMountPath'],
  ['relative mount', { hostMountPath: 'host' }, 'spec.hostMountPath'],
  ['zero deadline', { activeDeadlineSeconds: 0 }, 'spec.activeDeadlineSeconds'],
  [
    'In without values',
    { nodeSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] } },
    'matchExpressions',
  ],
  [
    'Exists with values',
    { nodeSelector: { matchExpressions: [{ key: 'a', operator: 'Exists', values: ['b'] }] } },
    'matchExpressions',
  ],
])('a NodeOp with %s is refused with its path', async (_, wrong, path) => {
  const spec = { image: 'busybox', command: ['true'], ...wrong };
  const answer = await call('POST', NODEOPS, { metadata: { generateName: 'x-' }, spec });
  expect(answer.code).toBe(422);
  expect(answer.body.message).toContain(path);
});

test('the official client lists nodes', async () => {
  const config = new KubeConfig();
  config.loadFromString(sim.kubeconfig);
  const { items } = await config.makeApiClient(CoreV1Api).listNode();
  expect(items.map(({ metadata }) => metadata?.name)).toEqual(['node-1', 'node-2', 'node-3']);
});

const kubectl = spawnSync('kubectl', ['version', '--client']).status === 0;
test.skipIf(!kubectl)('kubectl creates, lists and deletes (skipped where it is not installed)', async () => {
  const env = { PATH: process.env['PATH'], HOME: dir };
  const run = async (...args: string[]) => {
    const { stdout } = await promisify(execFile)('kubectl', ['--kubeconfig', kubeconfig, ...args], { env });
    return stdout;
  };
  const file = join(dir, 'op.yaml');
  const spec = '{image: busybox, command: ["true"]}';
  writeFileSync(
    file,
    `apiVersion: operator.kairos.io/v1alpha1\nkind: NodeOp\nmetadata: {generateName: by-kubectl-}\nspec: ${spec}\n`,
  );
  const created = (await run('create', '-f', file, '-o', 'name')).trim();
  expect(created).toMatch(/^nodeop\.operator\.kairos\.io\/by-kubectl-/);
  expect(await run('get', 'nodeops')).toMatch(/NAME\s+PHASE\s+DONE\s+FAILED\s+REASON\s+RUN\s+AGE/);
  expect(await run('get', 'nodes')).toMatch(/node-2\s+Ready/);
  expect(await run('delete', created)).toContain('deleted');
});
