import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cluster } from '../support/cluster.ts';
import { type Answer, cli } from '../support/cli.ts';
import { putRecordHead } from '../support/record.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const ESC = '\u001b';

let cluster: Cluster;
let dir: string;

beforeAll(async () => {
  cluster = await Cluster.start({
    nodes: 3,
    jobBackoffMs: 50,
    script: (_, node) => {
      const log = `flash ${node}\n${ESC}[31m::error::x${ESC}]0;title\u0007\n\n10%\r20%\n`;
      return { durationMs: 5, exitCode: node === 'node-2' ? 4 : 0, log };
    },
  });
  dir = mkdtempSync(join(tmpdir(), 'nodeop-logs-'));
  await run('flash', { backoffLimit: 1 });
  await cluster.ended('flash');
});

afterAll(async () => {
  await cluster.stop();
  rmSync(dir, { recursive: true });
});

const run = (name: string, spec: object = {}) =>
  cluster.create({
    metadata: { name, annotations: { 'agent.nodeop.dev/run': `:runs/${name}.yaml` } },
    spec: { image: 'busybox', command: ['flash'], backoffLimit: 0, concurrency: 3, ...spec },
  });

const logs = (...args: string[]): Promise<Answer> =>
  cli(['logs', ...args, '--kubeconfig', cluster.kubeconfig, '--root', '.'], {}, dir);

const OF = (node: string) => [`flash ${node}`, String.raw`\u{3a}:error::x`, '', '10%', '20%'];

test('of one node everything that was started, in its order, with nothing that acts on a terminal', async () => {
  const { code, stdout, stderr } = await logs('runs/flash.yaml', 'node-2');
  expect(stdout.split('\n')).toEqual([...OF('node-2'), ...OF('node-2'), '']);
  expect(stderr).toBe('--- node-2: command, attempt 2 ---\n');
  expect(code).toBe(0);
});

test('of several nodes each line names its own', async () => {
  const { code, stdout } = await logs('flash');
  expect(code).toBe(0);
  const lines = stdout.trimEnd().split('\n');
  expect(lines.filter((line) => !/^node-[123] \| /.test(line))).toEqual([]);
  for (const node of ['node-1', 'node-3']) {
    const own = lines.filter((line) => line.startsWith(node)).map((line) => line.slice('node-1 | '.length));
    expect(own).toEqual(OF(node));
  }
});

test('a script reads one object a line, as it was written', async () => {
  const { stdout, stderr } = await logs('flash', 'node-1', '-o', 'json');
  expect(stderr).toBe('');
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const origin = { from: 'pod', node: 'node-1', part: 'command', attempt: 1 };
  const container = { pod: expect.stringMatching(/^flash-/), container: 'nodeop' };
  const time = expect.stringMatching(/^20\d\d-.*Z$/);
  expect(lines[0]).toEqual({ ...origin, ...container, time, line: 'flash node-1' });
  expect(lines[1]).toMatchObject({ line: `${ESC}[31m::error::x${ESC}]0;title\u0007` });
});

describe('what is not there is told', () => {
  test.each([
    [['flush'], 2, 'the cluster has no run or NodeOp "flush"; did you mean "flash"?\n'],
    [['flash', 'node-22'], 2, 'runs/flash.yaml has no node "node-22"; did you mean "node-2"?\n'],
    [['flash', 'x'], 2, 'runs/flash.yaml has no node "x"; it has node-1, node-2, node-3\n'],
  ])('%j', async (args, code, stderr) => {
    expect(await logs(...args)).toEqual({ code, stdout: '', stderr });
  });

  test('without a cluster, and without a report', async () => {
    const answer = await cli(['logs', 'flash', '--kubeconfig', 'none'], {}, dir);
    expect(answer).toMatchObject({ code: 2, stdout: '' });
    expect(answer.stderr).toMatch(/^cannot use the kubeconfig none/);
  });
});

const report = (path: string, nodes: string) => `apiVersion: agent.nodeop.dev/v1alpha1
kind: NodeOpReport
metadata: {name: x}
run: {path: ${path}}
status: {phase: Failed, nodes: ${nodes}}
`;

describe('once the pods are gone', () => {
  beforeAll(async () => {
    await run('gone');
    await cluster.ended('gone');
    for (const pod of cluster.sim.store.all('pods'))
      if (pod.metadata.labels?.['kairos.io/nodeop'] === 'gone') cluster.sim.store.remove('pods', pod);
  });

  test('the status has the end of what failed, and it is said why there is nothing of others', async () => {
    const { code, stdout, stderr } = await logs('gone');
    expect(stdout).toMatch(/^node-2 \| .*20%$/m);
    expect(stderr).toContain('--- node-2: the end, from the status of the NodeOp ---');
    expect(stderr).toMatch(/^no log of node-1, node-3: its pods are gone: .*; it is Completed$/m);
    expect(code).toBe(0);
    expect(await logs('gone', 'node-1')).toMatchObject({ code: 1, stdout: '' });
  });

  test('the report and the files beside it have what was kept', async () => {
    mkdirSync(join(dir, 'results/gone.yaml.logs'), { recursive: true });
    const nodes = '[{name: node-1, phase: Completed}, {name: node-2, phase: Failed, log: "a\\nb", cause: b}]';
    writeFileSync(join(dir, 'results/gone.yaml'), report('runs/gone.yaml', nodes));
    writeFileSync(join(dir, 'results/gone.yaml.logs/node-1.log'), 'all of it\nto its end\n');
    const { stdout, stderr, code } = await logs('gone');
    expect(stdout).toBe('node-1 | all of it\nnode-1 | to its end\nnode-2 | a\nnode-2 | b\n');
    expect(stderr).toContain('--- node-1: the end, from results/gone.yaml.logs/node-1.log ---');
    expect(code).toBe(0);
    // Nobody needs a cluster for what a report says.
    for (const wanted of ['results/gone.yaml', 'runs/gone.yaml', 'gone.yaml']) {
      const answer = await cli(['logs', wanted, 'node-2', '--kubeconfig', 'none', '--root', '.'], {}, dir);
      expect(answer).toMatchObject({ code: 0, stdout: 'a\nb\n' });
    }
    mkdirSync(join(dir, 'results/berlin'));
    writeFileSync(join(dir, 'results/berlin/gone.yaml'), report('runs/gone.yaml', nodes));
    const several = await cli(['logs', 'gone.yaml', '--kubeconfig', 'none', '--root', '.'], {}, dir);
    expect(several.stderr).toContain(
      'has several reports: results/berlin/gone.yaml, results/gone.yaml; name one',
    );
  });
});

test('a run that waits is told as that, and one that never begins', async () => {
  const data = {
    waiting: JSON.stringify([{ run: 'runs/later.yaml', reason: 'Queued', message: 'other runs come first' }]),
    waitingCount: '1',
    passedOver: '1',
    passedOverRuns: JSON.stringify(['runs/old.yaml']),
  };
  putRecordHead(cluster.sim, data);
  expect((await logs('runs/later.yaml')).stderr).toBe(
    'runs/later.yaml: Waiting (Queued): other runs come first; with -f it is waited for\n',
  );
  for (const more of [[], ['-f']])
    expect(await logs('runs/old.yaml', ...more)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('runs/old.yaml: never begins:'),
    });
});

describe('followed', () => {
  let going: Cluster;

  beforeAll(async () => {
    going = await Cluster.start({ nodes: 2 });
  });

  afterAll(() => going.stop());

  /** Each command says something, and goes on when its node has the file. */
  const WAIT = 'echo begins; until [ -e "$HOST_DIR/etc/go" ]; do sleep 0.02; done; echo goes on';
  const letGo = (node: string) => writeFileSync(join(going.sim.dir, node, 'root/etc/go'), '');

  function follow(...args: string[]) {
    const access = ['-f', '--kubeconfig', going.kubeconfig];
    const child = spawn(process.execPath, [MAIN, 'logs', ...args, ...access], { cwd: dir });
    let said = '';
    child.stdout.on('data', (piece: Buffer) => (said += piece.toString()));
    child.stderr.on('data', (piece: Buffer) => (said += piece.toString()));
    const ended = once(child, 'close').then(([code]) => code as number);
    return { child, ended, said: () => said };
  }

  test('what is said is shown as it is said, nodes join as they begin, and it ends with the run', async () => {
    await going.create({
      metadata: { name: 'slow' },
      spec: { image: 'busybox', command: ['sh', '-c', WAIT], concurrency: 1 },
    });
    const shown = follow('slow');
    await expect.poll(shown.said).toBe('node-1 | begins\n');
    letGo('node-1');
    await expect.poll(shown.said).toContain('node-2 | begins\n');
    letGo('node-2');
    expect(await shown.ended).toBe(0);
    const lines = ['node-1 | begins', 'node-1 | goes on', 'node-2 | begins', 'node-2 | goes on', ''];
    expect(shown.said()).toBe(lines.join('\n'));
    // Once more, when all of it is over.
    const after = follow('slow', 'node-2');
    expect([await after.ended, after.said()]).toEqual([0, 'begins\ngoes on\n']);
  });

  test('Ctrl-C ends it at once, and nothing else', async () => {
    await going.create({
      metadata: { name: 'endless' },
      spec: { image: 'busybox', command: ['sh', '-c', 'echo begins; sleep 1000'], concurrency: 1 },
    });
    const shown = follow('endless', 'node-1');
    await expect.poll(shown.said).toBe('begins\n');
    shown.child.kill('SIGINT');
    expect([await shown.ended, shown.said()]).toEqual([130, 'begins\n']);
    expect((await going.until('endless', () => true)).status?.phase).toBe('Running');
  });
});
