import { expect, test } from 'vitest';
import { withOverrides } from '../../../src/core/runs/prepare/overrides.ts';
import { given, nodeOp, ofNodeOp, passed } from './support.ts';

const DEFINED = { command: ['a'], image: 'x', concurrency: 2, env: [{ name: 'A', value: '1' }] };
const written = (run: string) => passed(withOverrides(given(run, DEFINED))).written;

test('what the run overrides is merged into the definition', () => {
  expect(written('')).toEqual(DEFINED);
  expect(written(', overrides: {concurrency: 5}')).toEqual({ ...DEFINED, concurrency: 5 });
  expect(written(', overrides: {env: null}')).not.toHaveProperty('env');
  expect(written(', suspend: true')).toEqual({ ...DEFINED, suspend: true });
});

test('variables of the run join those of the definition, and win', () => {
  const [a, b] = [
    { name: 'A', value: '2' },
    { name: 'B', value: '3' },
  ];
  expect(written(', env: [{name: B, value: "3"}]')).toEqual({ ...DEFINED, env: [...DEFINED.env, b] });
  expect(written(', env: [{name: A, value: "2"}]')).toEqual({ ...DEFINED, env: [a] });
});

test('it has every default', () => {
  expect(passed(withOverrides(given('', DEFINED))).spec).toMatchObject({ concurrency: 2, backoffLimit: 3 });
  const own = ofNodeOp(nodeOp(', image: x'));
  expect(passed(withOverrides(own))).toMatchObject({ written: { image: 'x' }, spec: { backoffLimit: 3 } });
});

test.each([
  ['the run overrides', ', overrides: {concurrency: x}', DEFINED, ['spec', 'overrides', 'concurrency']],
  ['the run says', ', env: [{name: A}]', { ...DEFINED, image: 3 }, ['spec', 'nodeOp']],
  [
    'the definition has among its variables, whatever the run adds',
    ', env: [{name: B}]',
    { ...DEFINED, env: [{ name: 1 }] },
    ['spec', 'nodeOp'],
  ],
  ['the definition says', '', { ...DEFINED, concurrency: 'x' }, ['spec', 'nodeOp']],
])('what is wrong in what %s is told there', (_, run, spec, path) => {
  expect(withOverrides(given(run, spec))).toMatchObject({
    ok: false,
    definition: 'flash',
    problems: [{ path, line: 3 }],
  });
});
