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
  expect(stdout).not.toMatch(/^runs\/a\.yaml/m);
  expect(code).toBe(1);
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
