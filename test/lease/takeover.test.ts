import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runFile, Stage } from '../support/agent-process.ts';

let stage: Stage;

beforeEach(async () => {
  stage = new Stage();
  await stage.startSim(4);
});

afterEach(() => stage.close());

/** Agents with a clone each, for the same cluster and repository. */
function replica(name: string) {
  const config = join(stage.dir, `${name}.yaml`);
  stage.configure('*/2 * * * * *', config, `${name}.git`);
  const agent = stage.run('start', '--config', config);
  const says = (text: string) => stage.until(`${name}: ${text}`, () => agent.output().includes(text));
  return { ...agent, says };
}

const phase = (path: string) => /^ {2}phase: (\w+)$/m.exec(stage.remoteFile(path))?.[1];
const ran = (node: string) => stage.onNode(node, 'var/ran').split('\n').filter(Boolean).length;
const tipOf = (clone: string) => stage.git(join(stage.dir, clone), 'rev-parse', 'refs/heads/main').trim();

test('the leader is killed in mid-rollout: the standby, its clone current, ends the run in less than 20 s', async () => {
  const first = replica('first');
  await first.says('leads: this agent acts now');
  await stage.until('the first contact', () => stage.remoteFile('results/.baseline.yaml') !== '');
  const second = replica('second');
  await second.says('stands by: another agent leads');
  stage.commit({ 'runs/slow.yaml': runFile('slow', { concurrency: 1, seconds: 1 }) });
  await stage.until('the second node', () => ran('node-2') > 0);
  const tip = stage.git(stage.bare, 'log', '--format=%H', '-1', '--', 'runs').trim();
  await stage.until('the warm clone', () =>
    stage.git(join(stage.dir, 'second.git'), 'rev-list', tipOf('second.git')).includes(tip),
  );
  expect(second.output()).not.toMatch(/run started|action begins|report committed/);
  const killedAt = Date.now();
  first.child.kill('SIGKILL');
  await first.ended;
  await second.says('leads: this agent acts now');
  await second.says('cluster state is known');
  expect(Date.now() - killedAt).toBeLessThan(20_000);
  await stage.until('the report', () => phase('results/slow.yaml') === 'Completed');
  expect(['node-1', 'node-2', 'node-3', 'node-4'].map(ran)).toEqual([1, 1, 1, 1]);
});

test('a leader that is asked to stop hands over at once', async () => {
  const first = replica('first');
  await first.says('leads: this agent acts now');
  const second = replica('second');
  await second.says('stands by: another agent leads');
  const stoppedAt = Date.now();
  first.child.kill('SIGTERM');
  expect(await first.ended, first.output()).toBe(0);
  await second.says('leads: this agent acts now');
  // Far less than the 12 s a lease lasts that nobody gives up.
  expect(Date.now() - stoppedAt).toBeLessThan(9_000);
  stage.commit({ 'runs/after.yaml': runFile('after') });
  await stage.until('the report', () => phase('results/after.yaml') === 'Completed');
});
