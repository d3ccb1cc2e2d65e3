import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { NodeOp } from '../../src/api/nodeop.ts';
import { NODEOPS } from '../../src/kube/resources.ts';
import { cli } from '../support/cli.ts';
import { Cluster } from '../support/cluster.ts';

let cluster: Cluster;
let dir: string;
let kubeconfig: string;
const file = () => join(dir, 'runs/flash.yaml');

beforeAll(async () => {
  cluster = await Cluster.start({ nodes: 2, script: () => ({ hang: true }) });
  dir = mkdtempSync(join(tmpdir(), 'nodeop-steer-'));
  kubeconfig = join(dir, 'kubeconfig');
  writeFileSync(kubeconfig, cluster.sim.kubeconfig);
  mkdirSync(join(dir, 'runs'));
  writeFileSync(
    file(),
    'apiVersion: operator.kairos.io/v1alpha1\nkind: NodeOp\nmetadata: {generateName: flash-}\nspec:\n  image: busybox\n  command: [flash]\n',
  );
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', dir, '-c', 'user.name=a', '-c', 'user.email=a@b', ...args]);
  git('init', '--quiet');
  git('add', 'runs');
  git('commit', '--quiet', '-m', 'Flash');
  await cluster.create({
    metadata: { name: 'flash', annotations: { 'agent.nodeop.dev/run': ':runs/flash.yaml' } },
    spec: { image: 'busybox', command: ['flash'], concurrency: 1 },
  });
});

afterAll(async () => {
  await cluster.stop();
  rmSync(dir, { recursive: true });
});

test('in the checkout: suspended, resumed, and removed as long as a commit has it', async () => {
  const suspended = await cli(['suspend', file()]);
  expect(suspended).toMatchObject({ code: 0, stderr: '' });
  expect(suspended.stdout).toContain(
    `${file()} says suspend: true. Commit that and have it merged: no new node starts`,
  );
  expect(readFileSync(file(), 'utf8')).toContain('spec:\n  suspend: true\n');
  expect(await cli(['validate', file(), '--root', dir])).toMatchObject({ code: 0 });
  // What no commit has is not thrown away.
  const refused = await cli(['cancel', file()]);
  expect(refused).toMatchObject({ code: 2, stdout: '' });
  expect(refused.stderr).toContain('was not removed: error: the following file has local modifications');
  expect(await cli(['resume', file()])).toMatchObject({ code: 0 });
  expect(readFileSync(file(), 'utf8')).toContain('suspend: false');
  execFileSync('git', ['-C', dir, 'checkout', '--quiet', 'runs']);
  expect(await cli(['cancel', file()])).toMatchObject({ code: 0 });
  expect(existsSync(file())).toBe(false);
  const missing = await cli(['suspend', file()]);
  expect(missing).toMatchObject({ code: 2 });
  expect(missing.stderr).toContain('at once, in the cluster: nodeop-agent suspend');
});

test('at once: held with a reason, released, cancelled, in the cluster', async () => {
  const now = (...args: string[]) => cli([...args, 'flash', '--now', '--kubeconfig', kubeconfig]);
  const marks = async () => {
    const it = await cluster.client.get<NodeOp>(NODEOPS, 'flash', 'default');
    return it?.metadata.annotations ?? {};
  };
  const held = await now('suspend', '--reason', 'disks fail');
  expect(held.stdout).toMatch(
    /^runs\/flash\.yaml is held: .*\nTo let it go on: nodeop-agent resume flash --now --kubeconfig /,
  );
  expect(await marks()).toMatchObject({ 'agent.nodeop.dev/hold': 'disks fail' });
  expect(await now('resume')).toMatchObject({ code: 0 });
  expect(await marks()).not.toHaveProperty('agent.nodeop.dev/hold');
  expect(await now('cancel', '--reason', 'wrong firmware')).toMatchObject({ code: 0 });
  expect(await marks()).toMatchObject({ 'agent.nodeop.dev/cancel': 'wrong firmware' });
});

test.each(['suspend', 'resume', 'cancel'])(
  '%s leaves a report alone: without it its run would begin again',
  async (verb) => {
    const report = join(dir, 'results/flash.yaml');
    const text = 'apiVersion: agent.nodeop.dev/v1alpha1\nkind: NodeOpReport\nspec:\n  image: a\n';
    mkdirSync(join(dir, 'results'), { recursive: true });
    writeFileSync(report, text);
    execFileSync('git', ['-C', dir, 'add', 'results']);
    execFileSync('git', [
      '-C',
      dir,
      '-c',
      'user.name=a',
      '-c',
      'user.email=a@b',
      'commit',
      '--allow-empty',
      '-qm',
      'R',
    ]);
    const answer = await cli([verb, report]);
    expect(answer).toMatchObject({ code: 2, stdout: '' });
    expect(answer.stderr).toContain('is no run file: its kind is "NodeOpReport"');
    expect(readFileSync(report, 'utf8')).toBe(text);
  },
);
