import { expect, test } from 'vitest';
import type { NodeOp } from '../../../src/api/nodeop.ts';
import { compilePattern } from '../../../src/api/patterns.ts';
import { masked } from '../../../src/core/page/masked.ts';

const SECRET = 'hunter2';
const PATTERNS = [compilePattern(SECRET)];
const WHOLE = {
  metadata: { name: 'op' },
  spec: {},
  status: {
    phase: 'Failed',
    conditions: [{ type: 'Ready', status: 'False', message: `a ${SECRET}` }, { type: 'Other' }],
    steps: [
      {
        name: 'one',
        message: `b ${SECRET}`,
        checks: [{ name: 'up', message: `c ${SECRET}` }, { name: 'down' }],
      },
      { name: 'two' },
    ],
    nodeStatuses: {
      a: { phase: 'Failed', message: `d ${SECRET}`, cause: `e ${SECRET}`, log: `f ${SECRET}` },
      b: { phase: 'Pending' },
    },
  },
} as unknown as NodeOp;

test('no message, cause or log of it is told as it was, and all else is', () => {
  const text = JSON.stringify(masked(WHOLE, PATTERNS));
  expect(text).not.toContain(SECRET);
  expect(JSON.parse(text.replaceAll(/"([a-f]) [^"]*"/g, `"$1 ${SECRET}"`))).toEqual(WHOLE);
  expect(text.match(/"[a-f] [^"]*"/g)).toHaveLength(6);
});

test.each([
  ['where nothing is masked', WHOLE, []],
  ['before anything is said', { metadata: {}, spec: {} } as NodeOp, PATTERNS],
])('%s it is as it was', (_, nodeOp, patterns) => {
  expect(masked(nodeOp, patterns)).toBe(nodeOp);
});

test('of what is not there nothing is made', () => {
  const bare = { metadata: {}, spec: {}, status: { phase: 'Pending' } } as unknown as NodeOp;
  expect(masked(bare, PATTERNS)).toStrictEqual(bare);
});
