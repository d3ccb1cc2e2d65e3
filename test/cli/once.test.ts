import { execFileSync } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ANNOTATION_UNTENDED } from '../../src/api/labels.ts';
import { KubeClient } from '../../src/kube/client.ts';
import { LEASES } from '../../src/kube/resources.ts';
import { Patience } from '../../src/agent/patience.ts';
import { runFile, Stage } from '../support/agent-process.ts';

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.close());

const once = (timeout: string) => stage.run('once', '--config', stage.config, '--timeout', timeout);

/** A cluster where nobody listens. */
const NOWHERE = `apiVersion: v1
kind: Config
clusters: [{name: a, cluster: {server: 'https://127.0.0.1:1'}}]
users: [{name: a, user: {}}]
contexts: [{name: a, context: {cluster: a, user: a}}]
current-context: a
`;

test('a repository that stays away ends it with 3 and a reason', async () => {
  await stage.startSim(1);
  renameSync(stage.bare, `${stage.bare}.away`);
  const { ended, output } = once('2s');
  expect(await ended, output()).toBe(3);
  expect(output()).toMatch(/gave up after 2s: the repository: git fetch: .*operations\.git/);
});

test('a branch that is not there ends it at once with 3, and those that are there are named', async () => {
  await stage.startSim(1);
  execFileSync('git', ['branch', '-m', 'main', 'trunk'], { cwd: stage.bare });
  const { ended, output } = once('5m');
  expect(await ended, output()).toBe(3);
  expect(output()).toContain('gave up: the remote has no branch "main"; it has "trunk"');
});

test('an API server that is not there ends it with 3 and a reason', async () => {
  writeFileSync(stage.kubeconfig, NOWHERE);
  const { ended, output } = once('2s');
  expect(await ended, output()).toBe(3);
  expect(output()).toMatch(/gave up after 2s: the lease: no answer from the API server/);
  expect(output()).not.toContain('    at ');
});

test('an API server that goes away in mid-rollout ends it with 3, and the run under way is named', async () => {
  const sim = await stage.startSim(2);
  stage.configure('*/2 * * * * *', stage.config, 'agent.git', ['runs: {initial: execute}']);
  stage.commit({ 'runs/slow.yaml': runFile('slow', { concurrency: 1, seconds: 60 }) });
  const { ended, output } = once('3s');
  await stage.until('the first node', () => stage.onNode('node-1', 'var/ran') !== '');
  sim.child.kill('SIGKILL');
  expect(await ended, output()).toBe(3);
  expect(output()).toMatch(/gave up after 3s: the API server: |gave up: the lease is lost: /);
  expect(output()).toMatch(/runs\/slow\.yaml is under way, and goes on when an agent starts again/);
});

test('while another agent leads it does nothing, and ends with 3; without one it leads itself', async () => {
  await stage.startSim(1);
  stage.configure('*/2 * * * * *', stage.config, 'agent.git', ['runs: {initial: execute}']);
  const other = join(stage.dir, 'other.yaml');
  stage.configure('0 0 0 1 1 *', other, 'other.git');
  const leader = stage.run('start', '--config', other);
  await stage.until('the leader', () => leader.output().includes('leads: this agent acts now'));
  const refused = once('2s');
  expect(await refused.ended, refused.output()).toBe(3);
  expect(refused.output()).toMatch(
    /gave up after 2s: the lease: held by .*, which carries out what is there/,
  );
  leader.child.kill('SIGTERM');
  await leader.ended;
  stage.commit({ 'runs/a.yaml': runFile('a') });
  const taken = once('60s');
  expect(await taken.ended, taken.output()).toBe(0);
  expect(taken.output()).toContain('Completed\truns/a.yaml');
});

test('what people hold is waited for so long, and is named with the reason', async () => {
  await stage.startSim(1);
  stage.configure('*/2 * * * * *', stage.config, 'agent.git', ['runs: {initial: execute}']);
  stage.commit({ 'runs/a.yaml': runFile('a'), 'hold.yaml': 'reason: the vendor asked to wait\n' });
  const { ended, output } = once('2s');
  expect(await ended, output()).toBe(3);
  const why = 'all clusters are held by hold.yaml: the vendor asked to wait';
  expect(output()).toContain(`gave up after 2s: nothing goes on before people do something: ${why}`);
  expect(output()).toContain(`  runs/a.yaml waits: ${why}`);
  // Whoever leads next need not ask whether the cluster comes from a backup.
  const client = new KubeClient({ kubeconfig: stage.kubeconfig });
  const lease = await client.get(LEASES, 'nodeop-agent', 'nodeop-system');
  await client.close();
  expect(lease?.metadata.name).toBe('nodeop-agent');
  expect(lease?.metadata.annotations ?? {}).not.toHaveProperty(ANNOTATION_UNTENDED);
});

test('what comes back in between is not held against anybody', () => {
  let now = 0;
  const patience = new Patience(100, () => now);
  patience.tell('a', 'x');
  now = 99;
  patience.tell('a', 'y');
  expect(patience.exhausted()).toBeUndefined();
  patience.tell('a', undefined);
  now = 150;
  patience.tell('a', 'z');
  patience.tell('b', 'v');
  now = 249;
  expect(patience.exhausted()).toBeUndefined();
  now = 250;
  expect(patience.exhausted()).toEqual({ what: 'a', problem: 'z' });
});
