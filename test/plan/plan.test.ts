import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseDefinition } from '../../src/core/runs/definitions.ts';
import { prepareRun } from '../../src/core/runs/prepare.ts';
import { cli } from '../support/cli.ts';
import { nodeOp, nodeOpRun } from '../runs/support.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'nodeop-plan-'));
  write('cluster.json', JSON.stringify({ kind: 'List', items: [...NODES, ...PODS, ...OTHERS] }));
  write('nodes.yaml', JSON.stringify({ kind: 'List', items: NODES }));
  write(
    'runs/all.yaml',
    nodeOp('all', '  drainOptions: {enabled: true}\n  concurrency: 1\n  soakSeconds: 60\n'),
  );
});
afterAll(() => rmSync(dir, { recursive: true }));

function write(file: string, text: string): void {
  mkdirSync(dirname(join(dir, file)), { recursive: true });
  writeFileSync(join(dir, file), text);
}

const node = (name: string, ready = true, spec = {}) => ({
  kind: 'Node',
  metadata: { name, labels: {} },
  spec,
  status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
});
const NODES = [
  node('n1'),
  node('n2', true, { unschedulable: true }),
  node('n3', false),
  node('n4'),
  node('n5'),
];

const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'rs', uid: 'rs', controller: true };
const pod = (name: string, nodeName: string, app: string, changes: object = {}) => ({
  kind: 'Pod',
  metadata: { name, namespace: 'shop', uid: name, labels: { app }, ownerReferences: [owner], ...changes },
  spec: { nodeName, containers: [] },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
});
const budget = (name: string, app: string, status: object, spec: object = {}) => ({
  kind: 'PodDisruptionBudget',
  metadata: { name, namespace: 'shop' },
  spec: { selector: { matchLabels: { app } }, ...spec },
  status,
});
const PODS = [
  pod('free', 'n1', 'free'),
  pod('held', 'n1', 'held'),
  pod('slow-1', 'n2', 'slow'),
  pod('slow-2', 'n2', 'slow'),
  pod('twice', 'n5', 'twice'),
  { ...pod('sick', 'n2', 'sick'), status: { phase: 'Running' } },
  { ...pod('young', 'n2', 'held'), status: { phase: 'Pending' } },
  { ...pod('nodeop-agent-7', 'n1', 'agent', { namespace: 'nodeop-system', ownerReferences: [] }) },
];
const OTHERS = [
  budget('held', 'held', { disruptionsAllowed: 0, desiredHealthy: 2, currentHealthy: 2 }),
  budget('slow', 'slow', { disruptionsAllowed: 1, desiredHealthy: 1, currentHealthy: 2 }),
  budget('sick', 'sick', { disruptionsAllowed: 0 }, { unhealthyPodEvictionPolicy: 'AlwaysAllow' }),
  budget('one', 'twice', { disruptionsAllowed: 5 }),
  budget('two', 'twice', { disruptionsAllowed: 5 }),
  {
    kind: 'Lease',
    metadata: { name: 'nodeop-agent', namespace: 'nodeop-system' },
    spec: { holderIdentity: 'nodeop-agent-7_3b241101-e2bb-4255-8caf-4136c566a962' },
  },
  {
    kind: 'NodeOp',
    metadata: {
      name: 'other',
      namespace: 'ops',
      annotations: { 'agent.nodeop.dev/run': ':runs/other.yaml' },
    },
    status: { phase: 'Running', nodeStatuses: { n4: { phase: 'Draining' } } },
  },
];

const plan = (...args: string[]) => cli(['plan', ...args], { KUBECONFIG: '/nowhere' }, dir);

test('offline: order, evictions, budgets, nodes that are busy, cordoned, not Ready or the agent’s own', async () => {
  const { code, stdout } = await plan(
    'runs/all.yaml',
    '--nodes',
    'cluster.json',
    '--format',
    'json',
    '--node-time',
    '2m',
  );
  expect(code).toBe(0);
  const [{ preview }] = JSON.parse(stdout);
  expect(preview).toMatchObject({
    run: 'runs/all.yaml',
    nodeOp: 'nodeop-system/all',
    batches: 3,
    shortestSeconds: 3 * 120 + 2 * 60,
    blockers: [],
    notes: expect.arrayContaining([
      'waits for runs under way, of which there may be 1: ops/other',
    ]) as unknown,
    nodes: [
      {
        name: 'n2',
        batch: 1,
        reason: 'by name',
        evict: ['shop/sick', 'shop/slow-1', 'shop/slow-2', 'shop/young'],
        blockers: [],
        notes: [
          'already cordoned, stays so afterwards',
          'budget shop/slow lets 1 of 2 pods go at a time: shop/slow-1, shop/slow-2',
        ],
      },
      {
        name: 'n5',
        batch: 2,
        evict: ['shop/twice'],
        blockers: ['shop/twice has more than one budget, which the eviction API refuses: shop/one, shop/two'],
      },
      {
        name: 'n1',
        batch: 3,
        reason: 'the agent runs here, so last of all',
        evict: ['shop/free', 'shop/held'],
        blockers: ['budget shop/held allows no disruption (needs 2 healthy pods and has 2): shop/held'],
      },
      { name: 'n4', reason: 'comes when it is free', blockers: ['busy with NodeOp ops/other'] },
      {
        name: 'n3',
        reason: 'not Ready, so last',
        blockers: ['not Ready; fails when it is still so 10 min after the others'],
      },
    ],
  });
});

test('nodes drained side by side that draw on one budget are told of', async () => {
  const items = [
    node('a'),
    node('b'),
    pod('shop-1', 'a', 'shop'),
    pod('shop-2', 'b', 'shop'),
    budget('shop', 'shop', { disruptionsAllowed: 1 }),
  ];
  write('shared.json', JSON.stringify({ kind: 'List', items }));
  const together =
    'budget shop/shop allows 1 at a time, and 2 nodes drained side by side evict 2 of its pods';
  write('runs/both.yaml', nodeOp('both', '  drainOptions: {enabled: true}\n'));
  expect((await plan('runs/both.yaml', '--nodes', 'shared.json')).stdout).toContain(together);
  expect((await plan('runs/all.yaml', '--nodes', 'shared.json')).stdout).not.toContain(together);
});

test('what blocks ends a strict plan with 1', async () => {
  write('runs/calm.yaml', nodeOp('calm', '  nodeSelector: {matchLabels: {none: here}}\n'));
  const calm = await plan('runs/calm.yaml', '--nodes', 'nodes.yaml');
  expect(calm.stdout).toContain(
    'BLOCKED: no node matches the selector: the run would fail; no node has the label none\n',
  );
  expect(calm.code).toBe(0);
  expect((await plan('runs/calm.yaml', '--nodes', 'nodes.yaml', '--strict')).code).toBe(1);
});

test('without pods in the files evictions are said to be unknown', async () => {
  const { stdout } = await plan('runs/all.yaml', '--nodes', 'nodes.yaml');
  expect(stdout).toContain('- no pods are in the files, so evictions are not known\n');
  expect(stdout).toMatch(/^1 +1 +n1 +\? +by name$/m);
  expect(stdout).toMatch(/^ {2}soakSeconds: 60$/m);
});

test('a NodeOpRun is merged with its definition; a run of another cluster is left alone', async () => {
  write('nodeops/base.yaml', nodeOp('base', '  rebootOnSuccess: true\n'));
  write(
    'runs/merged.yaml',
    nodeOpRun('  nodeOp: base\n  clusters: [berlin]\n  overrides: {concurrency: 7}\n'),
  );
  const here = await plan('runs/merged.yaml', '--nodes', 'nodes.yaml', '--cluster', 'berlin');
  expect(here.stdout).toMatch(/^ {2}concurrency: 7$/m);
  expect(here.stdout).toContain('- nodes reboot without a drain: their pods go down with them\n');
  const there = await plan('runs/merged.yaml', '--cluster', 'lisbon');
  expect(there).toMatchObject({ code: 0, stderr: '' });
  expect(there.stdout).toContain('runs/merged.yaml: is for other clusters only');
});

test('a run without a name gets the name it will have', async () => {
  write('nodeops/base.yaml', nodeOp('base'));
  write('runs/unnamed.yaml', nodeOpRun('  nodeOp: base\n'));
  const blob = execFileSync('git', ['hash-object', join(dir, 'runs/unnamed.yaml')], {
    encoding: 'utf8',
  }).trim();
  const bytes = readFileSync(join(dir, 'runs/unnamed.yaml'));
  const definition = parseDefinition('nodeops/base.yaml', readFileSync(join(dir, 'nodeops/base.yaml')));
  if ('run' in definition) throw new Error('not a schedule');
  const real = prepareRun(
    { path: 'runs/unnamed.yaml', mode: '100644', blob, commit: 'c'.repeat(40), content: bytes },
    {
      layout: { nodeops: 'nodeops', runs: 'runs', results: 'results', cluster: 'berlin' },
      namespace: 'ops',
      definitions: [definition],
    },
  );
  const name = real.ok ? real.manifest.metadata.name : '';
  const args = ['runs/unnamed.yaml', '--nodes', 'nodes.yaml', '--cluster', 'berlin', '--namespace', 'ops'];
  expect((await plan(...args)).stdout).toContain(`Creates NodeOp ops/${name} on cluster berlin`);
});

test('what was carried out already, or passed over, is never repeated', async () => {
  write('runs/done.yaml', nodeOp('done'));
  write('results/done.yaml', 'apiVersion: agent.nodeop.dev/v1alpha1\nkind: NodeOpReport\n');
  expect((await plan('runs/done.yaml', '--nodes', 'nodes.yaml')).stdout).toContain(
    'BLOCKED: it was carried out before and is never repeated, see results/done.yaml',
  );
  const baseline = 'apiVersion: agent.nodeop.dev/v1alpha1\nkind: NodeOpBaseline\nruns: [runs/old.yaml]\n';
  write('runs/old.yaml', nodeOp('old'));
  write('results/.baseline.yaml', baseline);
  expect((await plan('runs/old.yaml', '--nodes', 'nodes.yaml')).stdout).toContain(
    'BLOCKED: it is passed over',
  );
});

test('results on a branch of their own are looked up in a checkout of it, or said not to be known', async () => {
  const report = `apiVersion: agent.nodeop.dev/v1alpha1
kind: NodeOpReport
metadata: {name: x}
run: {path: runs/elsewhere.yaml}
status: {phase: Completed}
`;
  write('runs/elsewhere.yaml', nodeOp('elsewhere'));
  write('reports/results/elsewhere.yaml', report);
  write(
    'agent.yaml',
    'apiVersion: agent.nodeop.dev/v1alpha1\nkind: AgentConfig\ngit: {url: /x, results: {branch: reports}}\n',
  );
  const args = ['runs/elsewhere.yaml', '--nodes', 'nodes.yaml', '--config', 'agent.yaml', '--strict'];
  const unknown = await plan(...args);
  expect(unknown.stdout).toContain('whether it was carried out before is not known: --results names');
  expect(unknown.stdout).not.toContain('BLOCKED: it was');
  const known = await plan(...args, '--results', 'reports');
  expect(known.stdout).toContain('BLOCKED: it was carried out before and is never repeated');
  expect(known.code).toBe(1);
});

test('where another controller carries runs out, that is said, and what it does not know is refused', async () => {
  const head = 'apiVersion: agent.nodeop.dev/v1alpha1\nkind: AgentConfig\ngit: {url: /x}\n';
  write('external.yaml', `${head}rollout: {executor: external}\n`);
  write('runs/plain.yaml', nodeOp('plain'));
  const external = ['--nodes', 'nodes.yaml', '--config', 'external.yaml'];
  const plain = await plan('runs/plain.yaml', ...external);
  expect(plain.stdout).toContain('another controller carries it out');
  const soaking = await plan('runs/all.yaml', ...external);
  expect(soaking.code).toBe(2);
  expect(soaking.stdout).toMatch(/runs\/all.yaml:\d+:\d+: spec.soakSeconds: .*executor: external/);
});

test('an invalid run file is answered with every problem and 2, and the cluster is not asked', async () => {
  write('runs/wrong.yaml', nodeOp('wrong', '  concurency: 1\n  backoffLimit: -1\n'));
  const text = await plan('runs/wrong.yaml');
  expect(text.code).toBe(2);
  expect(text.stdout).toContain(
    'runs/wrong.yaml:8:3: spec.concurency: unknown field "concurency"; did you mean "concurrency"?',
  );
  expect(text.stdout).toContain('runs/wrong.yaml:9:3: spec.backoffLimit: ');
  const markdown = await plan('runs/wrong.yaml', '--format', 'markdown');
  expect(markdown.stdout).toMatch(/^### ⛔ `runs\/wrong\.yaml` is not valid\n/);
});

test.each([
  ['a file outside the runs', ['cluster.json'], 2, /cluster\.json:1:1: is not a run file.*under runs\//],
  [
    'a file that is not there',
    ['runs/none.yaml'],
    2,
    /^cannot read runs\/none\.yaml: there is no such file or folder; run files are named from \//m,
  ],
  ['no cluster', ['runs/all.yaml'], 2, /no usable kubeconfig: .*--kubeconfig/],
  [
    'files without nodes',
    ['runs/all.yaml', '--nodes', 'runs/all.yaml'],
    2,
    /no Node in runs\/all.yaml; save them with: kubectl get/,
  ],
  [
    'a file that is no YAML',
    ['runs/all.yaml', '--nodes', '/proc/self/cmdline'],
    2,
    /no Kubernetes object|neither YAML/,
  ],
  ['a missing file of nodes', ['runs/all.yaml', '--nodes', 'gone.json'], 2, /cannot read gone\.json/],
  ['an odd duration', ['runs/all.yaml', '--node-time', 'soon'], 2, /expected a duration such as "90s"/],
])('%s is refused with the way out', async (_, args, code, text) => {
  const answer = await plan(...args);
  expect(answer.stdout + answer.stderr).toMatch(text);
  expect(answer.stderr).not.toContain('    at ');
  expect(answer.code).toBe(code);
});

test('markdown stays within a comment’s size and lets no text of others become markup', async () => {
  const many = Array.from({ length: 3000 }, (_, i) => node(`node-${i}-${'x'.repeat(30)}`));
  write('many.json', JSON.stringify({ kind: 'List', items: many }));
  write('runs/@team|`x`.yaml', nodeOp('mention', "  env: [{name: A, value: '```\\n@team'}]\n"));
  const { stdout } = await plan('runs/@team|`x`.yaml', '--nodes', 'many.json', '--format', 'markdown');
  expect(stdout.length).toBeLessThan(60_100);
  expect(stdout).toMatch(/… and \d+ more nodes\./);
  expect(stdout.split('\n')[0]).toBe('### ✅ `` runs/@team\\|`x`.yaml ``');
  expect(stdout).toContain('\n````yaml\n');
});
