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
  ({ kubeconfig } = cluster);
  dir = mkdtempSync(join(tmpdir(), 'nodeop-steer-'));
  git('init', '--quiet');
  commitRun();
  await cluster.create({
    metadata: { name: 'flash', annotations: { 'agent.nodeop.dev/run': ':runs/flash.yaml' } },
    spec: { image: 'busybox', command: ['flash'], concurrency: 1 },
  });
});

const RUN =
  'apiVersion: operator.kairos.io/v1alpha1\nkind: NodeOp\nmetadata: {generateName: flash-}\nspec:\n  image: busybox\n  command: [flash]\n';

const git = (...args: string[]) =>
  execFileSync('git', ['-C', dir, '-c', 'user.name=a', '-c', 'user.email=a@b', ...args]);

/** The run file as it was at first. */
function commitRun(): void {
  mkdirSync(join(dir, 'runs'), { recursive: true });
  writeFileSync(file(), RUN);
  git('add', 'runs');
  git('commit', '--quiet', '--allow-empty', '-m', 'Flash');
}

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
  expect(refused.stderr).toContain(
    `was not removed: it has changes that no commit has, and they would be lost; commit them first, or take them back: git restore --staged --worktree -- ${file()}`,
  );
  expect(await cli(['resume', file()])).toMatchObject({ code: 0 });
  expect(readFileSync(file(), 'utf8')).toContain('suspend: false');
  execFileSync('git', ['-C', dir, 'checkout', '--quiet', 'runs']);
  expect(await cli(['cancel', file()])).toMatchObject({ code: 0 });
  expect(existsSync(file())).toBe(false);
  const missing = await cli(['suspend', file()]);
  expect(missing).toMatchObject({ code: 2 });
  expect(missing.stderr).toContain('at once, in the cluster: nodeop-agent suspend');
});

test('one that was never committed is not thrown away', async () => {
  const fresh = join(dir, 'runs/[new] one.yaml');
  writeFileSync(fresh, RUN);
  const { code, stderr } = await cli(['cancel', fresh]);
  expect([code, existsSync(fresh)]).toEqual([2, true]);
  expect(stderr).toContain(`no commit has it; if it is not needed: rm '${fresh}'`);
  rmSync(fresh);
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

test('how the run stands in the cluster is said, or that it cannot be told', async () => {
  commitRun();
  const there = await cli(['suspend', file(), '--kubeconfig', kubeconfig]);
  expect(there.stdout).toMatch(
    /^In this cluster it is Running: 0 of 2 nodes completed, .*; in flight: node-1; /m,
  );
  const away = await cli(['resume', file(), '--kubeconfig', join(dir, 'none'), '-o', 'json']);
  expect(JSON.parse(away.stdout)).toMatchObject({
    action: 'resume',
    where: 'file',
    cluster: expect.stringMatching(/^How it stands in the cluster is not known: cannot use the kubeconfig /),
    next: [expect.stringMatching(/^nodeop-agent resume .* --now --kubeconfig /)],
  });
});

test.each(['suspend', 'resume', 'cancel'])('%s of a definition names its runs instead', async (verb) => {
  const definition =
    'apiVersion: operator.kairos.io/v1alpha1\nkind: NodeOp\nmetadata: {name: flash}\nspec: {image: a, command: [flash]}\n';
  const write = (path: string, text: string) => {
    mkdirSync(join(dir, path, '..'), { recursive: true });
    writeFileSync(join(dir, path), text);
  };
  commitRun();
  write('nodeops/flash.yaml', definition);
  write(
    'runs/2030/second.yaml',
    'apiVersion: agent.nodeop.dev/v1alpha1\nkind: NodeOpRun\nspec: {nodeOp: flash}\n',
  );
  write('elsewhere.yaml', definition);
  const refused = await cli([verb, 'nodeops/flash.yaml'], {}, dir);
  expect(refused).toEqual({
    code: 2,
    stdout: '',
    stderr:
      'nodeops/flash.yaml is a definition, or a schedule, and no run: name one of its runs instead: runs/2030/second.yaml\n',
  });
  const other = await cli([verb, 'elsewhere.yaml'], {}, dir);
  expect(other.stderr).toContain(
    'elsewhere.yaml is no run file: it is not below runs/, where run files are; --runs',
  );
  expect([existsSync(join(dir, 'elsewhere.yaml')), existsSync(join(dir, 'nodeops/flash.yaml'))]).toEqual([
    true,
    true,
  ]);
  expect(readFileSync(join(dir, 'nodeops/flash.yaml'), 'utf8')).toBe(definition);
  expect(await cli([verb, '../flash.yaml'], {}, join(dir, 'runs/2030'))).toMatchObject({ code: 0 });
});
