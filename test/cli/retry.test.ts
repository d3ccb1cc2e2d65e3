import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cli } from '../support/cli.ts';
import { Cluster } from '../support/cluster.ts';

let cluster: Cluster;
let dir: string;
let kubeconfig: string;

beforeAll(async () => {
  cluster = await Cluster.start({
    nodes: 3,
    script: (pod) => ({ durationMs: 5, exitCode: pod.spec?.['nodeName'] === 'node-2' ? 4 : 0 }),
  });
  dir = mkdtempSync(join(tmpdir(), 'nodeop-retry-'));
  kubeconfig = join(dir, 'kubeconfig');
  writeFileSync(kubeconfig, cluster.sim.kubeconfig);
  mkdirSync(join(dir, 'results'));
});

afterAll(async () => {
  await cluster.stop();
  rmSync(dir, { recursive: true });
});

const report = (status: string) => `apiVersion: agent.nodeop.dev/v1alpha1
kind: NodeOpReport
metadata: {name: flash}
run: {path: runs/flash.yaml}
nodeOp: {namespace: default, name: flash, uid: u}
spec: {image: busybox, command: [flash]}
status: ${status}
`;

test('from the cluster: what is written is a run file that repeats it where it failed, and runs', async () => {
  await cluster.create({
    metadata: { name: 'flash', annotations: { 'agent.nodeop.dev/run': ':runs/flash.yaml' } },
    spec: { image: 'busybox', command: ['flash'], backoffLimit: 0 },
  });
  await cluster.ended('flash');
  const answer = await cli([
    'retry',
    'runs/flash.yaml',
    '--kubeconfig',
    kubeconfig,
    '--root',
    dir,
    '--write',
  ]);
  expect(answer).toMatchObject({ code: 0, stderr: '' });
  const file = join(dir, 'runs/flash-retry.yaml');
  expect(answer.stdout).toBe(`wrote ${file}; look at it: nodeop-agent validate ${file}\n`);
  expect(readFileSync(file, 'utf8')).toMatch(
    /^# Repeats .* on 1 node: failed on 1, .*\n#   node-2: Failed, /,
  );
  expect(await cli(['validate', file, '--root', dir])).toMatchObject({ code: 0 });
  const second = await cli(['retry', 'flash', '--kubeconfig', kubeconfig, '--root', dir, '--write']);
  expect(second.stdout).toContain('runs/flash-retry-2.yaml');
});

test.each([
  [
    'is over',
    '{phase: Failed, nodes: [{name: node-7, phase: Failed, message: broke}, {name: node-8, phase: Completed}]}',
    0,
    /- node-7\n/,
  ],
  [
    'goes on',
    '{phase: Running, nodes: []}',
    2,
    /^runs\/flash\.yaml is Running: it can be repeated when it is over\n$/,
  ],
  [
    'did all it was to do',
    '{phase: Completed, nodes: [{name: node-8, phase: Completed}]}',
    2,
    /^runs\/flash\.yaml failed on no node and was given up on none: there is nothing to repeat\n$/,
  ],
])('from a report of a run that %s', async (_, status, code, said) => {
  const file = join(dir, 'results/flash.yaml');
  writeFileSync(file, report(status));
  const answer = await cli(['retry', file, '--root', dir]);
  expect(answer.code).toBe(code);
  expect(code === 0 ? answer.stdout : answer.stderr).toMatch(said);
});
