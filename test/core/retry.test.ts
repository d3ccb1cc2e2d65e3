import { load } from 'js-yaml';
import { expect, test } from 'vitest';
import type { NodeOpSpec } from '../../src/api/nodeop.ts';
import type { NodeOpRun } from '../../src/api/nodeoprun.ts';
import { type Definition, parseDefinition } from '../../src/core/runs/definitions.ts';
import { prepareRun } from '../../src/core/runs/prepare.ts';
import { type PastRun, retryFile, retryPath, selectorProblem } from '../../src/core/runs/retry.ts';
import { screen } from '../../src/core/text/output.ts';

const PAST: PastRun = {
  run: 'runs/2030/flash.yaml',
  namespace: 'ops',
  name: 'flash-0123456789',
  cluster: undefined,
  spec: {
    nodeSelector: { matchLabels: { disk: 'ssd' } },
    image: 'busybox',
    command: ['flash'],
    concurrency: 2,
    suspend: true,
  },
  nodes: [
    { name: 'node-10', phase: 'Cancelled' },
    { name: 'node-2', phase: 'Failed', message: 'exit code 4\n# and a line of its own' },
    { name: 'node-3', phase: 'Completed' },
  ],
};

function prepared(text: string) {
  const definition = `apiVersion: operator.kairos.io/v1alpha1
kind: NodeOp
metadata: {name: flash}
spec: {image: busybox, command: [flash], nodeSelector: {matchLabels: {disk: ssd}}}`;
  const made = prepareRun(
    {
      path: 'runs/2030/flash-retry.yaml',
      mode: '100644',
      blob: 'b',
      commit: 'c',
      content: Buffer.from(text),
    },
    {
      layout: { nodeops: 'nodeops', runs: 'runs', results: 'results' },
      namespace: 'default',
      definitions: [parseDefinition('nodeops/flash.yaml', Buffer.from(definition))] as Definition[],
    },
  );
  if (!made.ok) throw new Error(JSON.stringify(made.problems));
  return made;
}

const nodes = (spec: NodeOpSpec) => spec.nodeSelector;

test('it repeats what was executed on the nodes that are left, and nothing else of the run', () => {
  const text = retryFile(PAST, new Map([['node-2', 'node-2.example.org']]));
  expect(text.split('\n').slice(0, 3)).toEqual([
    '# Repeats runs/2030/flash.yaml (NodeOp flash-0123456789) on 2 nodes: failed on 1, did not come to 1.',
    String.raw`#   node-2: Failed, exit code 4\n# and a line of its own`,
    '#   node-10: Cancelled, ',
  ]);
  const { manifest } = prepared(text);
  expect(manifest.metadata).toMatchObject({ namespace: 'ops' });
  expect(manifest.metadata.name).toMatch(/^flash-0123456789-retry-[0-9a-f]{10}$/);
  expect(nodes(manifest.spec)).toEqual({
    matchExpressions: [
      { key: 'kubernetes.io/hostname', operator: 'In', values: ['node-2.example.org', 'node-10'] },
    ],
  });
  expect(manifest.spec).toMatchObject({ command: ['flash'], concurrency: 2, suspend: false });
});

test('a run of a definition is repeated as one, on its cluster, without its dates', () => {
  const original = {
    metadata: { generateName: 'flash-' },
    spec: {
      nodeOp: 'flash',
      overrides: { concurrency: 3, nodeSelector: { matchLabels: { rack: '7' } } },
      notBefore: '2030-01-31T22:00:00Z',
      notAfter: '2030-02-01T22:00:00Z',
      suspend: true,
    },
  } as unknown as NodeOpRun;
  const text = retryFile({ ...PAST, cluster: 'berlin' }, new Map(), original);
  expect(text).toContain('# It was carried out on the cluster berlin.');
  expect(load(text)).toMatchObject({ kind: 'NodeOpRun', spec: { nodeOp: 'flash', clusters: ['berlin'] } });
  expect(text).not.toMatch(/not(Before|After)|suspend/);
  expect(nodes(prepared(text).manifest.spec)).toEqual({
    matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['node-2', 'node-10'] }],
  });
});

test('a retry of a retry has a name of the same length, and the next free file', () => {
  const again = { ...PAST, name: 'flash-0123456789-retry-0123456789', run: 'runs/2030/flash-retry.yaml' };
  expect(load(retryFile(again))).toMatchObject({ metadata: { generateName: 'flash-0123456789-retry-' } });
  const taken = new Set(['runs/2030/flash-retry.yaml']);
  expect(retryPath(PAST.run, () => false)).toBe('runs/2030/flash-retry.yaml');
  expect(retryPath(again.run, (it) => taken.has(it))).toBe('runs/2030/flash-retry-2.yaml');
});

test.each<[string, Record<string, string>, RegExp | undefined]>([
  ['labels of their own', { 'node-2': 'a', 'node-10': 'b', 'node-3': 'c' }, undefined],
  [
    'a node that was completed has the label of one that failed',
    { 'node-2': 'a', 'node-3': 'a' },
    /=a is the label of node-2 and of node-3/,
  ],
  [
    'a node that was completed has the name of one that failed',
    { 'node-3': 'node-10' },
    /=node-10 is the label of node-10 and of node-3/,
  ],
])('nodes are selected when no others are with them: %s', (_, hostnames, problem) => {
  const found = selectorProblem(PAST, new Map(Object.entries(hostnames)));
  if (problem) expect(found).toMatch(problem);
  else expect(found).toBeUndefined();
});

test('a node whose name is no value of a label is selected by its label alone', () => {
  const name = `n${'x'.repeat(70)}`;
  const past: PastRun = { ...PAST, nodes: [{ name, phase: 'Failed' }] };
  expect(selectorProblem(past, new Map())).toBe(
    `node ${name} cannot be selected: its name is no value of a label, and its kubernetes.io/hostname is not known`,
  );
  expect(selectorProblem(past, new Map([[name, 'short']]))).toBeUndefined();
});

test('of very many nodes twenty are told of, and all are repeated', () => {
  const failed = (count: number) =>
    retryFile({
      ...PAST,
      nodes: Array.from({ length: count }, (_, i) => ({ name: `node-${i}`, phase: 'Failed' })),
    });
  const comments = (text: string) => text.split('\n').filter((it) => it.startsWith('#'));
  expect(comments(failed(20))).toHaveLength(21);
  expect(comments(failed(23)).slice(-2)).toEqual(['#   node-19: Failed, ', '#   … and 3 more']);
  expect(JSON.stringify(load(failed(23)))).toContain('node-22');
});

test('the longest name still begins one that Kubernetes takes', () => {
  const { metadata } = load(
    retryFile({ ...PAST, name: `${'a'.repeat(189)}.${'b'.repeat(63)}` }),
  ) as NodeOpRun;
  expect(metadata?.generateName).toBe(`${'a'.repeat(189)}-retry-`);
});

test('a parameter has the value it was executed with, whatever the file says by now', () => {
  const original = {
    metadata: { namespace: 'edge' },
    spec: { nodeOp: 'flash', parameters: { VERSION: 'v3', NEW: 'x' } },
  } as unknown as NodeOpRun;
  const recorded = { VERSION: 'v2', DEFAULT: 'y' };
  expect(load(retryFile({ ...PAST, parameters: recorded }, new Map(), original))).toMatchObject({
    metadata: { namespace: 'edge', generateName: 'flash-0123456789-retry-' },
    spec: { parameters: { VERSION: 'v2', NEW: 'x' } },
  });
});

test('text of others stays in the comment', () => {
  const text = retryFile({ ...PAST, name: 'a\nspec: {}' });
  expect(text.split('\n')[0]).toBe(
    String.raw`# Repeats runs/2030/flash.yaml (NodeOp a\nspec: {}) on 2 nodes: failed on 1, did not come to 1.`,
  );
});

test('printed, the command is the one that ran, whatever of it a terminal or the log of a workflow would take for its own', () => {
  const command = ['sh', '-c', 'n=${NAME##[a-z]*}\n::stop::\necho "$n" "\u202eabc" ##vso[x]\n'];
  const text = retryFile({ ...PAST, spec: { ...PAST.spec, command } });
  expect(screen(text)).toBe(text);
  expect(prepared(text).manifest.spec.command).toEqual(command);
});
