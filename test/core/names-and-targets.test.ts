import { expect, test } from 'vitest';
import { NodeOpSpecSchema } from '../../src/api/nodeop.ts';
import type { NodeFacts } from '../../src/core/rollout/facts.ts';
import { jobName, labelValue, preflightName } from '../../src/core/rollout/names.ts';
import { inOrder, matches } from '../../src/core/rollout/targets.ts';

const LABEL = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

test.each([
  'short',
  'a'.repeat(63),
  'a'.repeat(64),
  `${'a'.repeat(45)}.-.tail${'b'.repeat(40)}`,
  '.'.repeat(80),
  'ends-',
])('the label value of %s is valid', (text) => {
  expect(labelValue(text)).toMatch(LABEL);
  if (LABEL.test(text)) expect(labelValue(text)).toBe(text);
});

test('Job names fit a label, and tell apart nodes, namesakes and re-created NodeOps', () => {
  const op = { name: 'upgrade.of-everything-that-has-a-very-long-name-indeed-and-more', uid: 'u1' };
  const names = [jobName(op, 'a'), jobName(op, 'b'), jobName({ ...op, uid: 'u2' }, 'a')];
  expect(new Set(names).size).toBe(3);
  expect(jobName(op, 'a')).toBe(names[0]);
  expect(preflightName(op, 'a')).toMatch(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
});

test.each([
  [undefined, true],
  [{}, true],
  [{ matchLabels: { zone: 'a' } }, true],
  [{ matchLabels: { zone: 'b' } }, false],
  [{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['a', 'b'] }] }, true],
  [{ matchExpressions: [{ key: 'zone', operator: 'NotIn', values: ['a'] }] }, false],
  [{ matchExpressions: [{ key: 'absent', operator: 'NotIn', values: ['a'] }] }, true],
  [{ matchExpressions: [{ key: 'zone', operator: 'Exists' }] }, true],
  [{ matchExpressions: [{ key: 'zone', operator: 'DoesNotExist' }] }, false],
  [{ matchLabels: { zone: 'a' }, matchExpressions: [{ key: 'absent', operator: 'Exists' }] }, false],
] as const)('selector %j', (selector, expected) => {
  const given = NodeOpSpecSchema.shape.nodeSelector.parse(selector);
  expect(matches(given, { zone: 'a' })).toBe(expected);
});

function facts(name: string, labels: Record<string, string>): [string, NodeFacts] {
  const rest = { ready: true, readySince: 0, unschedulable: false, cordonedBy: undefined, bootID: 'b' };
  return [name, { name, uid: name, labels, ...rest }];
}

test('control plane first, then by name, the agent’s own node last; zones one after the other', () => {
  const master = { 'node-role.kubernetes.io/control-plane': '' };
  const nodes = new Map([
    facts('n1', { zone: 'b' }),
    facts('n2', { zone: 'a' }),
    facts('n3', { zone: 'b', ...master }),
    facts('n4', { zone: 'a' }),
  ]);
  const spec = NodeOpSpecSchema.parse({ image: 'a', command: ['a'] });
  expect(inOrder([...nodes.keys()], nodes, spec, 'n2')).toEqual(['n3', 'n1', 'n4', 'n2']);
  expect(inOrder([...nodes.keys()], nodes, { ...spec, topologyKey: 'zone' }, undefined)).toEqual([
    'n2',
    'n4',
    'n3',
    'n1',
  ]);
});
