import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startSim } from '../../src/sim/index.ts';
import { Cluster } from '../support/cluster.ts';
import { cli } from '../support/cli.ts';

let cluster: Cluster;
let dir: string;
let kubeconfig: string;

beforeAll(async () => {
  cluster = await Cluster.start({
    nodes: 3,
    script: (_, node) => ({ durationMs: 5, exitCode: node === 'node-2' ? 4 : 0 }),
  });
  ({ kubeconfig } = cluster);
  dir = mkdtempSync(join(tmpdir(), 'nodeop-status-'));
});

afterAll(async () => {
  await cluster.stop();
  rmSync(dir, { recursive: true });
});

test('nothing there yet is said as such', async () => {
  const answer = await cli(['status', '--kubeconfig', kubeconfig]);
  expect(answer).toEqual({ code: 0, stdout: 'There are no runs.\n', stderr: '' });
});

test('runs with their counts, a failed node that stays cordoned, and one run node by node', async () => {
  await cluster.create({
    metadata: { name: 'flash', annotations: { 'agent.nodeop.dev/run': 'berlin:runs/2030/flash.yaml' } },
    spec: { image: 'busybox', command: ['flash'], cordon: true, backoffLimit: 0 },
  });
  await cluster.ended('flash');

  const all = await cli(['status', '--kubeconfig', kubeconfig]);
  expect(all.stdout).toMatch(/^PHASE +DONE +FAILED +AGE +RUN\n/);
  expect(all.stdout).toMatch(/^Failed +2\/3 +1 +\d+s +runs\/2030\/flash\.yaml$/m);
  expect(all.stdout).toMatch(/kubectl uncordon NODE:\n {2}node-2 +default\/flash +Failed: command failed/);

  const json = JSON.parse((await cli(['status', '--kubeconfig', kubeconfig, '--format', 'json'])).stdout);
  expect(json).toMatchObject({
    runs: [
      { name: 'flash', run: 'runs/2030/flash.yaml', phase: 'Failed', summary: { failed: 1, completed: 2 } },
    ],
    leftCordoned: [{ node: 'node-2', by: 'default/flash' }],
  });

  const one = await cli(['status', 'flash.yaml', '--kubeconfig', kubeconfig]);
  expect(one.stdout).toContain(
    'default/flash for runs/2030/flash.yaml: Failed, 2 of 3 nodes completed, 1 failed; took ',
  );
  const nodes = one.stdout.split('\n').filter((line) => line.startsWith('node-'));
  expect(nodes.map((line) => line.split(/ +/).slice(0, 2))).toEqual([
    ['node-2', 'Failed'],
    ['node-1', 'Completed'],
    ['node-3', 'Completed'],
  ]);
});

test('why a node is cordoned is one command away, and a node that is not there is told', async () => {
  const { code, stdout } = await cli(['explain', 'node-2', '--kubeconfig', kubeconfig]);
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^node-2 is Ready\. It was cordoned by runs\/2030\/flash\.yaml, which is over here: Failed: /,
  );
  expect(stdout).toMatch(
    /\nPhase by phase, in runs\/2030\/flash\.yaml:\nPHASE +FROM +FOR\nDraining +\d{4}-\S+Z +\d+ ?\w+\nRunning +\d{4}-\S+Z +\d+ ?\w+\n/,
  );
  expect(stdout).toMatch(
    /Next:\n {2}nodeop-agent logs runs\/2030\/flash\.yaml node-2 .*\n.* uncordon node-2\n$/,
  );
  const answer = await cli(['explain', 'node-22', '--kubeconfig', kubeconfig]);
  expect(answer).toEqual({
    code: 2,
    stdout: '',
    stderr: 'the cluster has no node "node-22"; did you mean "node-2"?\n',
  });
});

test('a node cordoned by a rollout under way is none that was left; one whose NodeOp is gone is', async () => {
  const sim = await startSim({ nodes: 3, script: () => undefined });
  const { metadata } = sim.store.create('nodeops.operator.kairos.io', {
    metadata: { name: 'going', namespace: 'default' },
    spec: { image: 'busybox', command: ['true'] },
    status: { phase: 'Running', nodeStatuses: { 'node-1': { phase: 'Draining' } } },
  });
  const cordon = (node: string, by: string) => {
    const known = sim.store.read('nodes', node);
    const annotations = { 'operator.kairos.io/cordoned-by': by };
    sim.store.update('nodes', { ...known, metadata: { ...known.metadata, annotations } });
  };
  cordon('node-1', `default/going@${metadata.uid}`);
  cordon('node-2', 'default/going@of-a-predecessor');
  const file = join(dir, 'second');
  writeFileSync(file, sim.kubeconfig);
  const { stdout } = await cli(['status', '--kubeconfig', file, '--format', 'json']);
  await sim.stop();
  expect((JSON.parse(stdout) as { leftCordoned: object[] }).leftCordoned).toEqual([
    { node: 'node-2', by: 'default/going', why: 'the NodeOp is gone' },
  ]);
});

test('a name that is not there is answered with the nearest one', async () => {
  const answer = await cli(['status', 'flsh', '--kubeconfig', kubeconfig]);
  expect(answer).toMatchObject({ code: 2, stdout: '' });
  expect(answer.stderr).toBe('the cluster has no run or NodeOp "flsh"; did you mean "flash"?\n');
});

test.each([
  [
    'a kubeconfig that is not there',
    () => join(dir, 'none'),
    2,
    /cannot use the kubeconfig .*none.*--kubeconfig/,
  ],
  [
    'a cluster that is away',
    () => away(),
    3,
    /cannot list nodeops: no answer from the API server.*right cluster/,
  ],
  [
    'an address that is no API server',
    () => other(),
    2,
    /cluster does not know them; is the agent installed/,
  ],
])('%s', async (_, file, code, text) => {
  const answer = await cli(['status', '--kubeconfig', file()]);
  expect(answer.stderr).toMatch(text);
  expect(answer.stderr).not.toContain('    at ');
  expect(answer.code).toBe(code);
});

const forbidden = {
  kind: 'Status',
  code: 403,
  message: 'nodeops.operator.kairos.io is forbidden: User "ada" cannot list resource "nodeops"',
};

test.each([
  [
    'no permission',
    403,
    JSON.stringify(forbidden),
    2,
    /^not allowed to list nodeops: .*User "ada".*plan-role\.yaml/,
  ],
  [
    'wrong credentials',
    401,
    '{"kind":"Status","message":"Unauthorized"}',
    2,
    /does not accept the credentials/,
  ],
  ['a login page', 200, '<html>Sign in</html>', 3, /speaks no JSON, so it is no API server/],
  [
    'a server in trouble',
    500,
    '{"kind":"Status","message":"leader changed"}',
    3,
    /^cannot list nodeops: leader changed/,
  ],
])('%s', async (_, status, body, code, text) => {
  const server = createServer((_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const file = join(dir, 'stub');
  writeFileSync(file, cluster.sim.kubeconfig.replaceAll(/127\.0\.0\.1:\d+/g, address));
  const answer = await cli(['status', '--kubeconfig', file]);
  server.close();
  expect(answer.stderr).toMatch(text);
  expect(answer.stderr).not.toContain('    at ');
  expect(answer.code).toBe(code);
});

test('an answer that breaks off', async () => {
  const server = createServer((request, response) => {
    response.writeHead(200, { 'content-length': '1000' }).write('{"items": [');
    setImmediate(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  writeFileSync(join(dir, 'broken'), cluster.sim.kubeconfig.replaceAll(/127\.0\.0\.1:\d+/g, address));
  const answer = await cli(['status', '--kubeconfig', join(dir, 'broken')]);
  server.close();
  expect(answer.stderr).toMatch(/^cannot list nodeops: (the API server's answer broke off|no answer)/);
  expect(answer.stderr).not.toContain('    at ');
  expect(answer.code).toBe(3);
});

test('a context that is not there, and a login helper that is not installed', async () => {
  const context = await cli(['status', '--kubeconfig', kubeconfig, '--context', 'berlin']);
  expect(context.code).toBe(2);
  expect(context.stderr).toContain('has no context "berlin" with a cluster; it has sim');
  const user =
    'exec: {apiVersion: client.authentication.k8s.io/v1, command: no-such-helper, interactiveMode: Never}';
  writeFileSync(join(dir, 'exec'), cluster.sim.kubeconfig.replace('user: {}', `user: {${user}}`));
  const helper = await cli(['status', '--kubeconfig', join(dir, 'exec')]);
  expect(helper.code).toBe(3);
  expect(helper.stderr).toMatch(/^cannot list nodeops: no credentials: spawn no-such-helper ENOENT/);
});

/** A kubeconfig whose server nobody listens at. */
function away(): string {
  const file = join(dir, 'away');
  writeFileSync(file, cluster.sim.kubeconfig.replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:1'));
  return file;
}

function other(): string {
  const file = join(dir, 'other');
  writeFileSync(file, cluster.sim.kubeconfig.replaceAll(/(127\.0\.0\.1:\d+)/g, '$1/elsewhere'));
  return file;
}
