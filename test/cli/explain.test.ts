import { expect, test } from 'vitest';
import type { Node } from '../../src/api/kubernetes.ts';
import { ANNOTATION_CORDONED_BY, ANNOTATION_RUN } from '../../src/api/labels.ts';
import type { NodeOp, NodeStatus } from '../../src/api/nodeop.ts';
import { cordonedPage, explainCordoned } from '../../src/cli/explain/cordoned.ts';
import { explain, explanationPage } from '../../src/cli/explain/page.ts';

const NOW = Date.parse('2030-01-31T22:10:00Z');
const READY = [{ type: 'Ready', status: 'True' as const }];

const node = (spec: object, by?: string): Node => ({
  metadata: { name: 'node-2', ...(by && { annotations: { [ANNOTATION_CORDONED_BY]: by } }) },
  spec,
  status: { conditions: READY },
});

function nodeOp(
  name: string,
  status: Partial<NodeStatus>,
  phase: 'Running' | 'Failed' | 'Completed',
): NodeOp {
  return {
    metadata: {
      name,
      namespace: 'ops',
      uid: `uid-${name}`,
      annotations: { [ANNOTATION_RUN]: `:runs/${name}.yaml` },
    },
    status: { phase, nodeStatuses: { 'node-2': status } },
  } as unknown as NodeOp;
}

const FAILED: Partial<NodeStatus> = {
  phase: 'Failed',
  message: 'command failed: exit code 4',
  jobName: 'flash-abc',
  finishedAt: '2030-01-31T22:00:00Z',
};
const failed = nodeOp('flash', FAILED, 'Failed');
const works = nodeOp('kernel', { phase: 'Draining', startedAt: '2030-01-31T22:05:00Z' }, 'Running');
const waits = nodeOp('later', { phase: 'Pending' }, 'Running');
const cordoned = { unschedulable: true };

test.each([
  ['nobody cordoned it', node({}), [], 'It is not cordoned.', []],
  [
    'somebody did by hand',
    node(cordoned),
    [],
    'It is cordoned, and no NodeOp did it: whoever cordoned it has to undo it.',
    [],
  ],
  [
    'a NodeOp did that works on it',
    node(cordoned, 'ops/kernel@uid-kernel'),
    [works],
    'It is cordoned by runs/kernel.yaml, which works on it and uncordons it when it is done.',
    ['nodeop-agent watch runs/kernel.yaml --context berlin'],
  ],
  [
    'a NodeOp did that failed on it',
    node(cordoned, 'ops/flash@uid-flash'),
    [failed, waits],
    'It was cordoned by runs/flash.yaml, which is over here: Failed: command failed: exit code 4. It stays cordoned until somebody has looked at it.',
    ['nodeop-agent logs runs/flash.yaml node-2 --context berlin', 'kubectl --context berlin uncordon node-2'],
  ],
  [
    'a NodeOp did that failed on it, and another one works under its cordon',
    node(cordoned, 'ops/flash@uid-flash'),
    [failed, works],
    'It was cordoned by runs/flash.yaml, which is over here: Failed: command failed: exit code 4. Meanwhile runs/kernel.yaml works on it.',
    [
      'nodeop-agent watch runs/kernel.yaml --context berlin',
      'nodeop-agent logs runs/flash.yaml node-2 --context berlin',
    ],
  ],
  [
    'a NodeOp did that is gone; one of its name is another one',
    node(cordoned, 'ops/flash@uid-of-before'),
    [nodeOp('flash', { phase: 'Completed' }, 'Completed')],
    'It was cordoned by ops/flash, which is gone; nobody will uncordon it.',
    ['kubectl --context berlin uncordon node-2'],
  ],
])('why a node is cordoned: %s', (_, it, nodeOps, cordon, next) => {
  const found = explain(it, nodeOps, { context: 'berlin' });
  expect(found.cordon).toBe(cordon);
  expect(found.next).toEqual(next);
});

test('what ran on it, what does, and what will, in columns that fit', () => {
  const found = explain(node(cordoned, 'ops/flash@uid-flash'), [waits, failed, works], {});
  expect(found).toMatchObject({
    now: { nodeOp: 'kernel' },
    waiting: [{ nodeOp: 'later' }],
    past: [{ nodeOp: 'flash', message: 'command failed: exit code 4' }],
  });
  const page = explanationPage(found, NOW, 60);
  expect(page).toMatch(/Under way on it:\nWHEN +PHASE +RUN +MESSAGE\n5m ago +Draining +runs\/kernel\.yaml/);
  expect(page).toMatch(/To come:\n.*\n +Pending +runs\/later\.yaml/);
  expect(page).toMatch(
    /Done on it:\n.*\n10m ago +Failed +runs\/flash\.yaml\n {2}command failed: exit code 4/,
  );
  const [tables = ''] = page.split('\nNext:');
  expect(Math.max(...tables.split('\n').map((line) => line.length))).toBeLessThanOrEqual(60);
});

test('why it failed is told to its end, on a narrow terminal below its line', () => {
  const cause = 'exit code 3: flash is write-protected: the jumper on the board has to be set by hand';
  const long = nodeOp(
    'flash',
    { phase: 'Failed', message: `command failed: ${cause}`, finishedAt: '' },
    'Failed',
  );
  const page = explanationPage(explain(node({}), [long], {}), NOW, 60);
  const done = page.slice(page.indexOf('Done on it:')).split('\n');
  expect(done[1]).toMatch(/^WHEN +PHASE +RUN$/);
  expect(done[3]).toMatch(/^ {2}command failed: exit code 3/);
  expect(page.replaceAll(/\s+/g, ' ').split(`command failed: ${cause}`)).toHaveLength(2);
  expect(page.split('\n').every((line) => line.length <= 60)).toBe(true);
});

test('a node that no NodeOp knows says so', () => {
  const found = explain(node({}), [], {});
  expect(explanationPage(found, NOW, undefined)).toBe(
    'node-2 is Ready. It is not cordoned.\n\nNo NodeOp has it among its nodes.',
  );
});

test('a command that is proposed stays one, whatever the run is called', () => {
  const odd = nodeOp('kernel', { phase: 'Draining' }, 'Running');
  odd.metadata.annotations = { [ANNOTATION_RUN]: ":runs/it's $(reboot).yaml" };
  expect(explain(node({}), [odd], {}).next).toEqual([
    String.raw`nodeop-agent watch 'runs/it'\''s $(reboot).yaml'`,
  ]);
});

const called = (name: string, it: Node): Node => ({ ...it, metadata: { ...it.metadata, name } });

test('without a node: every one that is cordoned, by whom and what waits, those first that nobody works on', () => {
  const works10 = nodeOp('kernel', {}, 'Running');
  works10.status = {
    phase: 'Running',
    nodeStatuses: { 'node-1': { phase: 'Draining', startedAt: '2030-01-31T22:05:00Z' } },
  };
  const nodes = [
    called('node-1', node(cordoned, 'ops/kernel@uid-kernel')),
    called('node-10', node(cordoned)),
    called('node-3', node({})),
    node(cordoned, 'ops/flash@uid-flash'),
  ];
  const flags = { context: 'berlin' };
  const found = explainCordoned(nodes, [failed, waits, works10], flags);
  expect(found.map((it) => it.node)).toEqual(['node-2', 'node-10', 'node-1']);
  expect(cordonedPage(found, flags, undefined)).toBe(
    [
      '3 nodes are cordoned, and no NodeOp works on 2 of them.',
      '',
      'node-2 is Ready. It was cordoned by runs/flash.yaml, which is over here: Failed: command failed: exit code 4. It stays cordoned until somebody has looked at it.',
      '  To come: runs/later.yaml',
      '',
      'node-10 is Ready. It is cordoned, and no NodeOp did it: whoever cordoned it has to undo it.',
      '',
      'node-1 is Ready. It is cordoned by runs/kernel.yaml, which works on it and uncordons it when it is done.',
      '',
      'One of them in full:',
      '  nodeop-agent explain node-2 --context berlin',
    ].join('\n'),
  );
  expect(cordonedPage([], flags, undefined)).toBe('No node is cordoned.');
});

test('of many runs that wait the first are named, in lines that fit', () => {
  const many = Array.from({ length: 12 }, (_, i) => nodeOp(`wait-${i}`, { phase: 'Pending' }, 'Running'));
  const page = cordonedPage(explainCordoned([node(cordoned)], many, {}), {}, 60);
  expect(page).toContain('1 node is cordoned, and no NodeOp works on it.');
  expect(page.replaceAll(/\s+/g, ' ')).toContain('runs/wait-4.yaml, and 7 more');
  expect(page).not.toContain('wait-5');
  expect(page.split('\n').every((line) => line.length <= 60)).toBe(true);
});
