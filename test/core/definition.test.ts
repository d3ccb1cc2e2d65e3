import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { expect, test } from 'vitest';
import { type Definition, holdsBack, lackOf, lackText, obstacleText } from '../../src/core/definition.ts';

const own = () =>
  load(readFileSync('manifests/crd/nodeops.operator.kairos.io.yaml', 'utf8')) as Required<Definition>;
type Tree = { properties: Record<string, Tree>; additionalProperties: Tree };
const schemaOf = (definition: Definition) =>
  definition.spec?.versions?.[0]?.schema?.openAPIV3Schema as unknown as Tree;

test('the definition that is delivered lacks nothing', () => {
  expect(lackOf(own())).toBeUndefined();
  expect(obstacleText(undefined) ?? lackText(undefined)).toBeUndefined();
});

test('one with the fields of the reference alone forgets what a rollout needs', () => {
  const reference = own();
  const { status } = schemaOf(reference).properties;
  const node = status?.properties['nodeStatuses']?.additionalProperties;
  if (!status || !node) throw new Error('no such schema');
  const { phase, jobName, message, rebootStatus, lastUpdated } = node.properties;
  node.properties = { phase, jobName, message, rebootStatus, lastUpdated } as Record<string, Tree>;
  for (const name of ['conditions', 'observedGeneration', 'summary']) delete status.properties[name];
  const lack = lackOf(reference);
  expect(lack?.needed).toEqual(
    expect.arrayContaining([
      'status.conditions',
      'status.observedGeneration',
      'status.nodeStatuses.*.bootID',
      'status.nodeStatuses.*.phaseStartedAt',
    ]),
  );
  expect(lack?.other).toEqual(expect.arrayContaining(['status.summary', 'status.nodeStatuses.*.exitCode']));
  expect(obstacleText(lack)).toMatch(/lacks what is needed.*status\..*apply manifests\/crd/);
});

test('one of an older version is told of, and in nobody’s way', () => {
  const older = own();
  const { spec } = schemaOf(older).properties;
  delete spec?.properties['startTimeoutSeconds'];
  delete spec?.properties['drainOptions']?.properties['force'];
  const lack = lackOf(older);
  expect(lack).toEqual({ needed: [], other: ['spec.drainOptions.force', 'spec.startTimeoutSeconds'] });
  expect(obstacleText(lack)).toBeUndefined();
  expect(lackText(lack)).toContain('spec.startTimeoutSeconds');
});

test('one that takes fewer values of a field refuses statuses that have one of the others', () => {
  const older = own();
  type Values = { enum: string[] };
  const steps = schemaOf(older).properties['status']?.properties['steps'] as unknown as {
    items: { properties: { phase: Values } };
  };
  const { phase } = steps.items.properties;
  phase.enum = phase.enum.filter((value) => value !== 'Cancelled');
  expect(lackOf(older)?.needed).toEqual(['status.steps[].phase "Cancelled"']);
});

/** As the definition was before there were steps. */
function before(): Required<Definition> {
  const older = own();
  const { spec, status } = schemaOf(older).properties;
  delete spec?.properties['steps'];
  delete spec?.properties['postflight'];
  for (const name of ['stepOf', 'steps']) delete status?.properties[name];
  delete status?.properties['nodeStatuses']?.additionalProperties.properties['lostInSoak'];
  return older;
}

test('one from before there were steps is in the way of nobody who has none', () => {
  const lack = lackOf(before());
  expect(lack?.needed).toEqual([]);
  expect(lack?.other).toEqual(expect.arrayContaining(['spec.steps', 'status.stepOf']));
});

test('one that takes steps and forgets how they stand is in the way', () => {
  const half = before();
  const { spec } = schemaOf(half).properties;
  const kept = schemaOf(own()).properties['spec']?.properties['steps'];
  if (spec && kept) spec.properties['steps'] = kept;
  expect(lackOf(half)?.needed).toEqual(
    expect.arrayContaining(['status.stepOf', 'status.steps', 'status.nodeStatuses.*.lostInSoak']),
  );
});

test.each<[string, (it: Required<Definition>) => unknown]>([
  ['is not there', () => undefined],
  ['does not serve the version', (it) => ({ ...it, spec: { versions: [{ name: 'v1', served: true }] } })],
  [
    'has no subresource for the status',
    (it) => ({ ...it, spec: { versions: it.spec?.versions?.map((one) => ({ ...one, subresources: {} })) } }),
  ],
])('one that %s is an obstacle', (_, change) => {
  expect(obstacleText(lackOf(change(own()) as Definition | undefined))).toBeDefined();
});

test('one that keeps all it is given lacks nothing', () => {
  const open = { 'x-kubernetes-preserve-unknown-fields': true };
  const version = {
    name: 'v1alpha1',
    served: true,
    subresources: { status: {} },
    schema: { openAPIV3Schema: open },
  };
  expect(lackOf({ metadata: {}, spec: { versions: [version] } })).toBeUndefined();
});

test('what holds a rollout back is never given to a server that would drop it', () => {
  for (const spec of [
    { concurrency: '50%' },
    { suspend: true },
    { maxFailures: 0 },
    { steps: [] },
    { postflight: { command: ['a'] } },
  ])
    expect(holdsBack(spec as Parameters<typeof holdsBack>[0]), JSON.stringify(spec)).toBe(true);
  for (const spec of [{}, { concurrency: 1 }, { suspend: false }, { preflight: { command: ['a'] } }])
    expect(holdsBack(spec as Parameters<typeof holdsBack>[0]), JSON.stringify(spec)).toBe(false);
});
