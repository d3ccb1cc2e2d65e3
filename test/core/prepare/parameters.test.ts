import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatProblem } from '../../../src/api/schema.ts';
import { prepareRun } from '../../../src/core/runs/prepare.ts';
import { formatScheduled } from '../../../src/core/runs/schedules.ts';
import { parseDefinition } from '../../../src/core/runs/definitions.ts';
import { expand } from '../../../src/sim/node/expansion.ts';
import { context, definition, nodeOpRun, source } from './support.ts';

const FLASH = `apiVersion: operator.kairos.io/v1alpha1
kind: NodeOp
metadata: {name: flash}
spec:
  image: x
  command: [sh, -c, 'flash "$VERSION"']
  preflight: {command: [check]}
  env: [{name: URL, value: http://x/$(VERSION)}]
  parameters:
    - {name: VERSION, pattern: '^[^;]*$', required: true}
    - {name: CHANNEL, enum: [stable, beta], default: stable}
    - {name: RETRIES, type: integer, minimum: 0, maximum: 9, default: 3}
    - {name: FORCE, type: boolean}
`;

function prepare(run: string, flash = FLASH, executor: 'agent' | 'external' = 'agent') {
  return prepareRun(source(nodeOpRun(run)), { ...context, executor, definitions: [definition(flash)] });
}
function problems(run: string, flash = FLASH): string[] {
  const result = prepare(run, flash);
  return result.ok ? [] : result.problems.map((it) => `${it.line}:${it.column}: ${formatProblem(it)}`);
}
function prepared(...args: Parameters<typeof prepare>) {
  const it = prepare(...args);
  if (!it.ok) throw new Error(JSON.stringify(it.problems));
  return it;
}

test('they come out as variables before those of the definition, and stand in the NodeOp', () => {
  const { manifest, parameters } = prepared(', parameters: {VERSION: "2.4.1", FORCE: true}');
  expect(manifest.spec.env).toEqual([
    { name: 'VERSION', value: '2.4.1' },
    { name: 'CHANNEL', value: 'stable' },
    { name: 'RETRIES', value: '3' },
    { name: 'FORCE', value: 'true' },
    { name: 'URL', value: 'http://x/$(VERSION)' },
  ]);
  expect(manifest.spec).not.toHaveProperty('parameters');
  expect(JSON.parse(manifest.metadata.annotations?.['agent.nodeop.dev/parameters'] ?? '')).toEqual({
    VERSION: '2.4.1',
    CHANNEL: 'stable',
    RETRIES: 3,
    FORCE: true,
  });
  expect(parameters?.map(({ name, isDefault }) => [name, isDefault])).toEqual([
    ['VERSION', false],
    ['CHANNEL', true],
    ['RETRIES', true],
    ['FORCE', false],
  ]);
});

test('one that has neither value nor default is not set', () => {
  const names = prepared(', parameters: {VERSION: a}').parameters?.map(({ name }) => name);
  expect(names).toEqual(['VERSION', 'CHANNEL', 'RETRIES']);
});

test('whatever text is given, a kubelet makes just that of it', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('$', '(', ')', 'A', '{', ' ', '`', '"') }), (text) => {
      const { manifest } = prepared(`, parameters: {VERSION: ${JSON.stringify(text)}}`);
      expect(expand(manifest.spec.env?.[0]?.value ?? '', { A: 'expanded', HOST_DIR: '/host' })).toBe(text);
    }),
  );
});

test.each([
  ['', ['3:1: spec.parameters.VERSION: is required by definition "flash"']],
  [', parameters: {}', ['3:23: spec.parameters.VERSION: is required by definition "flash"']],
  [
    ', parameters: {VERSION: null}',
    [
      '3:36: spec.parameters.VERSION: expected text, found nothing; leave it out, or write "" where an empty text is meant',
    ],
  ],
  [
    ', parameters: {VERSION: 007}',
    ['3:36: spec.parameters.VERSION: expected text, found the number 7, written "007"; quote it: "007"'],
  ],
  [
    ', parameters: {VERSION: "a;b"}',
    ['3:36: spec.parameters.VERSION: must match the pattern "^[^;]*$", found "a;b"'],
  ],
  [', parameters: {VERSION: "a\\nb"}', ['3:36: spec.parameters.VERSION: must be one line, found "a\\nb"']],
  [
    `, parameters: {VERSION: ${'x'.repeat(100_000)}}`,
    ['3:36: spec.parameters.VERSION: must have at most 4096 bytes, has 100000'],
  ],
  [
    ', parameters: {VERSION: a, RETRIES: 1e0}',
    [expect.stringContaining('3:48: spec.parameters.RETRIES: expected a whole number in decimal digits')],
  ],
  [', parameters: {VERSION: a, RETRIES: 10}', ['3:48: spec.parameters.RETRIES: must be at most 9, found 10']],
  [
    ', parameters: {VERSION: a, FORCE: "true"}',
    [expect.stringContaining('3:48: spec.parameters.FORCE: expected true or false')],
  ],
  [
    ', parameters: {VERSION: a, CHANEL: beta}',
    ['3:48: spec.parameters.CHANEL: definition "flash" has no parameter "CHANEL"; did you mean "CHANNEL"?'],
  ],
  [
    ', parameters: {version: a}',
    [expect.stringContaining('is required'), expect.stringContaining('did you mean "VERSION"?')],
  ],
  [', parameters: [a]', ['3:23: spec.parameters: expected a mapping, found a list']],
  [
    ', parameters: {VERSION: a}, env: [{name: CHANNEL, value: b}]',
    [
      '3:56: spec.env[0].name: "CHANNEL" is a parameter of definition "flash"; write it under spec.parameters, or leave it out',
    ],
  ],
  [
    ', parameters: {VERSION: a}, overrides: {env: [{name: FORCE}]}',
    [expect.stringContaining('spec.overrides.env[0].name: "FORCE" is a parameter')],
  ],
  [
    ', parameters: {VERSION: a}, overrides: {parameters: []}',
    [
      expect.stringContaining(
        'spec.overrides.parameters: unknown field "parameters"; definitions under nodeops/ have it',
      ),
    ],
  ],
  [
    ", parameters: {VERSION: a}, overrides: {command: [sh, -c, 'x $(VERSION)']}",
    [expect.stringContaining('spec.overrides.command[2]: $(VERSION) would be replaced')],
  ],
])('what is wrong in a run is told with its place: %#', (run, said) => {
  expect(problems(run)).toEqual(said);
});

test('what is wrong with the parameters hides nothing of what is wrong with the overrides', () => {
  const found = problems(', parameters: {VERSION: "a;b"}, overrides: {concurrency: 0%, maxFailures: many}');
  expect(found.map((it) => /spec\.[\w.]+/.exec(it)?.[0])).toEqual([
    'spec.parameters.VERSION',
    'spec.overrides.concurrency',
    'spec.overrides.maxFailures',
  ]);
});

test('a definition that declares none takes none', () => {
  const plain = FLASH.replace(/ {2}parameters:[^]*/, '');
  expect(problems(', parameters: {A: b}', plain)).toEqual([
    '3:36: spec.parameters.A: definition "flash" has no parameter "A"; it declares none',
  ]);
  expect(prepared('', plain).manifest.metadata.annotations).not.toHaveProperty('agent.nodeop.dev/parameters');
});

test('all values together have a bound', () => {
  const many = FLASH.replace(
    / {2}parameters:[^]*/,
    `  parameters: [${[1, 2, 3, 4, 5].map((i) => `{name: A${i}}`).join(', ')}]\n`,
  );
  const run = (bytes: number) =>
    `, parameters: {${[1, 2, 3, 4, 5].map((i) => `A${i}: ${'x'.repeat(bytes)}`).join(', ')}}`;
  expect(problems(run(3276), many)).toEqual([]);
  expect(problems(run(3277), many)).toEqual([
    '3:23: spec.parameters: all values together must have at most 16384 bytes, have 16385',
  ]);
});

test('what the definition keeps as it is no run overrides; its brake it has always', () => {
  const kept = FLASH.replace('  parameters:', '  overridable: [concurrency]\n  parameters:');
  const given = ', parameters: {VERSION: a}';
  expect(problems(`${given}, overrides: {concurrency: 2}, suspend: true`, kept)).toEqual([]);
  const said = 'definition "flash" lets its runs override only concurrency';
  expect(problems(`${given}, overrides: {concurrency: 2, image: null}`, kept)).toEqual([
    `3:77: spec.overrides.image: ${said}`,
  ]);
  expect(problems(`${given}, overrides: {suspend: true}`, kept)).toEqual([expect.stringContaining(said)]);
  expect(problems(`${given}, env: [{name: A}]`, kept)).toEqual([`3:49: spec.env: ${said}`]);
  const none = kept.replace('[concurrency]', '[]');
  expect(problems(`${given}, overrides: {concurrency: 2}`, none)).toEqual([
    expect.stringContaining('override nothing'),
  ]);
  expect(problems(`${given}, env: [{name: A}]`, kept.replace('[concurrency]', '[env]'))).toEqual([]);
});

test('another controller, which knows no variables, is given them in front of its commands', () => {
  const plain = FLASH.replace(/ {2}env:.*\n/, '');
  const { manifest } = prepared(', parameters: {VERSION: "$(reboot)"}', plain, 'external');
  const words = ['env', 'VERSION=$$(reboot)', 'CHANNEL=stable', 'RETRIES=3'];
  expect(manifest.spec).toEqual({
    image: 'x',
    command: [...words, 'sh', '-c', 'flash "$VERSION"'],
    preflight: { command: [...words, 'check'] },
  });
  const refused = prepare(
    ', parameters: {VERSION: a}',
    plain.replace('[sh, -c, \'flash "$VERSION"\']', '[flash, $(VERSION)]'),
    'external',
  );
  expect(refused).toMatchObject({ ok: false, problems: [{ path: ['spec', 'nodeOp'] }] });
  const assigned = prepare(', parameters: {VERSION: a}', plain.replace('[sh,', '[a=b,'), 'external');
  expect(assigned).toMatchObject({
    ok: false,
    problems: [{ message: expect.stringContaining('must not hold "="') as unknown }],
  });
});

const schedule = (parameters: string) =>
  `apiVersion: agent.nodeop.dev/v1alpha1\nkind: NodeOpRun\nmetadata: {name: nightly}\nspec:\n  nodeOp: flash\n  schedule: "0 1 * * *"\n  parameters: ${parameters}\n`;
const bytes = (text: string) => new TextEncoder().encode(text);

test('the runs of a schedule have the values it gives, whatever the text', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'grapheme-ascii' }),
    fc.constantFrom('007', '1e3', 'true', 'null', '~', '0x1F', '2030-01-31', '1:30', '', '- a', '#'),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const parsed = parseDefinition(
        'nodeops/nightly.yaml',
        bytes(schedule(`{VERSION: ${JSON.stringify(text)}, RETRIES: 5}`)),
      );
      if (!('run' in parsed)) throw new Error(JSON.stringify(parsed));
      const content = bytes(formatScheduled(parsed, 0));
      const definitions = [definition(FLASH.replace(", pattern: '^[^;]*$'", ''))];
      const run = prepareRun({ ...source(''), content }, { ...context, definitions });
      expect(run.ok && run.parameters?.slice(0, 3).map(({ value }) => value)).toEqual([text, 'stable', 5]);
    }),
  );
});

test.each(['1e3', '007', '0x1F', '9007199254740993', '.nan', '1.5'])(
  'a schedule that gives %s is told where',
  (number) => {
    expect(parseDefinition('nodeops/nightly.yaml', bytes(schedule(`{RETRIES: ${number}}`)))).toMatchObject({
      result: { ok: false, problems: [{ path: ['spec', 'parameters', 'RETRIES'], line: 7, column: 16 }] },
    });
  },
);
