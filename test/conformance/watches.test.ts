import { expect, test } from 'vitest';
import { useTarget, type WatchLine } from './target.ts';

const target = useTarget();
const maps = (...rest: string[]) => target.it.core('configmaps', ...rest);
const version = async () => (await target.it.call('GET', maps())).body.metadata.resourceVersion ?? '';
const told = (lines: WatchLine[]) => lines.map(({ type, object }) => `${type} ${object.metadata.name}`);

test('a watch tells in order what happened after its version, and ends when it is asked to', async () => {
  const resourceVersion = await version();
  await target.it.make(maps(), { metadata: { name: 'watched' } });
  await target.it.patch('merge', maps('watched'), { data: { a: '1' } });
  await target.it.call('DELETE', maps('watched'));
  const lines = await target.it.watch(maps(), { resourceVersion, timeoutSeconds: 2, ...own('watched') });
  expect(told(lines)).toEqual(['ADDED watched', 'MODIFIED watched', 'DELETED watched']);
  const versions = lines.map(({ object }) => BigInt(object.metadata.resourceVersion ?? 0));
  expect(versions).toEqual(versions.toSorted((a, b) => Number(a - b)));
});

test('an object that leaves the selector is DELETED, one that enters is ADDED', async () => {
  const resourceVersion = await version();
  await target.it.make(maps(), { metadata: { name: 'moving', labels: { in: 'no' } } });
  for (const value of ['yes', 'yes', 'no']) {
    const patch = { metadata: { labels: { in: value } }, data: { at: String(Math.random()) } };
    // oxlint-disable-next-line no-await-in-loop -- in this order
    await target.it.patch('merge', maps('moving'), patch);
  }
  const lines = await target.it.watch(maps(), {
    resourceVersion,
    timeoutSeconds: 2,
    labelSelector: 'in=yes',
  });
  expect(told(lines)).toEqual(['ADDED moving', 'MODIFIED moving', 'DELETED moving']);
});

test('without a version a watch begins with what there is', async () => {
  await target.it.make(maps(), { metadata: { name: 'there' } });
  const lines = await target.it.watch(maps(), { timeoutSeconds: 1, ...own('there') });
  expect(told(lines)).toEqual(['ADDED there']);
});

test('bookmarks tell how far the server is, though nothing of the selector changed', async () => {
  const resourceVersion = await version();
  const query = { resourceVersion, timeoutSeconds: 100, allowWatchBookmarks: 'true', ...own('no-such') };
  // Servers tell of a version only when something happened after the watch began.
  const elsewhere = { metadata: { generateName: 'elsewhere-' } };
  const timer = setInterval(() => void target.it.call('POST', maps(), elsewhere), 300);
  const [line] = await target.it.watch(maps(), query, ({ type }) => type === 'BOOKMARK');
  clearInterval(timer);
  expect(line).toMatchObject({ type: 'BOOKMARK', object: { kind: 'ConfigMap', apiVersion: 'v1' } });
  expect(BigInt(line?.object.metadata.resourceVersion ?? 0)).toBeGreaterThanOrEqual(BigInt(resourceVersion));
});

function own(name: string) {
  return { fieldSelector: `metadata.name=${name}` };
}
