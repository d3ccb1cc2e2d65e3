import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cli } from '../support/cli.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nodeop-judgement-'));
  write('nodes.json', JSON.stringify({ kind: 'Node', metadata: { name: 'n1' }, status: {} }));
});
afterEach(() => rmSync(dir, { recursive: true }));

function write(file: string, text: string): void {
  mkdirSync(dirname(join(dir, file)), { recursive: true });
  writeFileSync(join(dir, file), text);
}

const nodeOp = (name: string, more = '') =>
  `apiVersion: operator.kairos.io/v1alpha1\nkind: NodeOp\nmetadata: {name: ${name}}\nspec:\n  image: busybox\n  command: [sh]\n${more}`;
const forClusters = (clusters: string) =>
  `apiVersion: agent.nodeop.dev/v1alpha1\nkind: NodeOpRun\nspec: {nodeOp: a, clusters: [${clusters}]}\n`;
const report = (phase: string, more = '') =>
  `apiVersion: agent.nodeop.dev/v1alpha1\nkind: NodeOpReport\nmetadata: {name: a}\nrun: {path: runs/a.yaml, blob: other}\n${more}status: {phase: ${phase}}\n`;

const validate = (...args: string[]) => cli(['validate', ...args], {}, dir);
const plan = (...args: string[]) => cli(['plan', '--nodes', 'nodes.json', ...args], {}, dir);

test('validate refuses among the runs what the agent refuses there', async () => {
  write('runs/agent.yaml', 'apiVersion: agent.nodeop.dev/v1alpha1\nkind: AgentConfig\ngit: {url: /x}\n');
  write('runs/a.yaml', nodeOp('flash'));
  write('runs/b.yaml', nodeOp('flash'));
  symlinkSync('a.yaml', join(dir, 'runs/link.yaml'));
  const { code, stdout } = await validate();
  expect(stdout).toMatch(/^runs\/agent\.yaml:2:\d+: kind: "AgentConfig" is not known here/m);
  expect(stdout).toMatch(/^runs\/link\.yaml:1:1: is a symbolic link; run files must be plain files$/m);
  expect(stdout).toMatch(
    /^runs\/b\.yaml:3:\d+: metadata\.name: runs\/a\.yaml asks for .*default\/flash as well/m,
  );
  expect(stdout).not.toMatch(/^runs\/a\.yaml:\d+:\d+: (?!warning)/m);
  expect(code).toBe(1);
});

test.each([
  ['the second is told', {}, [], 'b'],
  ['the first too, when it alone is checked', {}, ['runs/a.yaml'], 'a'],
  ['one that is over is not told', { 'results/b.yaml': 'Completed' }, [], 'a'],
  ['nor are two that are', { 'results/a.yaml': 'Failed', 'results/b.yaml': 'Completed' }, [], undefined],
])('validate of two run files with one name: %s', async (_, reports, args, told) => {
  write('runs/a.yaml', nodeOp('flash'));
  write('runs/b.yaml', nodeOp('flash'));
  for (const [file, phase] of Object.entries(reports)) write(file, report(phase));
  const { code, stdout } = await validate(...args);
  const found = [
    ...stdout.matchAll(/^runs\/(\w)\.yaml:3:\d+: metadata\.name: .* only one of them gets it/gm),
  ];
  expect(found.map(([, name]) => name)).toEqual(told === undefined ? [] : [told]);
  expect(code).toBe(told === undefined ? 0 : 1);
});

test('run files for different clusters, or in different namespaces, may have one name; definitions may not', async () => {
  write('nodeops/d.yaml', nodeOp('d'));
  const run = (cluster: string) =>
    `apiVersion: agent.nodeop.dev/v1alpha1\nkind: NodeOpRun\nmetadata: {name: flash}\nspec: {nodeOp: d, clusters: [${cluster}]}\n`;
  write('runs/a.yaml', run('berlin'));
  write('runs/b.yaml', run('lisbon'));
  write('runs/c.yaml', nodeOp('flash').replace('flash}', 'flash, namespace: other}'));
  expect(await validate()).toMatchObject({ code: 0 });
  write('nodeops/e.yaml', nodeOp('d'));
  const { code, stdout } = await validate();
  expect(stdout).toMatch(/^nodeops\/e\.yaml:3:\d+: metadata\.name: "d" is defined more than once/m);
  expect(code).toBe(1);
});

test.each([
  ['is blocked when the other comes first', 'runs/b.yaml', undefined, /BLOCKED: runs\/a\.yaml asks for/],
  ['is told when the other comes after', 'runs/a.yaml', undefined, /- runs\/b\.yaml asks for/],
  ['is blocked when the other was seen', 'runs/a.yaml', 'Waiting', /BLOCKED: runs\/b\.yaml asks for/],
  ['does not mind one that is over', 'runs/a.yaml', 'Completed', undefined],
])('plan of a run with the name of another %s', async (_, file, phase, text) => {
  write('runs/a.yaml', nodeOp('flash'));
  write('runs/b.yaml', nodeOp('flash'));
  if (phase !== undefined) write('results/b.yaml', report(phase).replaceAll('a.yaml', 'b.yaml'));
  const { stdout } = await plan(file);
  if (text === undefined) expect(stdout).not.toContain('asks for');
  else expect(stdout).toMatch(text);
});

test.each([
  ['nobody says which cluster this is', [], 2, /say with --cluster, or --config, which one this is/],
  ['its name is mistyped', ['--cluster', 'berlim'], 2, /did you mean "berlin"\?/],
  ['it is another one', ['--cluster', 'lisbon'], 0, /is for other clusters only: berlin, edge-1$/m],
  ['it is another one of many', ['--cluster', 'edge-2'], 0, /is for other clusters only/],
])('plan of a run for some clusters, and %s', async (_, args, code, text) => {
  write('nodeops/a.yaml', nodeOp('a'));
  write('runs/a.yaml', forClusters('berlin, edge-1'));
  const planned = await plan(...args, 'runs/a.yaml');
  expect(planned.stdout).toMatch(text);
  expect(planned.code).toBe(code);
});

const EXECUTED = 'spec: {image: busybox, command: [sh], hostMountPath: /host}\n';

test.each([
  ['is over', 'Completed', '', '', /BLOCKED: it was carried out before and is never repeated/],
  ['was found invalid', 'Invalid', '', '', undefined],
  ['waits', 'Waiting', '', '', undefined],
  [
    'is under way, to pause it',
    'Running',
    'defaults',
    '  suspend: true\n',
    /- it is under way, see results\/a\.yaml; merging this pauses it/,
  ],
  [
    'is under way, to change it',
    'Running',
    'defaults',
    '  backoffLimit: 9\n',
    /BLOCKED: it is under way.*suspend alone is acted on, not spec\.backoffLimit/,
  ],
])('plan of an edit of a run that %s', async (_, phase, spec, more, text) => {
  write('runs/a.yaml', nodeOp('a', more));
  let executed = EXECUTED;
  if (spec === 'defaults') {
    write('runs/b.yaml', nodeOp('b'));
    const preview = JSON.parse((await plan('--format', 'json', 'runs/b.yaml')).stdout) as [
      { preview: { spec: object } },
    ];
    executed = `spec: ${JSON.stringify(preview[0].preview.spec)}\n`;
  }
  write('results/a.yaml', report(phase, executed));
  const { stdout } = await plan('runs/a.yaml');
  if (text === undefined) expect(stdout).not.toContain('BLOCKED: it');
  else expect(stdout).toMatch(text);
});

function git(...args: string[]): string {
  const who = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org'];
  return execFileSync('git', [...who, ...args], { cwd: dir, encoding: 'utf8' });
}

test.each([
  ['once, committed', true, 0],
  ['once, not committed yet', false, 0],
  ['twice, committed', true, 1],
  ['twice, the last time not committed yet', false, 1],
])('plan of a file of a run that is over, moved %s', async (_, isCommitted, before) => {
  git('init', '--quiet');
  write('runs/old.yaml', nodeOp('a'));
  write('results/old.yaml', report('Completed'));
  git('add', '.');
  git('commit', '--quiet', '-m', 'First');
  if (before > 0) {
    git('mv', 'runs/old.yaml', 'runs/between.yaml');
    git('commit', '--quiet', '-m', 'Move');
  }
  git('mv', before > 0 ? 'runs/between.yaml' : 'runs/old.yaml', 'runs/new.yaml');
  if (isCommitted) git('commit', '--quiet', '-m', 'Move');
  expect((await plan('runs/new.yaml')).stdout).toMatch(
    /BLOCKED: it is runs\/old\.yaml, moved, whose run is over/,
  );
});

test('plan names the NodeOp as the agent does in a repository with SHA-256', async () => {
  git('init', '--quiet', '--object-format=sha256');
  write('runs/a.yaml', nodeOp('a').replace('{name: a}', '{generateName: flash-}'));
  const id = git('hash-object', 'runs/a.yaml').trim();
  const hash = createHash('sha256')
    .update(JSON.stringify(['', 'runs/a.yaml', id]))
    .digest('hex');
  expect((await plan('runs/a.yaml')).stdout).toContain(`nodeop-system/flash-${hash.slice(0, 10)}`);
});
