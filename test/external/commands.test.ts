import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Sim, startSim } from '../../src/sim/index.ts';
import { cli } from '../support/cli.ts';

const KEY = 'nodeops.operator.kairos.io';
const AT = '2030-01-01T00:00:00Z';
let sim: Sim;
let dir: string;
const access = () => ['--kubeconfig', join(dir, 'kubeconfig')];

beforeAll(async () => {
  sim = await startSim({ nodes: 2 });
  dir = mkdtempSync(join(tmpdir(), 'nodeop-external-'));
  writeFileSync(join(dir, 'kubeconfig'), sim.kubeconfig);
});

afterAll(async () => {
  await sim.stop();
  rmSync(dir, { recursive: true });
});

const node = (phase: string, more: object = {}) => ({ phase, jobName: 'j', lastUpdated: AT, ...more });

/** A status as another controller writes it. */
function told(name: string, phase: string, nodeStatuses: object): void {
  const known =
    sim.store.get(KEY, name, 'default') ??
    sim.store.create(KEY, {
      metadata: { name, namespace: 'default' },
      spec: { image: 'busybox', command: ['true'] },
    });
  const status = { phase, nodeStatuses, lastUpdated: AT };
  sim.store.update(KEY, { ...known, status }, { subresource: 'status' });
}

test('status tells of what another controller carries out as its report does', async () => {
  told('between', 'Completed', { 'node-1': node('Completed') });
  const { stdout } = await cli(['status', ...access()]);
  expect(stdout).toMatch(/^Running +1\/2 +0 .*default\/between/m);
  const one = await cli(['status', 'between', ...access(), '--format', 'json']);
  expect(JSON.parse(one.stdout)).toMatchObject({
    phase: 'Running',
    summary: { total: 2, completed: 1 },
    nodes: { 'node-1': { phase: 'Completed' }, 'node-2': { phase: 'Pending' } },
  });
});

test('watch follows it to its true end', async () => {
  told('followed', 'Completed', { 'node-1': node('Completed', { rebootStatus: 'pending' }) });
  const watched = cli(['watch', 'followed', ...access(), '--format', 'json', '--timeout', '50s']);
  // It does not end between two nodes: only after the second has failed, and that one's Job has ended.
  await expect.poll(() => Object.keys(sim.takeStats()).join()).toContain('WATCH jobs');
  sim.store.create('jobs.batch', {
    metadata: { name: 'k', namespace: 'default', labels: { 'kairos.io/nodeop': 'followed' } },
    spec: { template: { spec: { nodeName: 'nowhere', containers: [] } } },
  });
  told('followed', 'Failed', {
    'node-1': node('Completed', { rebootStatus: 'completed' }),
    'node-2': node('Failed', { jobName: 'k', message: 'Job failed' }),
  });
  sim.store.remove('jobs.batch', sim.store.read('jobs.batch', 'k', 'default'));
  const { code, stdout } = await watched;
  const changes = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, string>);
  expect(code, stdout).toBe(1);
  expect(changes[0]).toMatchObject({ node: 'node-1', phase: 'Rebooting' });
  expect(changes.at(-1)).toMatchObject({ type: 'rollout', phase: 'Failed', done: '1/2', failed: 1 });
  const ends = changes.filter(({ type, phase }) => type === 'rollout' && phase !== 'Running');
  expect(ends).toHaveLength(1);
});
