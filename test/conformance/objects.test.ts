import { expect, test } from 'vitest';
import { useTarget } from './target.ts';

const target = useTarget();
const maps = (...rest: string[]) => target.it.core('configmaps', ...rest);

test('a second creation is AlreadyExists; what is not there is NotFound and says so', async () => {
  await target.it.make(maps(), { metadata: { name: 'once' } });
  const again = await target.it.call('POST', maps(), { metadata: { name: 'once' } });
  expect(again).toMatchObject({
    code: 409,
    body: { kind: 'Status', status: 'Failure', reason: 'AlreadyExists', code: 409 },
  });
  expect(again.body.message).toBe('configmaps "once" already exists');
  const absent = await target.it.call('GET', maps('absent'));
  expect(absent).toMatchObject({ code: 404, body: { reason: 'NotFound', details: { name: 'absent' } } });
  expect(absent.body.message).toBe('configmaps "absent" not found');
});

test('the server sets what only it knows, whatever the client says', async () => {
  const made = await target.it.make(maps(), {
    metadata: { generateName: 'made-', uid: 'mine', creationTimestamp: '2000-01-01T00:00:00Z' },
  });
  const { name, uid, creationTimestamp, resourceVersion, namespace } = made.metadata;
  expect(name).toMatch(/^made-[a-z0-9]{5}$/);
  expect(uid).toMatch(/^[0-9a-f-]{36}$/);
  expect(Date.parse(creationTimestamp ?? '')).toBeGreaterThan(Date.parse('2020-01-01'));
  expect(resourceVersion).toMatch(/^\d+$/);
  expect(namespace).toBe(target.it.namespace);
});

test.each([
  ['no name at all', {}, 'metadata.name'],
  ['a name with capitals', { name: 'Bad_Name' }, 'metadata.name'],
  ['a label value of 64 characters', { name: 'ok', labels: { a: 'x'.repeat(64) } }, 'metadata.labels'],
  ['a label value that ends in a dash', { name: 'ok', labels: { a: 'x-' } }, 'metadata.labels'],
])('%s is Invalid and names the field', async (_, metadata, field) => {
  const answer = await target.it.call('POST', maps(), { metadata });
  expect(answer).toMatchObject({ code: 422, body: { reason: 'Invalid' } });
  expect(answer.body.message).toContain(field);
  expect(answer.body.details?.causes?.[0]?.field).toContain(field);
});

test('a namespace that is not there takes nothing', async () => {
  const path = '/api/v1/namespaces/no-such-namespace/configmaps';
  const answer = await target.it.call('POST', path, { metadata: { name: 'x' } });
  expect(answer).toMatchObject({ code: 404, body: { reason: 'NotFound' } });
  expect(answer.body.message).toBe('namespaces "no-such-namespace" not found');
  const empty = await target.it.call('GET', path);
  expect(empty).toMatchObject({ code: 200, body: { items: [] } });
});

test('a stale write is a Conflict; one that changes nothing leaves the version', async () => {
  const made = await target.it.make(maps(), { metadata: { name: 'versions' }, data: { a: '1' } });
  const same = await target.it.call('PUT', maps('versions'), made);
  expect(same.body.metadata.resourceVersion).toBe(made.metadata.resourceVersion);
  const next = await target.it.call('PUT', maps('versions'), { ...made, data: { a: '2' } });
  expect(next.body.data).toEqual({ a: '2' });
  expect(BigInt(next.body.metadata.resourceVersion ?? 0)).toBeGreaterThan(
    BigInt(made.metadata.resourceVersion ?? 0),
  );
  const stale = await target.it.call('PUT', maps('versions'), { ...made, data: { a: '3' } });
  expect(stale).toMatchObject({ code: 409, body: { reason: 'Conflict' } });
  expect(stale.body.message).toContain('the object has been modified');
  const other = { ...next.body, metadata: { ...next.body.metadata, uid: 'another' } };
  expect(await target.it.call('PUT', maps('versions'), other)).toMatchObject({
    code: 409,
    body: { reason: 'Conflict' },
  });
});

test('a deletion with the uid of another object is a Conflict', async () => {
  const made = await target.it.make(maps(), { metadata: { name: 'mine' } });
  const wrong = await target.it.call('DELETE', maps('mine'), { preconditions: { uid: 'another' } });
  expect(wrong).toMatchObject({ code: 409, body: { reason: 'Conflict' } });
  const right = { preconditions: { uid: made.metadata.uid } };
  expect(await target.it.call('DELETE', maps('mine'), right)).toMatchObject({ code: 200 });
  expect(await target.it.call('DELETE', maps('mine'))).toMatchObject({ code: 404 });
});

test('finalizers hold a deleted object until the last is taken away; new ones are refused', async () => {
  await target.it.make(maps(), {
    metadata: { name: 'held', finalizers: ['nodeop.dev/one', 'nodeop.dev/two'] },
  });
  expect((await target.it.call('DELETE', maps('held'))).body.metadata.deletionTimestamp).toBeDefined();
  const marked = (await target.it.call('GET', maps('held'))).body.metadata;
  await target.it.call('DELETE', maps('held'));
  const again = (await target.it.call('GET', maps('held'))).body.metadata;
  expect(again.deletionTimestamp).toBe(marked.deletionTimestamp);
  const added = { metadata: { finalizers: ['nodeop.dev/one', 'nodeop.dev/three'] } };
  expect(await target.it.patch('merge', maps('held'), added)).toMatchObject({
    code: 422,
    body: { reason: 'Invalid' },
  });
  await target.it.patch('merge', maps('held'), { metadata: { finalizers: ['nodeop.dev/two'] } });
  expect(await target.it.call('GET', maps('held'))).toMatchObject({ code: 200 });
  await target.it.patch('merge', maps('held'), { metadata: { finalizers: null } });
  expect(await target.it.call('GET', maps('held'))).toMatchObject({ code: 404 });
});

test('a collection is deleted by its labels', async () => {
  await target.it.make(maps(), { metadata: { name: 'red', labels: { color: 'red' } } });
  await target.it.make(maps(), { metadata: { name: 'blue', labels: { color: 'blue' } } });
  await target.it.call('DELETE', `${maps()}?labelSelector=color%3Dred`);
  await target.it.untilGone(maps('red'));
  expect(await target.it.call('GET', maps('blue'))).toMatchObject({ code: 200 });
});

test('the server may be told how long a creation may take', async ({ skip }) => {
  const bounded = (name: string, timeout: string) =>
    target.it.call('POST', `${maps()}?timeout=${timeout}`, { metadata: { name } });
  expect(await bounded('bounded', '9500ms')).toMatchObject({ code: 200 });
  skip(target.it.minor < 21, 'older servers take no notice of one that is none');
  const answer = await bounded('unbounded', 'soon');
  expect(answer).toMatchObject({ code: 400, body: { reason: 'BadRequest' } });
  expect(answer.body.message).toContain('invalid timeout specified in the request URL');
});
