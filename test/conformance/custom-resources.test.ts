import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Obj } from '../../src/sim/index.ts';
import { hasKubectl, kubectl } from '../support/kubectl.ts';
import { conditionOf, useTarget } from './target.ts';

const target = useTarget();
const GROUP = `g${Math.random().toString(36).slice(2, 8)}.conformance.nodeop.dev`;
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const CRD = `${CRDS}/widgets.${GROUP}`;
const NODEOPS = 'nodeops.operator.kairos.io';
const widgets = (...rest: string[]) => target.it.group(`${GROUP}/v1`, 'widgets', ...rest);
const make = (name: string, spec: object, more: object = {}) =>
  target.it.call('POST', widgets(), {
    apiVersion: `${GROUP}/v1`,
    kind: 'Widget',
    metadata: { name },
    spec,
    ...more,
  });

const SPEC = {
  type: 'object',
  required: ['size'],
  properties: {
    size: { type: 'integer', minimum: 1, maximum: 9 },
    color: { type: 'string', enum: ['red', 'blue'], default: 'red' },
    name: { type: 'string', pattern: '^[a-z]+$', maxLength: 5 },
    parts: { type: 'array', minItems: 1, items: { type: 'object', properties: { id: { type: 'string' } } } },
    labels: { type: 'object', additionalProperties: { type: 'string' } },
    free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    options: { type: 'object', properties: { on: { type: 'boolean', default: true } } },
    always: { type: 'object', default: {}, properties: { n: { type: 'integer', default: 3 } } },
    port: { 'x-kubernetes-int-or-string': true },
    nothing: { type: 'string', nullable: true },
  },
};

const COLUMNS = [
  { name: 'Why', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
  { name: 'From', type: 'string', jsonPath: '.metadata.annotations.example\\.org/from' },
  { name: 'Size', type: 'integer', jsonPath: '.spec.size', priority: 1 },
];

function definition(spec: object) {
  const schema = {
    openAPIV3Schema: {
      type: 'object',
      properties: {
        spec,
        status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      },
    },
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `widgets.${GROUP}` },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: COLUMNS,
          schema,
        },
      ],
    },
  };
}

async function established(path: string) {
  await target.it.until(path, (crd) => conditionOf(crd, 'Established')?.status === 'True');
}

beforeAll(async () => {
  await target.it.make(CRDS, definition(SPEC));
  await established(CRD);
  await target.it.answered(widgets(), ({ code }) => code === 200);
});

afterAll(() => target.it.call('DELETE', CRD));

test('the resource appears in discovery', async () => {
  const { body } = await target.it.call('GET', `/apis/${GROUP}/v1`);
  const names = (body['resources'] as { name: string }[]).map(({ name }) => name);
  expect(names.toSorted()).toEqual(['widgets', 'widgets/status']);
});

test.runIf(hasKubectl)('columns reach into conditions and annotations, and -o wide shows more', async () => {
  await make(
    'shown',
    { size: 7 },
    { metadata: { name: 'shown', annotations: { 'example.org/from': 'runs/a.yaml' } } },
  );
  const status = {
    conditions: [
      { type: 'Other', reason: 'No' },
      { type: 'Ready', reason: 'Because' },
    ],
  };
  await target.it.patch('merge', widgets('shown', 'status'), { status });
  const get = (...more: string[]) =>
    kubectl(target.it.kubeconfig, ['-n', target.it.namespace, 'get', `widgets.${GROUP}`, 'shown', ...more]);
  expect((await get()).output).toMatch(/^NAME +WHY +FROM\nshown +Because +runs\/a\.yaml\n$/);
  expect((await get('-o', 'wide')).output).toMatch(
    /^NAME +WHY +FROM +SIZE\nshown +Because +runs\/a\.yaml +7\n$/,
  );
});

test('defaults are filled in where their parent is; unknown fields are dropped', async () => {
  const { body } = await make('defaults', {
    size: 1,
    unknown: 1,
    options: { other: 2 },
    parts: [{ id: 'a', extra: 'b' }],
    free: { any: { thing: [1] } },
    labels: { a: 'b' },
    nothing: null,
  });
  expect(body.spec).toEqual({
    size: 1,
    color: 'red',
    options: { on: true },
    always: { n: 3 },
    parts: [{ id: 'a' }],
    free: { any: { thing: [1] } },
    labels: { a: 'b' },
    nothing: null,
  });
});

test('a rehearsal answers what would be stored, or refused, and stores nothing', async () => {
  const rehearse = (name: string, spec: object) =>
    target.it.call('POST', `${widgets()}?dryRun=All`, {
      apiVersion: `${GROUP}/v1`,
      kind: 'Widget',
      metadata: { name },
      spec,
    });
  const { code, body } = await rehearse('rehearsed', { size: 1, unknown: 1 });
  expect(code).toBe(200);
  expect(body.spec).toEqual({ size: 1, color: 'red', always: { n: 3 } });
  expect((await target.it.call('GET', widgets('rehearsed'))).code).toBe(404);
  expect(await rehearse('rehearsed', { size: 0 })).toMatchObject({ code: 422, body: { reason: 'Invalid' } });
  await make('there', { size: 1 });
  expect(await rehearse('there', { size: 1 })).toMatchObject({
    code: 409,
    body: { reason: 'AlreadyExists' },
  });
});

test('with strict field validation an unknown field is refused by name', async ({ skip }) => {
  skip(target.it.minor < 25, 'older servers do not know it');
  const object = {
    apiVersion: `${GROUP}/v1`,
    kind: 'Widget',
    metadata: { name: 'strict' },
    spec: { size: 1, parts: [{ id: 'a', extra: 'b' }] },
  };
  const answer = await target.it.call('POST', `${widgets()}?fieldValidation=Strict`, object);
  expect(answer).toMatchObject({ code: 400, body: { reason: 'BadRequest' } });
  expect(answer.body.message).toContain('unknown field "spec.parts[0].extra"');
});

test.each([
  ['a required field that is absent', {}, 'spec.size'],
  ['a wrong type', { size: 'big' }, 'spec.size'],
  ['a fraction', { size: 1.5 }, 'spec.size'],
  ['a number too small', { size: 0 }, 'spec.size'],
  ['a number too big', { size: 10 }, 'spec.size'],
  ['a value not listed', { size: 1, color: 'green' }, 'spec.color'],
  ['a pattern', { size: 1, name: 'UP' }, 'spec.name'],
  ['a text too long', { size: 1, name: 'abcdef' }, 'spec.name'],
  ['an empty list', { size: 1, parts: [] }, 'spec.parts'],
  ['a wrong item', { size: 1, parts: [{ id: 'a' }, { id: 1 }] }, 'spec.parts.id'],
  ['a wrong value of a map', { size: 1, labels: { a: 1 } }, 'spec.labels.a'],
])('%s is Invalid and names the field', async (_, spec, field) => {
  const answer = await make('wrong', spec);
  expect(answer).toMatchObject({ code: 422, body: { reason: 'Invalid' } });
  // Old servers leave out the index, and write dots otherwise than new ones.
  const plain = (text: string | undefined) =>
    text
      ?.replaceAll(/\[\d+\]/g, '')
      .replaceAll(/["'[\]]/g, '.')
      .replaceAll(/\.+/g, '.');
  expect(plain(answer.body.message)).toContain(plain(field));
  const fields = answer.body.details?.causes?.map((cause) => plain(cause.field)?.replace(/\.$/, ''));
  expect(fields).toContain(plain(field)?.replace(/\.$/, ''));
});

test('status is written through its subresource alone; generation counts changes of the spec', async () => {
  const made = (await make('status', { size: 1 }, { status: { phase: 'Mine' } })).body;
  expect(made).not.toHaveProperty('status');
  expect(made.metadata.generation).toBe(1);
  const path = widgets('status');
  const status = await target.it.patch('merge', `${path}/status`, {
    metadata: { labels: { a: 'b' } },
    spec: { size: 2 },
    status: { phase: 'Running' },
  });
  expect(status.body).toMatchObject({
    spec: { size: 1 },
    status: { phase: 'Running' },
    metadata: { generation: 1 },
  });
  const labelled = await target.it.patch('merge', path, { metadata: { labels: { c: 'd' } } });
  expect(labelled.body.metadata.generation).toBe(1);
  const changed = await target.it.patch('merge', path, { spec: { size: 2 }, status: { phase: 'Other' } });
  expect(changed.body).toMatchObject({
    spec: { size: 2 },
    status: { phase: 'Running' },
    metadata: { generation: 2 },
  });
  const stale = { ...made, status: { phase: 'Late' } };
  expect(await target.it.call('PUT', `${path}/status`, stale)).toMatchObject({
    code: 409,
    body: { reason: 'Conflict' },
  });
});

test('strategic merge is not for custom resources', async () => {
  await make('strategic', { size: 1 });
  expect(await target.it.patch('strategic', widgets('strategic'), { spec: { size: 2 } })).toMatchObject({
    code: 415,
    body: { reason: 'UnsupportedMediaType' },
  });
});

test('an update without a version is refused, a patch is not', async () => {
  const { body } = await make('unguarded', { size: 1 });
  const { resourceVersion: _, ...metadata } = body.metadata;
  expect(await target.it.call('PUT', widgets('unguarded'), { ...body, metadata })).toMatchObject({
    code: 422,
    body: { reason: 'Invalid' },
  });
});

test('a version from before the type is too old to watch from', async () => {
  const lines = await target.it.watch(widgets(), { resourceVersion: '1', timeoutSeconds: 5 });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({ type: 'ERROR', object: { code: 410 } });
});

test('a new version of the definition leaves the objects and fills in its defaults', async () => {
  await make('older', { size: 4 });
  const known = (await target.it.call('GET', CRD)).body;
  const properties = { ...SPEC.properties, speed: { type: 'integer', default: 7 } };
  await target.it.call('PUT', CRD, {
    ...known,
    spec: { ...known.spec, versions: definition({ ...SPEC, properties }).spec.versions },
  });
  const read = await target.it.until(widgets('older'), ({ spec }) => spec?.['speed'] === 7);
  expect(read.spec).toMatchObject({ size: 4, color: 'red', speed: 7 });
});

test('NodeOps: the shipped definition is taken, and its refusals name the field', async () => {
  const path = `${CRDS}/${NODEOPS}`;
  const shipped = load(readFileSync(new URL(`../../manifests/crd/${NODEOPS}.yaml`, import.meta.url), 'utf8'));
  const made = await target.it.call('POST', CRDS, shipped);
  expect([200, 409]).toContain(made.code);
  await established(path);
  const ops = target.it.group('operator.kairos.io/v1alpha1', 'nodeops');
  try {
    await expect.poll(async () => (await target.it.call('GET', ops)).code).toBe(200);
    const op = (spec: object): Obj => ({
      apiVersion: 'operator.kairos.io/v1alpha1',
      kind: 'NodeOp',
      metadata: { generateName: 'op-' },
      spec: { image: 'busybox', command: ['true'], ...spec },
    });
    const good = await target.it.make(ops, op({ drainOptions: { enabled: true } }));
    expect(good.spec).toMatchObject({
      hostMountPath: '/host',
      backoffLimit: 3,
      drainOptions: { enabled: true, gracePeriodSeconds: 30 },
    });
    // Not looked at by anybody, which kstatus must not take for done.
    const unseen = await target.it.call('GET', `${ops}/${good.metadata.name}`);
    expect(unseen.body.status).toEqual({ observedGeneration: -1 });
    const bad = await target.it.call('POST', ops, op({ concurrency: -1 }));
    expect(bad).toMatchObject({ code: 422, body: { reason: 'Invalid' } });
    expect(bad.body.message).toContain('spec.concurrency');
  } finally {
    if (made.code === 200) await target.it.call('DELETE', path);
  }
});

test('a deleted definition takes its objects along', async () => {
  await make('last', { size: 1, color: 'blue' });
  await target.it.call('DELETE', CRD);
  await target.it.untilGone(CRD);
  await expect.poll(async () => (await target.it.call('GET', widgets())).code).toBe(404);
});
