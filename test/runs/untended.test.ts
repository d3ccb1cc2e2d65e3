import { expect, test } from 'vitest';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { MemoryStore, nodeOp, silent, TestRepository } from './support.ts';

/** Nobody has led for a while; what is told once nothing can come of that any more. */
function loopOf(repository: TestRepository, executor: 'agent' | 'external') {
  const store = new MemoryStore();
  const config = repository.config({ runs: { initial: 'execute' }, rollout: { executor } });
  let told = 0;
  const onTended = () => (told += 1);
  const loop = new RepositoryLoop({ config, store, logger: silent, isUntended: true, onTended });
  return { store, loop, told: () => told };
}

test('who carries NodeOps out has compared them by then, once', async () => {
  using repository = new TestRepository();
  repository.push({ 'runs/flash.yaml': nodeOp('flash') });
  const { store, loop, told } = loopOf(repository, 'agent');
  await loop.pollNow();
  expect([store.creations, told()]).toEqual([1, 1]);
  await loop.pollNow();
  expect(told()).toBe(1);
  await loop.stop();
});

test('who leaves them to another controller knows it once none is open', async () => {
  using repository = new TestRepository();
  repository.push({ 'runs/flash.yaml': nodeOp('flash') });
  const first = loopOf(repository, 'external');
  await first.loop.pollNow();
  // Nothing had begun.
  expect([first.store.creations, first.told()]).toEqual([1, 1]);
  await first.loop.stop();
  const { store, loop, told } = loopOf(repository, 'external');
  for (const [key, it] of first.store.objects) store.objects.set(key, it);
  await loop.pollNow();
  expect([store.creations, told()]).toEqual([0, 0]);
  for (const it of store.objects.values()) expect(loop.mayGoOn(it)).toBe(true);
  store.finish('Completed');
  await loop.pollNow();
  expect(told()).toBe(1);
  await loop.stop();
});
