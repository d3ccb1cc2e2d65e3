import { expect, test } from 'vitest';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import type { NodeOp } from '../../src/api/nodeop.ts';
import { awaitsRecord, copyProblem } from '../../src/core/rollout/identity.ts';
import { carryOut, MemoryStore, nodeOp, silent, TestRepository } from './support.ts';

const INITIAL = { runs: { initial: 'execute' } };

/** As somebody stores a copy that kept some of the annotations; the API server gives it a UID. */
function put(
  store: MemoryStore,
  original: NodeOp,
  name: string,
  annotations: Record<string, string>,
): string {
  const metadata = { ...original.metadata, name, uid: `uid-${name}`, annotations };
  const { status: _, ...rest } = original;
  store.objects.set(`nodeop-system/${name}`, { ...rest, metadata });
  return `nodeop-system/${name}`;
}

function runAnnotations({ metadata: { annotations = {} } }: NodeOp): Record<string, string> {
  return Object.fromEntries(
    Object.entries(annotations).filter(([key]) => key.startsWith('agent.nodeop.dev/run')),
  );
}

function agent(repository: TestRepository, changes: object = INITIAL) {
  const store = new MemoryStore();
  return { store, loop: new RepositoryLoop({ config: repository.config(changes), store, logger: silent }) };
}

test('a NodeOp of a run is marked as its own once it is made', async () => {
  using repository = new TestRepository();
  const { store, loop } = agent(repository);
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  await loop.pollNow();
  const [made] = store.list();
  expect(made?.metadata.annotations?.['agent.nodeop.dev/uid']).toBe(made?.metadata.uid);
  await loop.stop();
});

test('one that was made before a crash is marked when the agent is back', async () => {
  using repository = new TestRepository();
  const { store, loop } = agent(repository);
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  await loop.pollNow();
  const [made] = store.list();
  if (!made) throw new Error('nothing was made');
  store.objects.set('nodeop-system/a', {
    ...made,
    metadata: { ...made.metadata, annotations: runAnnotations(made) },
  });
  await loop.pollNow();
  expect(awaitsRecord(store.objects.get('nodeop-system/a') ?? made)).toBe(false);
  await loop.stop();
});

test.each(['the run is over', 'the run goes on', 'its report tells of a NodeOp that is gone'])(
  'a copy that kept the annotations of a run alone is refused, and takes no place (%s)',
  async (when) => {
    using repository = new TestRepository();
    const { store, loop } = agent(repository);
    if (when === 'the run is over') await carryOut(repository, { loop, store }, 'a');
    else {
      repository.push({ 'runs/a.yaml': nodeOp('a') });
      await loop.pollNow();
    }
    const [original] = store.list();
    if (!original) throw new Error('nothing was made');
    if (when === 'its report tells of a NodeOp that is gone') store.objects.clear();
    const key = put(store, original, 'copy', runAnnotations(original));
    await loop.pollNow();
    const copy = store.objects.get(key);
    expect(copy && copyProblem(copy)).toMatch(/the run runs\/a\.yaml.*it is never carried out/);
    expect(copy?.metadata.annotations?.['agent.nodeop.dev/uid']).toBeUndefined();
    if (when === 'the run goes on') store.finish('Completed');
    repository.push({ 'runs/b.yaml': nodeOp('b') });
    await loop.pollNow();
    expect(store.objects.has('nodeop-system/b')).toBe(true);
    await loop.stop();
  },
);

test("a copy of another cluster's run is refused", async () => {
  using repository = new TestRepository();
  const { store, loop } = agent(repository, { ...INITIAL, cluster: 'berlin' });
  await carryOut(repository, { loop, store }, 'a');
  const [original] = store.list();
  if (!original) throw new Error('nothing was made');
  const key = put(store, original, 'copy', { 'agent.nodeop.dev/run': 'munich:runs/a.yaml' });
  await loop.pollNow();
  const copy = store.objects.get(key);
  expect(copy && copyProblem(copy)).toContain('a run of another cluster, munich:runs/a.yaml');
  await loop.stop();
});

test('a run whose NodeOp is gone is not taken for its restored copy', async () => {
  using repository = new TestRepository();
  const { store, loop: first } = agent(repository);
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  await first.pollNow();
  await first.stop();
  const loop = new RepositoryLoop({ config: repository.config(INITIAL), store, logger: silent });
  const [original] = store.list();
  if (!original) throw new Error('nothing was made');
  put(store, { ...original, metadata: { ...original.metadata } }, 'a', original.metadata.annotations ?? {});
  await loop.pollNow();
  expect(repository.read('results/a.yaml')).toContain('reason: NodeOpDeleted');
  await loop.stop();
});

test('a copy may go: it has no result that could be put on record', async () => {
  using repository = new TestRepository();
  const { store, loop } = agent(repository);
  await carryOut(repository, { loop, store }, 'a');
  const [original] = store.list();
  if (!original) throw new Error('nothing was made');
  const key = put(store, original, 'copy', original.metadata.annotations ?? {});
  await loop.pollNow();
  expect(loop.mayGo(store.objects.get(key) ?? original)).toBe(true);
  await loop.stop();
});
