import { expect, test } from 'vitest';
import { inDialect } from '../../../src/core/runs/prepare/dialect.ts';
import { withOverrides } from '../../../src/core/runs/prepare/overrides.ts';
import { context, given, nodeOp, ofNodeOp, passed } from './support.ts';

const merged = (spec: string) => passed(withOverrides(ofNodeOp(nodeOp(spec))));
const ofRun = (run: string, spec: object, declared = {}) =>
  passed(withOverrides(given(run, { command: ['a'], ...spec }, declared)));
const external = { ...context, executor: 'external' as const };

test('the agent is given every default, and an image', () => {
  const { spec } = passed(inDialect(merged(''), { ...context, defaultImage: 'x' }));
  expect(spec).toMatchObject({ image: 'x', backoffLimit: 3 });
});

test('another controller is given what was written', () => {
  expect(passed(inDialect(merged(', startTimeoutSeconds: 5'), external)).spec).toEqual({ command: ['a'] });
});

test.each([
  ['no image', inDialect(merged(''), context), ['spec', 'image']],
  ['no image in a definition', inDialect(ofRun('', {}), context), ['spec', 'nodeOp']],
  ['what others pass over', inDialect(merged(', soakSeconds: 5'), external), ['spec', 'soakSeconds']],
  [
    'a window',
    inDialect(ofRun(', window: {schedule: "0 1 * * *", duration: 1h}', {}), external),
    ['spec', 'window'],
  ],
])('%s is refused where it stands', (_, refused, path) => {
  expect(refused).toMatchObject({ ok: false, problems: [{ path }] });
});
