import { expect, test } from 'vitest';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { bomb, type Entry, graft, makeBlob, makeTree } from '../git/support/bombs.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { MemoryStore, nodeOp, nodeOpRun, silent, TestRepository } from './support.ts';

/** Folders that hold more than any machine has room for, though the repository is small. */

const SIZE = { levels: 20, width: 10 };

function agent(repository: TestRepository, changes: object = {}, store = new MemoryStore()) {
  const said: string[] = [];
  const say = (_: object, text: string) => said.push(text);
  const logger = { ...silent, warn: say, error: say, child: () => logger };
  const config = repository.config({ runs: { initial: 'execute', maxConcurrent: 9 }, ...changes });
  const loop = new RepositoryLoop({ config, store, logger, clock: new FakeClock() });
  return { store, said, loop };
}

function namesIn(store: MemoryStore): string[] {
  return store
    .list()
    .map(({ metadata }) => metadata.name ?? '')
    .toSorted();
}

test('a folder of run files that holds too much is refused by a report, and stops nothing beside it', async () => {
  using repository = new TestRepository();
  repository.push({ 'runs/2030/a.yaml': nodeOp('a'), 'README.md': 'x' });
  const { store, said, loop } = agent(repository);
  await loop.pollNow();
  graft(repository, 'runs/2030/bomb', { tree: bomb(repository, SIZE) });
  await loop.pollNow();
  repository.push({ 'runs/2030/b.yaml': nodeOp('b'), 'runs/c.yaml': nodeOp('c') });
  await loop.pollNow();
  expect(namesIn(store)).toEqual(['a', 'b', 'c']);
  expect(said).toContain(
    'runs/2030/bomb is a folder that holds more than can be read, and nothing in it is; take out what does not belong there',
  );
  const report = repository.read('results/2030/bomb/%2E');
  expect(report).toMatch(/phase: Invalid[\s\S]*is a folder that holds more than can be read/);
  await loop.stop();

  // One that starts anew says the same, and nothing a second time.
  const next = agent(repository, {}, store);
  await next.loop.pollNow();
  const tip = repository.tip();
  await next.loop.pollNow();
  expect(repository.tip()).toBe(tip);
  expect(store.creations).toBe(3);

  graft(repository, 'runs/2030/bomb', undefined);
  repository.push({ 'runs/2030/d.yaml': nodeOp('d') });
  await next.loop.pollNow();
  await next.loop.stop();
  expect(namesIn(store)).toEqual(['a', 'b', 'c', 'd']);
});

test('what came along with it begins once it is gone', async () => {
  using repository = new TestRepository();
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  const { store, loop } = agent(repository);
  await loop.pollNow();
  const [tree, blob] = [bomb(repository, SIZE), makeBlob(repository, nodeOp('new'))];
  const own: Entry = ['100644', blob, 'new.yaml'];
  const bombs = Array.from({ length: 20 }, (_, i): Entry => ['040000', tree, `${i}`]);
  graft(repository, 'runs/x', { tree: makeTree(repository, [...bombs, own]) });
  await loop.pollNow();
  expect(namesIn(store)).toEqual(['a']);
  expect(repository.read('results/x/%2E')).toContain('phase: Invalid');
  graft(repository, 'runs/x', { tree: makeTree(repository, [own]) });
  await loop.pollNow();
  await loop.stop();
  expect(namesIn(store)).toEqual(['a', 'new']);
});

test('in the folder of definitions: those beside it can be used', async () => {
  using repository = new TestRepository();
  repository.push({ 'nodeops/flash.yaml': nodeOp('flash') });
  graft(repository, 'nodeops/bomb', { tree: bomb(repository, SIZE) });
  repository.push({
    'runs/a.yaml': nodeOpRun('  nodeOp: flash'),
    'runs/b.yaml': nodeOpRun('  nodeOp: inside'),
  });
  const { store, said, loop } = agent(repository);
  await loop.pollNow();
  await loop.stop();
  expect(store.list().map(({ spec }) => spec.image)).toEqual(['busybox']);
  expect(repository.read('results/b.yaml')).toMatch(/phase: Invalid[\s\S]*not readable: nodeops\/bomb/);
  expect(said.join('\n')).toContain('nodeops/bomb is a folder that holds more than can be read');
});

test('among the reports: nothing runs a second time, and what is new runs', async () => {
  using repository = new TestRepository();
  repository.push({ 'runs/old/a.yaml': nodeOp('a') });
  const { store, loop } = agent(repository);
  await loop.pollNow();
  store.finish('Completed');
  await loop.pollNow();
  await loop.stop();
  store.objects.clear();
  graft(repository, 'results/old/bomb', { tree: bomb(repository, SIZE) });
  graft(repository, 'results/bomb', { tree: bomb(repository, SIZE) });
  repository.push({ 'runs/b.yaml': nodeOp('b') });
  const next = agent(repository, {}, store);
  await next.loop.pollNow();
  await next.loop.stop();
  expect(namesIn(store)).toEqual(['b']);
  expect(next.said.join('\n')).toContain('results/bomb is a folder that holds more than can be read');
});

test('at first contact nobody knows which run files were there before, so nothing begins', async () => {
  using repository = new TestRepository();
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  graft(repository, 'runs/old', { tree: bomb(repository, SIZE) });
  const { store, loop } = agent(repository, { runs: { initial: 'baseline' } });
  await loop.pollNow();
  expect(loop.state().problem).toMatch(/the folder runs\/old holds more than can be read/);
  graft(repository, 'runs/old', undefined);
  await loop.pollNow();
  repository.push({ 'runs/b.yaml': nodeOp('b') });
  await loop.pollNow();
  await loop.stop();
  expect(namesIn(store)).toEqual(['b']);
});

test('that was there before is found out of history', async () => {
  using repository = new TestRepository();
  repository.push({ 'README.md': 'x' });
  graft(repository, 'runs/a.yaml', { tree: bomb(repository, SIZE) });
  graft(repository, 'runs', undefined);
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  for (let i = 0; i < 60; i++) repository.push({ 'README.md': `${i}` });
  const { store, loop } = agent(repository);
  await loop.pollNow();
  await loop.stop();
  expect(namesIn(store)).toEqual(['a']);
});
