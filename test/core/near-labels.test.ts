import { expect, test } from 'vitest';
import type { LabelSelector } from '../../src/api/selector.ts';
import { whyNoMatch } from '../../src/core/rollout/near-labels.ts';

const ROLE = 'node-role.kubernetes.io';
const nodes = [
  {
    'kubernetes.io/hostname': 'a',
    [`${ROLE}/control-plane`]: '',
    zone: 'north',
    'kairos.io/managed': 'true',
  },
  { 'kubernetes.io/hostname': 'b', zone: 'south' },
  { 'kubernetes.io/hostname': 'c', zone: 'south' },
];
const labels = (matchLabels: Record<string, string>): LabelSelector => ({ matchLabels });

test.each<[string, LabelSelector | undefined, string]>([
  [
    'a role nobody has',
    labels({ [`${ROLE}/worker`]: '' }),
    `no node has the label ${ROLE}/worker; near to it: ${ROLE}/control-plane`,
  ],
  [
    'a mistyped key',
    labels({ 'kairos.io/manged': 'true' }),
    'no node has the label kairos.io/manged; near to it: kairos.io/managed',
  ],
  [
    'a forgotten prefix',
    labels({ hostname: 'a' }),
    'no node has the label hostname; near to it: kubernetes.io/hostname',
  ],
  [
    'a value nobody has',
    labels({ zone: 'nord' }),
    'no node has zone=nord; values of zone are "south" (2 nodes), "north" (1 node)',
  ],
  ['nothing alike', labels({ colour: 'red' }), 'no node has the label colour'],
  [
    'two of several',
    labels({ zone: 'south', colour: 'red', size: 'x' }),
    'no node has the label colour; no node has the label size',
  ],
  [
    'each met, not together',
    labels({ zone: 'south', 'kairos.io/managed': 'true' }),
    'each requirement is met by some node, and no node meets all of them',
  ],
  [
    'an expression',
    { matchExpressions: [{ key: 'zone', operator: 'In', values: ['east', 'west'] }] },
    'no node has zone In (east, west); values of zone are "south" (2 nodes), "north" (1 node)',
  ],
  [
    'one that excludes all',
    { matchExpressions: [{ key: 'zone', operator: 'DoesNotExist' }] },
    'zone DoesNotExist is met by no node',
  ],
])('%s', (_, selector, expected) => {
  expect(whyNoMatch(selector, nodes)).toBe(expected);
});

test('a cluster without nodes', () => {
  expect(whyNoMatch(undefined, [])).toBe('the cluster has no nodes');
});
