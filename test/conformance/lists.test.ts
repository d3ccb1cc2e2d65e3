import { beforeAll, expect, test } from 'vitest';
import type { Obj } from '../../src/sim/index.ts';
import { useTarget } from './target.ts';

const target = useTarget();
const maps = (...rest: string[]) => target.it.core('configmaps', ...rest);
const names = (items: Obj[]) => items.map(({ metadata }) => metadata.name ?? '').toSorted();
const query = (parameters: Record<string, string>) =>
  `${maps()}?${new URLSearchParams(parameters).toString()}`;

beforeAll(async () => {
  const make = (i: number) =>
    target.it.make(maps(), {
      metadata: { name: `item-${i}`, labels: { suite: 'lists', even: String(i % 2 === 0), i: String(i) } },
    });
  await Promise.all([0, 1, 2, 3, 4, 5, 6].map(make));
});

test('a list comes in pages of one version; what is made meanwhile is in none of them', async () => {
  const parameters = { labelSelector: 'suite=lists', limit: '3' };
  const first = (await target.it.call('GET', query(parameters))).body;
  expect(first.items).toHaveLength(3);
  const { continue: token = '', resourceVersion } = first.metadata as Record<string, string>;
  expect(token).not.toBe('');
  await target.it.make(maps(), { metadata: { name: 'item-99', labels: { suite: 'lists' } } });
  await target.it.call('DELETE', maps('item-6'));
  const second = (await target.it.call('GET', query({ ...parameters, continue: token }))).body;
  const third = (
    await target.it.call(
      'GET',
      query({ ...parameters, continue: (second.metadata as Record<string, string>)['continue'] ?? '' }),
    )
  ).body;
  const all = [...first.items, ...second.items, ...third.items];
  expect(names(all)).toEqual([0, 1, 2, 3, 4, 5, 6].map((i) => `item-${i}`));
  expect(second.metadata.resourceVersion).toBe(resourceVersion);
  expect((third.metadata as Record<string, string>)['continue'] ?? '').toBe('');
  await target.it.call('DELETE', maps('item-99'));
  await target.it.make(maps(), {
    metadata: { name: 'item-6', labels: { suite: 'lists', even: 'true', i: '6' } },
  });
});

test('a continue token nobody gave is a bad request', async () => {
  const answer = await target.it.call('GET', query({ limit: '1', continue: 'nonsense' }));
  expect(answer).toMatchObject({ code: 400, body: { reason: 'BadRequest' } });
});

test.each([
  ['even=true', ['item-0', 'item-2', 'item-4', 'item-6']],
  ['even==true,i!=0', ['item-2', 'item-4', 'item-6']],
  ['i in (1,3,9)', ['item-1', 'item-3']],
  ['suite=lists,i notin (0,1,2,3)', ['item-4', 'item-5', 'item-6']],
  ['i,even!=true', ['item-1', 'item-3', 'item-5']],
  ['suite=lists,!absent,i=5', ['item-5']],
])('label selector %s', async (labelSelector, expected) => {
  const { body } = await target.it.call('GET', query({ labelSelector }));
  expect(names(body.items)).toEqual(expected);
});

test('field selectors: a name; an unknown field is a bad request', async () => {
  const { body } = await target.it.call('GET', query({ fieldSelector: 'metadata.name=item-3' }));
  expect(names(body.items)).toEqual(['item-3']);
  const unknown = await target.it.call('GET', query({ fieldSelector: 'spec.nonsense=1' }));
  expect(unknown).toMatchObject({ code: 400, body: { reason: 'BadRequest' } });
  const broken = await target.it.call('GET', query({ labelSelector: 'a in (' }));
  expect(broken).toMatchObject({ code: 400, body: { reason: 'BadRequest' } });
});

test('lists of all namespaces and of one', async () => {
  const parameters = new URLSearchParams({ labelSelector: 'suite=lists,i=1' }).toString();
  const everywhere = (await target.it.call('GET', `/api/v1/configmaps?${parameters}`)).body;
  expect(names(everywhere.items)).toEqual(['item-1']);
  expect(everywhere).toMatchObject({ kind: 'ConfigMapList', apiVersion: 'v1' });
  const elsewhere = (await target.it.call('GET', `/api/v1/namespaces/default/configmaps?${parameters}`)).body;
  expect(elsewhere.items).toEqual([]);
});
