import { expect, test } from 'vitest';
import type { Obj } from '../../src/sim/index.ts';
import { podSpec, SLEEP, useTarget } from './target.ts';

const target = useTarget();
const maps = (...rest: string[]) => target.it.core('configmaps', ...rest);
const jobs = (...rest: string[]) => target.it.group('batch/v1', 'jobs', ...rest);
const pods = (...rest: string[]) => target.it.core('pods', ...rest);

const reference = (owner: Obj, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  name: owner.metadata.name,
  uid: owner.metadata.uid,
  ...more,
});

async function family(name: string, more: object = {}): Promise<void> {
  const owner = await target.it.make(maps(), { metadata: { name } });
  const child = { metadata: { name: `${name}-child`, ownerReferences: [reference(owner, more)] } };
  const made = await target.it.make(maps(), child);
  const grandchild = { metadata: { name: `${name}-grandchild`, ownerReferences: [reference(made)] } };
  await target.it.make(maps(), grandchild);
}

test('dependents go with their owner, and theirs with them', async () => {
  await family('background');
  await target.it.call('DELETE', maps('background'));
  await target.it.untilGone(maps('background-child'));
  await target.it.untilGone(maps('background-grandchild'));
  expect(await target.it.call('GET', maps('background'))).toMatchObject({ code: 404 });
});

test('foreground: the owner stays until the dependents that block it are gone', async () => {
  await family('foreground', { blockOwnerDeletion: true });
  await target.it.patch('merge', maps('foreground-child'), {
    metadata: { finalizers: ['nodeop.dev/hold'] },
  });
  await target.it.call('DELETE', maps('foreground'), { propagationPolicy: 'Foreground' });
  const child = await target.it.until(maps('foreground-child'), ({ metadata }) => {
    return metadata.deletionTimestamp !== undefined;
  });
  expect(child.metadata.finalizers).toContain('nodeop.dev/hold');
  const owner = (await target.it.call('GET', maps('foreground'))).body.metadata;
  expect(owner.finalizers).toContain('foregroundDeletion');
  expect(owner.deletionTimestamp).toBeDefined();
  await letGo('foreground-child');
  await target.it.untilGone(maps('foreground'));
  await target.it.untilGone(maps('foreground-grandchild'));
});

test('orphan: the dependents stay and forget their owner', async () => {
  await family('orphan');
  await target.it.call('DELETE', maps('orphan'), { propagationPolicy: 'Orphan' });
  await target.it.untilGone(maps('orphan'));
  const child = await target.it.until(maps('orphan-child'), ({ metadata }) => {
    return (metadata.ownerReferences ?? []).length === 0;
  });
  expect(child.metadata.deletionTimestamp).toBeUndefined();
});

test('an object whose owner never was goes; one of two owners is enough to stay', async () => {
  const owner = await target.it.make(maps(), { metadata: { name: 'real' } });
  const ghost = { ...reference(owner), name: 'ghost', uid: '11111111-2222-3333-4444-555555555555' };
  await target.it.make(maps(), { metadata: { name: 'lost', ownerReferences: [ghost] } });
  await target.it.make(maps(), { metadata: { name: 'kept', ownerReferences: [ghost, reference(owner)] } });
  await target.it.untilGone(maps('lost'));
  expect(await target.it.call('GET', maps('kept'))).toMatchObject({ code: 200 });
});

test.each([
  ['Background', true],
  ['Foreground', true],
  ['Orphan', false],
  [undefined, false],
])('a job deleted with policy %s: its pods go: %s', async (propagationPolicy, go) => {
  const name = `job-${propagationPolicy?.toLowerCase() ?? 'default'}`;
  await target.it.make(jobs(), { metadata: { name }, spec: { template: { spec: podSpec(SLEEP) } } });
  const list = `${pods()}?labelSelector=job-name%3D${name}`;
  const count = async () => (await target.it.call('GET', list)).body.items.length;
  await expect.poll(count).toBe(1);
  await target.it.call('DELETE', jobs(name), propagationPolicy && { propagationPolicy });
  await target.it.untilGone(jobs(name));
  if (go) await expect.poll(count, { timeout: 60_000 }).toBe(0);
  else {
    const [pod] = (await target.it.call('GET', list)).body.items;
    await target.it.until(pods(pod?.metadata.name ?? ''), ({ metadata }) => {
      return metadata.deletionTimestamp === undefined && (metadata.ownerReferences ?? []).length === 0;
    });
  }
});

/** Takes the hold away and no other finalizer: the garbage collector takes its own away at any time. */
async function letGo(name: string): Promise<void> {
  await expect
    .poll(async () => {
      const { resourceVersion, finalizers = [] } = (await target.it.call('GET', maps(name))).body.metadata;
      const left = finalizers.filter((it) => it !== 'nodeop.dev/hold');
      const patch = { metadata: { resourceVersion, finalizers: left } };
      return (await target.it.patch('merge', maps(name), patch)).code;
    })
    .toBe(200);
}
