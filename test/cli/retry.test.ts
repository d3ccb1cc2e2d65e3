import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { load } from 'js-yaml';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cli } from '../support/cli.ts';
import { Cluster } from '../support/cluster.ts';
import { putRecordHead } from '../support/record.ts';

let cluster: Cluster;
let dir: string;
let kubeconfig: string;

beforeAll(async () => {
  cluster = await Cluster.start({
    nodes: 3,
    script: (_, node) => ({ durationMs: 5, exitCode: node === 'node-2' ? 4 : 0 }),
  });
  ({ kubeconfig } = cluster);
  dir = mkdtempSync(join(tmpdir(), 'nodeop-retry-'));
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

/** A repository with a definition, a run of it, and the report of one that failed. */
interface Past {
  definition?: string;
  run?: string;
  /** What became of the run file since. */
  since?: 'edited' | 'removed';
  report?: string;
  nodes?: string;
}

const SPEC =
  'image: a, command: [flash, "$(VERSION)"], env: [{name: VERSION, value: "$$1"}, {name: B, value: b}]';

const failed = (...names: string[]) =>
  names.map((it) => `    - name: "${it}"\n      phase: Failed\n      message: it broke`).join('\n');

function repository({ definition = '', run = '', since, report: more = '', nodes = failed('n1') }: Past) {
  const root = mkdtempSync(join(tmpdir(), 'nodeop-retry-'));
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', root, '-c', 'user.name=a', '-c', 'user.email=a@b', ...args])
      .toString()
      .trim();
  const write = (path: string, text: string) => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  write(
    'nodeops/flash.yaml',
    `{apiVersion: operator.kairos.io/v1alpha1, kind: NodeOp, metadata: {name: flash}, spec: {image: a, command: [flash], parameters: [{name: VERSION}, {name: CHANNEL, default: beta}, {name: COUNT, type: integer}]${definition}}}`,
  );
  const file = (version: string) =>
    `apiVersion: agent.nodeop.dev/v1alpha1\nkind: NodeOpRun\nspec: {nodeOp: flash, parameters: {VERSION: "${version}", COUNT: 1000}${run}}\n`;
  write('runs/flash.yaml', file('$1'));
  git('init', '--quiet');
  git('add', '.');
  git('commit', '--quiet', '-m', 'Flash');
  const blob = git('rev-parse', 'HEAD:runs/flash.yaml');
  if (since === 'edited') write('runs/flash.yaml', file('2'));
  if (since === 'removed') rmSync(join(root, 'runs/flash.yaml'));
  write(
    'results/flash.yaml',
    `apiVersion: agent.nodeop.dev/v1alpha1
kind: NodeOpReport
metadata: {name: flash}
run: {path: runs/flash.yaml, blob: ${blob}}
parameters: {VERSION: $1, COUNT: 1000, CHANNEL: beta}
spec: {${SPEC}}
${more}
status:
  phase: Failed
  nodes:
${nodes}
`,
  );
  return root;
}

const GIVEN = { VERSION: '$1', COUNT: 1000 };
const STEPS =
  ', overrides: {concurrency: 10%, maxFailures: 0%, steps: [{name: canary, nodeSelector: {matchLabels: {canary: "true"}}, upTo: 10%, concurrency: 50%}, {name: more, upTo: 20%}]}';

test.each<[string, Past, object, RegExp]>([
  ['with parameters', {}, { kind: 'NodeOpRun', spec: { parameters: GIVEN } }, /^$/],
  ['whose file was edited', { since: 'edited' }, { kind: 'NodeOpRun', spec: { parameters: GIVEN } }, /^$/],
  ['whose file is gone', { since: 'removed' }, { kind: 'NodeOpRun', spec: { parameters: GIVEN } }, /^$/],
  ['in steps', { run: STEPS }, { kind: 'NodeOpRun', spec: { overrides: { concurrency: '10%' } } }, /^$/],
  [
    'that may not choose its nodes',
    { definition: ', overridable: [concurrency]' },
    {
      kind: 'NodeOp',
      spec: { command: ['flash', '$(VERSION)'], env: [{ name: 'VERSION', value: '$$1' }, { name: 'B' }] },
    },
    /cannot be repeated as a run of its definition: spec\.overrides\.nodeSelector: definition "flash" lets its runs override only concurrency\. What was executed/,
  ],
  [
    'whose window is lost with that, of one cluster',
    {
      definition: ', overridable: []',
      run: ', window: {schedule: "0 2 * * *", duration: 1h}',
      report: 'cluster: berlin',
    },
    { kind: 'NodeOp' },
    /no window.*\nA NodeOp is carried out on every cluster/,
  ],
  [
    'on nodes with odd names',
    {
      nodes: failed('1e3', '0x1f', '010', 'null', 'true', 'constructor', '1.5', 'n'.repeat(63)),
    },
    { kind: 'NodeOpRun' },
    /^$/,
  ],
])('of a run %s it is a file that the agent takes', async (_, past, expected, said) => {
  const root = repository(past);
  const answer = await cli(['retry', join(root, 'results/flash.yaml'), '--root', root, '--write']);
  const stderr = answer.stderr.replace(/^Nodes are selected by .*\n/, '');
  expect(stderr).toMatch(said);
  expect(answer.code).toBe(0);
  expect(load(readFileSync(join(root, 'runs/flash-retry.yaml'), 'utf8'))).toMatchObject(expected);
  const validated = await cli(['validate', join(root, 'runs/flash-retry.yaml'), '--root', root]);
  expect(validated).toMatchObject({ code: 0 });
  rmSync(root, { recursive: true });
});

test.each<[string, Past, RegExp]>([
  [
    'a node whose name no label can have',
    { nodes: failed('n'.repeat(64)) },
    /node n{64} cannot be selected: its name is no value of a label/,
  ],
  [
    'more nodes than a file can name',
    {
      nodes: failed(...Array.from({ length: 9000 }, (_, i) => `node-${i}.example.org`)),
    },
    /cannot be repeated by a run file: file is too large/,
  ],
])('%s: nothing is written', async (_, past, said) => {
  const root = repository(past);
  const answer = await cli(['retry', join(root, 'results/flash.yaml'), '--root', root]);
  expect(answer).toMatchObject({ code: 2, stdout: '' });
  expect(answer.stderr).toMatch(said);
  rmSync(root, { recursive: true });
});

test('a run that has not begun, or never will, is told as that', async () => {
  putRecordHead(cluster.sim, {
    waiting: JSON.stringify([{ run: 'runs/later.yaml', reason: 'Queued', message: 'other runs come first' }]),
    waitingCount: '1',
    passedOver: '3',
    passedOverRuns: JSON.stringify(['runs/old.yaml']),
  });
  const answer = async (run: string) => {
    const { code, stdout, stderr } = await cli(['retry', run, '--kubeconfig', kubeconfig, '--root', dir]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    return stderr;
  };
  expect(await answer('runs/old.yaml')).toMatch(
    /^runs\/old\.yaml: never begins: it was there before the agent first looked, .*; to carry it out, add it under another name\n$/,
  );
  expect(await answer('runs/later.yaml')).toBe(
    'it has not begun: runs/later.yaml: Waiting (Queued): other runs come first\n',
  );
  expect(await answer('runs/latter.yaml')).toContain('did you mean "runs/later.yaml"?');
  expect(await answer('runs/unknown-to-all.yaml')).toContain(
    '2 more run files never begin, see .baseline.yaml',
  );
});
