import { expect, test } from 'vitest';
import { podSpec, SLEEP, useTarget } from './target.ts';

const target = useTarget();
const maps = (...rest: string[]) => target.it.core('configmaps', ...rest);

test('merge: null takes a key away, the rest is merged, an absent parent is made', async () => {
  await target.it.make(maps(), { metadata: { name: 'merge' }, data: { a: '1', c: '3' } });
  const patch = { data: { a: null, b: '2' }, metadata: { annotations: { note: 'x' } } };
  const patched = await target.it.patch('merge', maps('merge'), patch);
  expect(patched.body).toMatchObject({ data: { b: '2', c: '3' }, metadata: { annotations: { note: 'x' } } });
  expect(patched.body.data).not.toHaveProperty('a');
  const nothing = await target.it.patch('merge', maps('merge'), { data: { absent: null } });
  expect(nothing.body.metadata.resourceVersion).toBe(patched.body.metadata.resourceVersion);
});

test('merge: a resourceVersion in the patch is a precondition, and so is a uid', async () => {
  const made = await target.it.make(maps(), { metadata: { name: 'guard' }, data: { a: '1' } });
  await target.it.patch('merge', maps('guard'), { data: { a: '2' } });
  const { resourceVersion } = made.metadata;
  const stale = { metadata: { resourceVersion }, data: { a: '3' } };
  expect(await target.it.patch('merge', maps('guard'), stale)).toMatchObject({
    code: 409,
    body: { reason: 'Conflict' },
  });
  const other = { metadata: { uid: 'another' }, data: { a: '3' } };
  const refused = await target.it.patch('merge', maps('guard'), other);
  expect([409, 422]).toContain(refused.code);
  expect((await target.it.call('GET', maps('guard'))).body.data).toEqual({ a: '2' });
  expect(await target.it.patch('merge', maps('absent'), { data: {} })).toMatchObject({ code: 404 });
});

test('strategic: lists merge by their key, finalizers by value, and directives take away', async () => {
  const pods = (...rest: string[]) => target.it.core('pods', ...rest);
  await target.it.make(pods(), {
    metadata: { name: 'strategic', finalizers: ['nodeop.dev/one'] },
    spec: podSpec(SLEEP, { nodeSelector: { 'no-such-label': 'x' } }),
  });
  const added = await target.it.patch('strategic', pods('strategic'), {
    metadata: { finalizers: ['nodeop.dev/two'] },
    spec: { containers: [{ name: 'main', image: 'busybox:other' }] },
  });
  expect(added.body.metadata.finalizers?.toSorted()).toEqual(['nodeop.dev/one', 'nodeop.dev/two']);
  expect(added.body.spec?.['containers']).toMatchObject([
    { name: 'main', image: 'busybox:other', command: ['sh', '-c', SLEEP] },
  ]);
  const cleared = await target.it.patch('strategic', pods('strategic'), { metadata: { finalizers: null } });
  expect(cleared.code).toBe(200);
  expect(cleared.body.metadata.finalizers).toBeUndefined();
});

test('JSON: operations in order; a failed test or an absent path changes nothing', async () => {
  await target.it.make(maps(), { metadata: { name: 'json', labels: { x: 'y' } }, data: { a: '1' } });
  const patched = await target.it.patch('json', maps('json'), [
    { op: 'test', path: '/data/a', value: '1' },
    { op: 'replace', path: '/data/a', value: '2' },
    { op: 'add', path: '/metadata/annotations', value: {} },
    { op: 'add', path: '/metadata/annotations/nodeop.dev~1note', value: 'x' },
    { op: 'remove', path: '/metadata/labels/x' },
  ]);
  expect(patched.body).toMatchObject({
    data: { a: '2' },
    metadata: { annotations: { 'nodeop.dev/note': 'x' } },
  });
  expect(patched.body.metadata.labels ?? {}).toEqual({});
  const failed = [
    { op: 'add', path: '/data/b', value: '3' },
    { op: 'test', path: '/data/a', value: 'other' },
  ];
  const absent = [{ op: 'remove', path: '/data/absent' }];
  expect(await target.it.patch('json', maps('json'), failed)).toMatchObject({ code: 422 });
  expect(await target.it.patch('json', maps('json'), absent)).toMatchObject({ code: 422 });
  expect((await target.it.call('GET', maps('json'))).body.data).toEqual({ a: '2' });
});

test('another media type is refused', async () => {
  await target.it.make(maps(), { metadata: { name: 'media' } });
  const answer = await target.it.call('PATCH', maps('media'), { data: {} }, 'application/json');
  expect(answer).toMatchObject({ code: 415, body: { reason: 'UnsupportedMediaType' } });
});

test('a node is cordoned and uncordoned by a merge patch with its annotation', async () => {
  const { body } = await target.it.call('GET', '/api/v1/nodes');
  const name = body.items.at(-1)?.metadata.name ?? '';
  const path = `/api/v1/nodes/${name}`;
  const annotation = 'conformance.nodeop.dev/owner';
  const cordoned = await target.it.patch('merge', path, {
    metadata: { annotations: { [annotation]: 'me' } },
    spec: { unschedulable: true },
  });
  try {
    expect(cordoned.body).toMatchObject({
      spec: { unschedulable: true },
      metadata: { annotations: { [annotation]: 'me' } },
    });
  } finally {
    await target.it.patch('merge', path, {
      metadata: { annotations: { [annotation]: null } },
      spec: { unschedulable: null },
    });
  }
  const after = (await target.it.call('GET', path)).body;
  expect(after.spec).not.toHaveProperty('unschedulable');
  expect(after.metadata.annotations ?? {}).not.toHaveProperty(annotation);
});
