import { expect, test } from 'vitest';
import type { NodeStatus } from '../../src/api/nodeop.ts';
import { byCause, byWait } from '../../src/core/text/causes.ts';
import { clip, someOf, wrap } from '../../src/core/text/fit.ts';

const failed = (message: string): NodeStatus => ({ phase: 'Failed', message });
const draining = (message: string): NodeStatus => ({ phase: 'Draining', message });

test('failed nodes are grouped by their cause, most nodes first, names as people count', () => {
  const locked = failed('command failed: exit code 3: flash is write-protected; the node stays cordoned');
  expect(
    byCause([
      ['node-10', locked],
      ['node-2', locked],
      ['node-3', failed('Job flash-node-3 disappeared')],
      ['node-4', failed('Job flash-node-4 disappeared')],
      ['node-9', locked],
      ['node-5', { phase: 'Failed', exitCode: 9 }],
      ['node-6', { phase: 'Completed', message: 'fine' }],
    ]),
  ).toEqual([
    { text: 'exit code 3: flash is write-protected', nodes: ['node-2', 'node-9', 'node-10'] },
    { text: 'Job flash-NODE disappeared', nodes: ['node-3', 'node-4'] },
    { text: 'exit code 9', nodes: ['node-5'] },
  ]);
});

test('what holds nodes up is told by budget, whatever pods it is about', () => {
  const blocked = (pod: string) =>
    draining(
      `eviction blocked: shop/${pod} (The disruption budget web needs 5 healthy pods and has 5 currently)`,
    );
  expect(
    byWait([
      ['node-1', blocked('web-a')],
      ['node-2', blocked('web-b')],
      ['node-3', draining('waiting for pods to end: shop/slow')],
      ['node-4', { phase: 'Running' }],
    ]),
  ).toEqual([
    { text: 'held up by budget shop/web', nodes: ['node-1', 'node-2'] },
    { text: 'waiting for pods to end: shop/slow', nodes: ['node-3'] },
  ]);
});

test('texts are made to fit', () => {
  expect(clip('abcdef', 4)).toBe('abc…');
  expect(clip('abcdef', undefined)).toBe('abcdef');
  expect(wrap('one two three four', 9)).toBe('one two\n  three\n  four');
  expect(someOf(['a', 'b', 'c'], 80)).toBe('a, b, c');
  expect(someOf(['node-1', 'node-2', 'node-3', 'node-4'], 22)).toBe('node-1 and 3 more');
});
