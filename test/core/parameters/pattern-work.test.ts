import { expect, test } from 'vitest';
import { parseDefinition } from '../../../src/core/runs/definitions.ts';

const HEAD = 'apiVersion: operator.kairos.io/v1alpha1\nkind: NodeOp\nmetadata: {name: x}\n';
function told(parameters: string): string {
  const text = `${HEAD}spec: {image: a, command: [a], parameters: [${parameters}]}`;
  const parsed = parseDefinition('nodeops/x.yaml', new TextEncoder().encode(text));
  if (!('result' in parsed) || !parsed.result.ok) return 'not read';
  const { declares } = parsed.result;
  return declares.ok
    ? ''
    : declares.problems.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n');
}
const many = (count: number, parameter: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => parameter(i)).join(', ');
const cpu = (act: () => unknown) => {
  const { user, system } = process.threadCpuUsage();
  act();
  const after = process.threadCpuUsage();
  return (after.user - user + after.system - system) / 1000;
};

test.each([
  ['many repetitions', 'x{1,1000}'.repeat(100)],
  ['one of much', `(${'ab'.repeat(400)}){1000}`],
  ['those inside each other', '((a{0,30}b){0,30}c)'.repeat(2)],
  ['one that is large', 'x{0,1000}$'],
])('a pattern with %s is refused', (_, pattern) => {
  expect(told(`{name: A, pattern: "${pattern}"}`)).toMatch(
    /^spec.parameters.0.pattern: not a regular expression as RE2 reads them: "its repetitions are too large/,
  );
});

test.each(['^v\\\\d+\\\\.\\\\d+$', '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?', '^\\\\p{L}{1,253}$', '.{1,500}'])(
  'one as people write it is taken: %s',
  (pattern) => {
    expect(told(`{name: A, pattern: "${pattern}"}`)).toBe('');
  },
);

test('fifty patterns with long values are judged in a moment, or refused', () => {
  const parameters = many(50, (i) => `{name: A${i}, pattern: "x{0,700}$", default: "${'x'.repeat(2000)}"}`);
  let first = '';
  // All of it would take seconds.
  expect(Math.min(...[1, 2, 3].map(() => cpu(() => (first = told(parameters)))))).toBeLessThan(300);
  expect(first).toMatch(/^spec.parameters.0.pattern: takes too many steps with values that are so long/);
  expect(
    told(many(50, (i) => `{name: A${i}, pattern: "^[a-z]{1,253}$", default: "${'x'.repeat(60)}"}`)),
  ).toBe('');
});
