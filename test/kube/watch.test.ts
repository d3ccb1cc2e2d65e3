import { afterEach, expect, test } from 'vitest';
import type { KubeObject } from '../../src/api/kubernetes.ts';
import { DrainSessions } from '../../src/kube/drain-session.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { NODES } from '../../src/kube/resources.ts';
import { StoppedError } from '../../src/kube/stopped.ts';
import { WatchCache, type WatchOptions } from '../../src/kube/watch.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { FakeApi } from './fake-api.ts';

const api = () => ({ api: new FakeApi(), clock: new FakeClock() });
const started: WatchCache<KubeObject>[] = [];
const never = new Promise(() => {});

const nameOf = ({ metadata }: KubeObject) => metadata.name ?? '';
const byText = (a: string, b: string) => a.localeCompare(b);

function cacheOf(
  { api: server, clock }: ReturnType<typeof api>,
  told: WatchOptions<KubeObject>['onChange'] = () => {},
) {
  const errors: string[] = [];
  const gone: string[] = [];
  const cache = new WatchCache<KubeObject>({
    client: server.client,
    clock,
    resource: NODES,
    onChange: (object, isGone, isUnheard) => {
      if (isGone) gone.push(object.metadata.name ?? '');
      told(object, isGone, isUnheard);
    },
    onError: (error) => errors.push(error instanceof Error ? error.message : String(error)),
  });
  started.push(cache);
  const names = () => [...cache.values()].map(nameOf).toSorted(byText);
  return { cache, errors, gone, names };
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((cache) => cache.stop()));
});

test('stopped before its first list answers, a cache ends, and whoever waits for it is told', async () => {
  const world = api();
  world.api.hold.list = never;
  const { cache } = cacheOf(world);
  const first = cache.start();
  await world.clock.advance(10);
  await cache.stop();
  await expect(first).rejects.toThrow(StoppedError);
  await expect(cacheOf(world).cache.stop()).resolves.toBeUndefined();
});

test('a drain that is given up before its pods are listed ends, and the stop with it', async () => {
  const world = api();
  world.api.hold.list = never;
  const drains = new DrainSessions(
    world.api.client as KubeClient,
    () => {},
    () => {},
    world.clock,
  );
  const opened = drains.open('node-1');
  await world.clock.advance(10);
  drains.close('node-1');
  await expect(opened).rejects.toThrow(StoppedError);
  const again = drains.open('node-1');
  again.catch(() => undefined);
  await drains.stop();
  await expect(again).rejects.toThrow(StoppedError);
  expect([...drains.nodes()]).toEqual([]);
});

test('a watch that is ended at once is opened again with growing pauses', async () => {
  const world = api();
  world.api.onWatch = (body) => body.end();
  const { cache } = cacheOf(world);
  await Promise.all([cache.start(), world.clock.advance(0)]);
  await world.clock.advance(60_000);
  expect(world.api.count('watch')).toBeLessThan(12);
  expect(world.api.count('list')).toBe(1);
});

test('one that tells the same again and then ends is no better; one that tells news may be opened at once', async () => {
  const world = api();
  let told = 100;
  world.api.onWatch = (body) => {
    const object = { metadata: { name: 'node-1', resourceVersion: String(told) } };
    body.end(`${JSON.stringify({ type: 'MODIFIED', object })}\n`);
  };
  const { cache } = cacheOf(world);
  await Promise.all([cache.start(), world.clock.advance(0)]);
  await world.clock.advance(60_000);
  expect(world.api.count('watch')).toBeLessThan(12);
  world.api.version = 1_000;
  world.api.onWatch = (body) => {
    told += 1;
    const object = { metadata: { name: 'node-1', resourceVersion: String(told) } };
    if (told < 130) body.end(`${JSON.stringify({ type: 'MODIFIED', object })}\n`);
  };
  await world.clock.advance(30_000);
  // oxlint-disable-next-line no-await-in-loop -- no time passes between them
  for (let i = 0; i < 100; i += 1) await world.clock.advance(0);
  expect(cache.get('node-1')?.metadata.resourceVersion).toBe('129');
});

test('a watch that lasted and had nothing to tell is opened again at once', async () => {
  const world = api();
  const open: { end: () => void }[] = [];
  world.api.onWatch = (body) => void open.push(body);
  const { cache } = cacheOf(world);
  await Promise.all([cache.start(), world.clock.advance(0)]);
  for (let i = 1; i <= 5; i += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one watch after the other
    await world.clock.advance(5_000);
    expect(world.api.count('watch')).toBe(i);
    open.at(-1)?.end();
    // oxlint-disable-next-line no-await-in-loop
    await world.clock.advance(0);
  }
});

test.each(['410', 'a restart of the server', 'silence', 'an event of an older version'])(
  'a server restored from a backup, noticed by %s: what is gone is gone',
  async (how) => {
    const world = api();
    for (const name of ['old', 'kept', 'new']) world.api.write(name);
    const { cache, names, gone } = cacheOf(world);
    await Promise.all([cache.start(), world.clock.advance(0)]);
    world.api.write('newest');
    await world.clock.advance(10);
    expect(names()).toEqual(['kept', 'new', 'newest', 'old']);
    world.api.restore(50, ['old', 'kept']);
    if (how === '410') world.api.fail(410);
    if (how === 'a restart of the server') world.api.fail(500);
    if (how === 'an event of an older version') {
      world.api.onWatch = (body) =>
        void body.write(`${JSON.stringify({ type: 'ADDED', object: world.api.write('late') })}\n`);
      world.api.fail(500);
      await world.clock.advance(200);
      world.api.onWatch = undefined;
      world.api.remove('late');
    }
    await world.clock.advance(60_000);
    expect(names()).toEqual(['kept', 'old']);
    expect(cache.get('old')?.metadata.resourceVersion).toBe('49');
    expect(gone).toEqual(expect.arrayContaining(['new', 'newest']));
    world.api.write('after');
    await world.clock.advance(60_000);
    expect(names()).toEqual(['after', 'kept', 'old']);
  },
);

test('an object that is read with a lower version than is known tells that the server was restored', async () => {
  const world = api();
  for (const name of ['old', 'new']) world.api.write(name);
  const { cache, names } = cacheOf(world);
  await Promise.all([cache.start(), world.clock.advance(0)]);
  world.api.restore(50, ['old']);
  await Promise.all([cache.reread('old'), world.clock.advance(0)]);
  expect(cache.get('old')?.metadata.resourceVersion).toBe('49');
  expect(names()).toEqual(['old']);
});

test('where a watch has ended the server is asked whether its versions went back, before they are made up', async () => {
  const world = api();
  for (const name of ['old', 'new']) world.api.write(name);
  const { cache, names } = cacheOf(world);
  await Promise.all([cache.start(), world.clock.advance(0)]);
  await world.clock.advance(10);
  world.api.restore(50, ['old']);
  world.api.fail(500);
  // oxlint-disable-next-line no-await-in-loop -- one moment after the other
  for (let i = 0; i < 10; i += 1) await world.clock.advance(500);
  expect(names()).toEqual(['old']);
});

test('a server whose lists carry no version is not taken for one that was restored', async () => {
  const world = api();
  for (const name of ['a', 'b']) world.api.write(name);
  const { cache, errors, gone, names } = cacheOf(world);
  await Promise.all([cache.start(), world.clock.advance(0)]);
  world.api.versionless = true;
  await world.clock.advance(30_000);
  world.api.end();
  await world.clock.advance(10_000);
  world.api.write('c');
  await world.clock.advance(10_000);
  expect(names()).toEqual(['a', 'b', 'c']);
  expect([errors, gone, world.api.count('list')]).toEqual([[], [], 1]);
});

test('one that never gave its lists a version is watched from what there is, in whatever order it tells', async () => {
  const world = api();
  world.api.versionless = true;
  for (const name of ['a', 'b']) world.api.write(name);
  const { cache, errors, gone, names } = cacheOf(world);
  await Promise.all([cache.start(), world.clock.advance(0)]);
  await world.clock.advance(10_000);
  world.api.remove('a');
  world.api.write('c');
  await world.clock.advance(10_000);
  world.api.end();
  await world.clock.advance(10_000);
  world.api.write('d');
  await world.clock.advance(10_000);
  expect(names()).toEqual(['b', 'c', 'd']);
  expect([errors, gone]).toEqual([[], ['a']]);
});

test('what is written or deleted while a list in pages is under way is neither lost nor brought back', async () => {
  const world = api();
  for (const name of ['a', 'b', 'c', 'd']) world.api.write(name);
  world.api.pageSize = 2;
  const { cache, names } = cacheOf(world);
  await Promise.all([cache.start(), world.clock.advance(0)]);
  const held = Promise.withResolvers<void>();
  world.api.hold.list = held.promise;
  const reread = cache.rereadAll();
  cache.put(world.api.write('e'));
  world.api.write('b', { labels: { changed: 'yes' } });
  world.api.remove('d');
  await world.clock.advance(10);
  held.resolve();
  await reread;
  expect(names()).toEqual(['a', 'b', 'c', 'e']);
  expect(cache.get('b')?.metadata.labels).toEqual({ changed: 'yes' });
  await world.clock.advance(1_000);
  expect(names()).toEqual(['a', 'b', 'c', 'e']);
});

test('one object is read again whatever the watch says: changed, gone, or created meanwhile', async () => {
  const world = api();
  world.api.write('a');
  world.api.write('b');
  const { cache, names } = cacheOf(world);
  await Promise.all([cache.start(), world.clock.advance(0)]);
  world.api.cut();
  world.api.write('a', { labels: { changed: 'yes' } });
  world.api.remove('b');
  await world.clock.advance(10);
  expect(names()).toEqual(['a', 'b']);
  expect((await cache.reread('a'))?.metadata.labels).toEqual({ changed: 'yes' });
  expect(await cache.reread('b')).toBeUndefined();
  const held = Promise.withResolvers<void>();
  world.api.hold.get = held.promise;
  const reread = cache.reread('c');
  cache.put(world.api.write('c'));
  held.resolve();
  expect((await reread)?.metadata.name).toBe('c');
  expect(names()).toEqual(['a', 'c']);
});

test('one that is found to be gone is unheard of until the watch tells how it was last', async () => {
  const world = api();
  world.api.write('a');
  world.api.write('b');
  const told: unknown[] = [];
  const { cache } = cacheOf(world, ({ metadata }, ...how) => told.push([metadata.name, ...how]));
  await Promise.all([cache.start(), world.clock.advance(0)]);
  told.length = 0;
  // The question overtakes the watch.
  world.api.remove('a');
  await cache.reread('a');
  expect(told).toEqual([['a', true, true]]);
  await world.clock.advance(10);
  expect(told.slice(1)).toEqual([['a', true, false]]);
  world.api.remove('b');
  await world.clock.advance(10);
  expect(told.slice(2)).toEqual([['b', true, false]]);
});

test('one that is missing in a list is unheard of, too', async () => {
  const world = api();
  world.api.write('a');
  const told: unknown[] = [];
  const { cache } = cacheOf(world, ({ metadata }, ...how) => told.push([metadata.name, ...how]));
  await Promise.all([cache.start(), world.clock.advance(0)]);
  world.api.cut();
  world.api.remove('a');
  await cache.rereadAll();
  expect(told).toEqual([
    ['a', false, false],
    ['a', true, true],
  ]);
});

test('a watch whose other end is gone is noticed within half a minute; one that has nothing to tell is left alone', async () => {
  const world = api();
  world.api.write('a');
  const { cache, names, errors } = cacheOf(world);
  await Promise.all([cache.start(), world.clock.advance(0)]);
  await world.clock.advance(5 * 60_000);
  expect(world.api.count('probe')).toBeGreaterThan(10);
  expect(world.api.count('watch')).toBe(1);
  world.api.cut();
  world.api.write('b');
  await world.clock.advance(30_000);
  expect(names()).toEqual(['a', 'b']);
  expect(errors).toEqual(['the watch said nothing for long; it is opened anew']);
  expect(world.api.count('list')).toBe(1);
});

test('something else in the cluster changed: a watch is left alone, unless it says nothing at all for over a minute', async () => {
  const world = api();
  const { cache, names, errors } = cacheOf(world);
  await Promise.all([cache.start(), world.clock.advance(0)]);
  world.api.version += 10;
  await world.clock.advance(60_000);
  expect(errors).toEqual([]);
  // Even where news is so late that no question finds it.
  world.api.cut();
  world.api.hold.watch = never;
  world.api.write('a');
  await world.clock.advance(40_000);
  expect(errors).toEqual(['the watch said nothing for long; it is opened anew']);
  world.api.hold = {};
  await world.clock.advance(60_000);
  expect(names()).toEqual(['a']);
});

test('a server that answers no small question any more has its watches opened anew', async () => {
  const world = api();
  const { cache, errors, names } = cacheOf(world);
  await Promise.all([cache.start(), world.clock.advance(0)]);
  world.api.hold.list = never;
  world.api.hold.watch = never;
  world.api.cut();
  await world.clock.advance(60_000);
  expect(errors).toHaveLength(1);
  world.api.hold = {};
  world.api.write('a');
  await world.clock.advance(60_000);
  expect(names()).toEqual(['a']);
});
