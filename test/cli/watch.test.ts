import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../support/cluster.ts';
import { cli } from '../support/cli.ts';
import { putRecordHead } from '../support/record.ts';

let cluster: Cluster;
let dir: string;
const access = () => ['--kubeconfig', cluster.kubeconfig];

beforeAll(async () => {
  cluster = await Cluster.start({
    nodes: 3,
    script: (_, node) => ({ durationMs: 20, exitCode: node === 'node-2' ? 4 : 0 }),
  });
  dir = mkdtempSync(join(tmpdir(), 'nodeop-watch-'));
});

afterAll(async () => {
  await cluster.stop();
  rmSync(dir, { recursive: true });
});

const create = (name: string, node: string) =>
  cluster.create({
    metadata: { name, annotations: { 'agent.nodeop.dev/run': `:runs/${name}.yaml` } },
    spec: {
      image: 'busybox',
      command: ['true'],
      backoffLimit: 0,
      nodeSelector: { matchLabels: { 'kubernetes.io/hostname': node } },
    },
  });

test('a run that has not begun is waited for and told to its end, as JSON a script can read', async () => {
  const watched = cli(['watch', 'runs/good.yaml', ...access(), '--format', 'json', '--timeout', '50s']);
  // The watch is up when the server has seen it; a rollout seen late is told all the same.
  await create('good', 'node-1');
  const { code, stdout, stderr } = await watched;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const changes = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, string>);
  expect(changes.at(-1)).toMatchObject({ type: 'rollout', phase: 'Completed', done: '1/1', failed: 0 });
  expect(changes.filter(({ type }) => type === 'node').at(-1)).toMatchObject({
    node: 'node-1',
    phase: 'Completed',
  });
  const texts = changes.map((it) => JSON.stringify({ ...it, time: '' }));
  expect(new Set(texts).size).toBe(texts.length);
});

test('a failed rollout that is over already is told at once, and ends with 1', async () => {
  await create('bad', 'node-2');
  await cluster.ended('bad');
  const { code, stdout } = await cli(['watch', 'bad', ...access()]);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^default\/bad for runs\/bad\.yaml\n/);
  expect(stdout).toMatch(/^ +\d+ s {2}node-2 +Failed +command failed: exit code 4/m);
  expect(stdout).toMatch(/^ +\d+ s {2}rollout +Failed +0 of 1 node completed, 1 failed/m);
});

test('one that was passed over is told as such, and not waited for', async () => {
  putRecordHead(cluster.sim, {
    passedOver: '2',
    passedOverRuns: JSON.stringify(['runs/old.yaml', 'runs/older.yaml']),
  });
  const told = await cli(['watch', 'runs/old.yaml', ...access()]);
  expect(told).toMatchObject({ code: 1, stderr: '' });
  expect(told.stdout).toMatch(/^runs\/old\.yaml: never begins: .*\.baseline\.yaml.*under another name$/m);
  const { code, stdout } = await cli(['watch', 'runs/old.yaml', '--format', 'json', ...access()]);
  expect([code, JSON.parse(stdout)]).toMatchObject([1, { type: 'passedOver', run: 'runs/old.yaml' }]);
  const status = await cli(['status', 'results/older.yaml', '--format', 'json', ...access()]);
  expect([status.code, JSON.parse(status.stdout)]).toMatchObject([
    0,
    { phase: 'PassedOver', run: 'runs/older.yaml' },
  ]);
});

test('what does not come in time, and a cluster that is away, end with 3', async () => {
  const late = await cli(['watch', 'never', ...access(), '--timeout', '1s']);
  expect(late).toMatchObject({
    code: 3,
    stdout: expect.stringMatching(/^waiting for never to begin; a run file/) as string,
  });
  expect(late.stderr).toContain('the rollout is not over after 1s');
  writeFileSync(join(dir, 'away'), cluster.sim.kubeconfig.replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:1'));
  const away = await cli(['watch', 'never', '--kubeconfig', join(dir, 'away')]);
  expect(away.code).toBe(3);
  expect(away.stderr).toMatch(/^cannot watch nodeops: no answer from the API server/);
});

test('a broken connection is told, and what happened meanwhile is not lost', async () => {
  const target = Number(new URL(cluster.sim.url).port);
  const sockets = new Set<Socket>();
  const proxy = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    for (const socket of [near, far]) socket.on('error', () => socket.destroy());
    near.pipe(far).pipe(near);
    sockets.add(near);
  });
  await new Promise<void>((resolve) => {
    proxy.listen(0, '127.0.0.1', resolve);
  });
  const file = join(dir, 'proxied');
  const port = String((proxy.address() as AddressInfo).port);
  writeFileSync(file, cluster.sim.kubeconfig.replaceAll(String(target), port));
  const args = ['src/main.ts', 'watch', 'later', '--kubeconfig', file];
  const watched = spawn(process.execPath, args);
  const [out, err] = [watched.stdout, watched.stderr].map((stream) => {
    const pieces: string[] = [];
    stream.setEncoding('utf8').on('data', (piece: string) => pieces.push(piece));
    return () => pieces.join('');
  }) as [() => string, () => string];
  const closed = once(watched, 'close');
  await expect.poll(out, { timeout: 60_000 }).toContain('waiting for later to begin');
  // Whenever the watch is open, it breaks.
  const broken = () => {
    for (const socket of sockets) socket.destroy();
    return err();
  };
  await expect.poll(broken, { timeout: 60_000, interval: 200 }).toContain('trying again');
  await create('later', 'node-1');
  const [code] = (await closed) as [number];
  const [stdout, stderr] = [out(), err()];
  proxy.close();
  expect(stderr).toMatch(/^cannot watch nodeops: .*; trying again$/m);
  expect(stderr).not.toContain('    at ');
  expect(stdout).toMatch(/rollout +Completed/);
  expect(code).toBe(0);
});
