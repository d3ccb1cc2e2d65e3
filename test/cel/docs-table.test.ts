import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { expressionProblem } from '../../src/cel/expression.ts';
import { FUNCTIONS } from '../../src/cel/language.ts';
import { prepare } from '../../src/cel/run.ts';

/** The rows of the table of what expressions may use. */
const ROWS = [...readFileSync('docs/checks.md', 'utf8').matchAll(/^\| (.+) \| `(.+)` \|$/gm)]
  .map(([, what = '', expression = '']) => [what, expression.replaceAll('\\|', '|')] as const)
  .filter(([what]) => !what.startsWith('`'));

const VALUES = {
  status: { json: '200' },
  result: { value: [0.25] },
  body: {
    json: JSON.stringify({
      status: 'ok',
      replicas: 3,
      load: 0.5,
      version: 'v2.4.1',
      at: '2030-02-01T00:00:00Z',
      owner: null,
      nodes: [
        { name: 'a', ready: true },
        { name: 'b', ready: true },
      ],
    }),
  },
};

test.each(ROWS)('%s: %s', (_, expression) => {
  expect(expressionProblem(expression, ['status', 'body', 'result'])).toBeUndefined();
  expect(prepare(expression, VALUES)()).toEqual({ value: true });
});

test('the table shows every function there is', () => {
  const text = ROWS.map(([, expression]) => expression).join('\n');
  const named = [...FUNCTIONS].filter((name) => /^[a-z]\w*$/i.test(name));
  expect(named.filter((name) => !text.includes(`${name}(`))).toEqual([]);
  expect(ROWS.length).toBeGreaterThan(15);
});
