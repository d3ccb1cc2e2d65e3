import { expect, test } from 'vitest';
import { NodeOpSpecSchema } from '../../../src/api/nodeop.ts';
import type { NodeFacts } from '../../../src/core/rollout/facts.ts';
import { readStepOf, stepOf, stepsByNode, stepShares } from '../../../src/core/rollout/steps/split.ts';

const node = (name: string, labels: Record<string, string> = {}): NodeFacts => ({
  name,
  uid: name,
  labels,
  ready: true,
  readySince: 0,
  unschedulable: false,
  cordonedBy: undefined,
  bootID: undefined,
});

const NODES = new Map(
  [
    node('a', { zone: 'x', canary: 'true' }),
    node('b', { zone: 'y' }),
    node('c', { zone: 'x' }),
    node('d', { zone: 'y', canary: 'true' }),
    node('m', { 'node-role.kubernetes.io/control-plane': '', zone: 'y' }),
  ].map((it) => [it.name, it]),
);
const NAMES = [...NODES.keys()];
const CANARY = { matchLabels: { canary: 'true' } };

function split(spec: object, agentNode?: string) {
  const parsed = NodeOpSpecSchema.parse({ image: 'i', command: ['true'], ...spec });
  return {
    text: stepOf(parsed, NAMES, NODES, agentNode),
    shares: stepShares(parsed, NAMES, NODES, agentNode).map(({ name, nodes }) => [name, nodes.join('')]),
  };
}

test('without steps there is nothing to keep', () => {
  expect(split({})).toEqual({ text: undefined, shares: [] });
});

test.each<[string, object[], string, [string, string][]]>([
  [
    'all that match',
    [{ name: 'canary', nodeSelector: CANARY }],
    '01101',
    [
      ['canary', 'ad'],
      ['rest', 'mbc'],
    ],
  ],
  [
    'the first that match',
    [{ name: 'canary', nodeSelector: CANARY, upTo: 1 }],
    '01111',
    [
      ['canary', 'a'],
      ['rest', 'mbcd'],
    ],
  ],
  [
    'control planes come first',
    [{ name: 'one', upTo: 1 }],
    '11110',
    [
      ['one', 'm'],
      ['rest', 'abcd'],
    ],
  ],
  [
    'upTo counts those of the steps before',
    [
      { name: 'canary', nodeSelector: CANARY, upTo: 1 },
      { name: 'half', upTo: '50%' },
      { name: 'most', upTo: 4 },
    ],
    '02231',
    [
      ['canary', 'a'],
      ['half', 'm'],
      ['most', 'bc'],
      ['rest', 'd'],
    ],
  ],
  ['a step without bounds leaves nothing', [{ name: 'all' }], '00000', [['all', 'mabcd']]],
  [
    'a share that comes to nothing',
    [{ name: 'few', upTo: '10%' }],
    '11111',
    [
      ['few', ''],
      ['rest', 'mabcd'],
    ],
  ],
  [
    'a selector that matches none',
    [{ name: 'none', nodeSelector: { matchLabels: { a: 'b' } } }, { name: 'all' }],
    '11111',
    [
      ['none', ''],
      ['all', 'mabcd'],
    ],
  ],
])('%s', (_, steps, text, shares) => {
  expect(split({ steps })).toEqual({ text, shares });
});

test('the order of a rollout decides who is first: zones, and the node of the agent last', () => {
  const steps = [{ name: 'two', upTo: 2 }];
  expect(split({ steps, topologyKey: 'zone' }).shares).toEqual([
    ['two', 'ac'],
    ['rest', 'mbd'],
  ]);
  expect(split({ steps }, 'm').shares).toEqual([
    ['two', 'ab'],
    ['rest', 'cdm'],
  ]);
});

test('amounts of a step are of its nodes', () => {
  const steps = [{ name: 'most', upTo: 4, concurrency: '50%', maxFailures: '25%' }];
  const spec = NodeOpSpecSchema.parse({ image: 'i', command: ['true'], concurrency: '50%', steps });
  expect(stepShares(spec, NAMES, NODES, undefined)).toMatchObject([
    { concurrency: 2, maxFailures: 1 },
    { concurrency: 1, maxFailures: Infinity },
  ]);
});

test('what is on record is in the byte order of names, whatever order they come in', () => {
  expect(readStepOf('012', ['c', 'a', 'b'])).toEqual([2, 0, 1]);
  expect(readStepOf('ak', ['B', 'a'])).toEqual([10, 20]);
  expect(readStepOf('01', ['a', 'b', 'c'])).toBeUndefined();
  expect(readStepOf(undefined, [])).toBeUndefined();
  const status = {
    stepOf: '01',
    nodeStatuses: { b: { phase: 'Pending' }, a: { phase: 'Pending' } },
  } as const;
  const steps = [{ name: 'canary', phase: 'Pending', nodes: 1, finished: 0, failed: 0 }] as const;
  expect([...stepsByNode({ ...status, steps: [...steps] })]).toEqual([
    ['b', 'rest'],
    ['a', 'canary'],
  ]);
});
