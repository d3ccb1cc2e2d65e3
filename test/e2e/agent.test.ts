import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runFile, Stage } from '../support/agent-process.ts';

let stage: Stage;

beforeEach(async () => {
  stage = new Stage();
  await stage.startSim(4);
});

afterEach(() => stage.close());

const phase = (path: string) => /^ {2}phase: (\w+)$/m.exec(stage.remoteFile(path))?.[1];
const nodes = [1, 2, 3, 4].map((i) => `node-${i}`);
const ranOn = (name: string) =>
  nodes.map(
    (node) =>
      stage
        .onNode(node, 'var/ran')
        .split('\n')
        .filter((it) => it === name).length,
  );

test('a pushed run file ends in a committed report, and a bad one beside it in an Invalid one', async () => {
  const agent = stage.run('start', '--config', stage.config);
  await stage.until('the first contact', () => stage.remoteFile('results/.baseline.yaml') !== '');
  stage.commit({
    'runs/bad.yaml': 'kind: NodeOp\nspec: [\n',
    'runs/good.yaml': runFile('good', { concurrency: 2 }),
  });
  await stage.until(
    'the reports',
    () => phase('results/good.yaml') === 'Completed' && phase('results/bad.yaml') === 'Invalid',
  );
  expect(ranOn('good')).toEqual([1, 1, 1, 1]);
  expect(stage.remoteFile('results/bad.yaml')).toMatch(/line/);
  expect(agent.child.exitCode).toBeNull();
});

test('killed in mid-rollout and started without its clone: one report, no command run twice', async () => {
  const first = stage.run('start', '--config', stage.config);
  await stage.until('the first contact', () => stage.remoteFile('results/.baseline.yaml') !== '');
  stage.commit({ 'runs/slow.yaml': runFile('slow', { concurrency: 1, seconds: 1 }) });
  await stage.until('the second node', () => stage.onNode('node-2', 'var/ran') !== '');
  first.child.kill('SIGKILL');
  await first.ended;
  rmSync(join(stage.dir, 'agent.git'), { recursive: true });
  stage.run('start', '--config', stage.config);
  await stage.until('the report', () => phase('results/slow.yaml') === 'Completed');
  expect(ranOn('slow')).toEqual([1, 1, 1, 1]);
  const reports = stage.git(stage.bare, 'ls-tree', '-r', '--name-only', 'main', 'results').trim().split('\n');
  expect(reports).toEqual(['results/.baseline.yaml', 'results/README.md', 'results/slow.yaml']);
});

test('removing the run file stops the rollout gracefully', async () => {
  stage.run('start', '--config', stage.config);
  await stage.until('the first contact', () => stage.remoteFile('results/.baseline.yaml') !== '');
  stage.commit({ 'runs/stop.yaml': runFile('stop', { concurrency: 1, seconds: 3 }) });
  await stage.until('the first node', () => stage.onNode('node-1', 'var/ran') !== '');
  stage.commit({ 'runs/stop.yaml': undefined });
  await stage.until('the report', () => phase('results/stop.yaml') === 'Cancelled');
  expect(ranOn('stop')[0]).toBe(1);
  expect(ranOn('stop')[3]).toBe(0);
});

test('once carries out what is there and tells by its exit status how it went', async () => {
  const first = stage.run('once', '--config', stage.config);
  expect(await first.ended, first.output()).toBe(0);
  stage.commit({ 'runs/good.yaml': runFile('good') });
  const good = stage.run('once', '--config', stage.config);
  expect(await good.ended, good.output()).toBe(0);
  stage.commit({ 'runs/failing.yaml': runFile('failing', { fail: true }) });
  const failing = stage.run('once', '--config', stage.config);
  expect(await failing.ended, failing.output()).toBe(1);
  expect(stage.remoteFile('results/failing.yaml')).toContain('exitCode: 4');
  stage.commit({ 'runs/bad.yaml': 'kind: Nonsense\n' });
  const bad = stage.run('once', '--config', stage.config);
  expect(await bad.ended, bad.output()).toBe(2);
});

test('a changed configuration is taken over without a restart; a bad one is refused', async () => {
  const agent = stage.run('start', '--config', stage.config);
  await stage.until('the first contact', () => stage.remoteFile('results/.baseline.yaml') !== '');
  stage.configure('nonsense');
  await stage.until('the refusal', () => agent.output().includes('the new configuration is refused'));
  stage.configure('*/3 * * * * *');
  await stage.until('the change', () => agent.output().includes('configuration changed'));
  stage.commit({ 'runs/after.yaml': runFile('after') });
  await stage.until('the report', () => phase('results/after.yaml') === 'Completed');
  expect(ranOn('after')).toEqual([1, 1, 1, 1]);
});
