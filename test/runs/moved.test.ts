import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { carryOut, MemoryStore, nodeOp, silent, TestRepository } from './support.ts';

/** Run files that are moved after their run was over, in every way that Git has of it. */

/** One run that is over, whose NodeOp was cleaned up. */
async function finished() {
  const repository = new TestRepository();
  const store = new MemoryStore();
  const config = repository.config({ runs: { initial: 'execute', maxConcurrent: 9 } });
  const agent = () => new RepositoryLoop({ config, store, logger: silent });
  const loop = agent();
  await carryOut(repository, { loop, store }, 'a');
  store.objects.clear();
  repository.pull();
  const git = (...args: string[]) => repository.git(repository.clone, ...args);
  const move = (from: string, to: string) => {
    repository.write({ [`${to}.folder`]: '' });
    rmSync(join(repository.clone, `${to}.folder`));
    git('mv', from, to);
    git('commit', '-q', '-m', `move ${from}`);
  };
  const began = async () => {
    git('push', '-q', 'origin', 'main');
    await loop.pollNow();
    await loop.stop();
    const running = store.list().map(({ metadata }) => metadata.name);
    // One that lost its clone, and its record in Git of what was moved, says the same.
    rmSync(join(repository.root, 'agent.git'), { recursive: true });
    await agent().pollNow();
    expect(store.list().map(({ metadata }) => metadata.name)).toEqual(running);
    return running;
  };
  return { repository, git, move, began };
}

test('moved on and on between two looks, it is still that run', async () => {
  const it = await finished();
  using _ = it.repository;
  it.move('runs/a.yaml', 'runs/old/a.yaml');
  it.move('runs/old/a.yaml', 'runs/2030/a.yaml');
  it.move('runs/2030/a.yaml', 'runs/archive/2030/a.yaml');
  expect(await it.began()).toEqual([]);
  expect(it.repository.read('results/.baseline.yaml')).toContain('runs/archive/2030/a.yaml');
});

test('with another content on the way it is another run', async () => {
  const it = await finished();
  using _ = it.repository;
  it.git('rm', '-q', 'runs/a.yaml');
  it.repository.write({ 'runs/old/a.yaml': nodeOp('again') });
  it.git('add', '-A');
  it.git('commit', '-q', '-m', 'move and edit');
  it.move('runs/old/a.yaml', 'runs/2030/a.yaml');
  expect(await it.began()).toEqual(['again']);
});

test('moved by a merge itself, it is that run, also when others pushed since', async () => {
  const it = await finished();
  using _ = it.repository;
  it.git('switch', '-q', '-c', 'topic');
  it.repository.write({ 'docs/x.md': 'x' });
  it.git('add', '-A');
  it.git('commit', '-q', '-m', 'topic');
  it.git('switch', '-q', 'main');
  it.git('merge', '-q', '--no-ff', '--no-commit', 'topic');
  it.repository.write({ 'runs/archive/x': '' });
  rmSync(join(it.repository.clone, 'runs/archive/x'));
  it.git('mv', 'runs/a.yaml', 'runs/archive/a.yaml');
  it.git('commit', '-q', '-m', 'merge and move');
  it.repository.write({ 'docs/y.md': 'y' });
  it.git('add', '-A');
  it.git('commit', '-q', '-m', 'more');
  expect(await it.began()).toEqual([]);
});

test('moved on a branch that is merged, by two or by three parents, it is that run', async () => {
  const it = await finished();
  using _ = it.repository;
  it.git('branch', 'other');
  it.git('switch', '-q', '-c', 'topic');
  it.move('runs/a.yaml', 'runs/archive/a.yaml');
  it.git('switch', '-q', 'other');
  it.repository.write({ 'docs/x.md': 'x' });
  it.git('add', '-A');
  it.git('commit', '-q', '-m', 'other');
  it.git('switch', '-q', 'main');
  it.repository.write({ 'docs/y.md': 'y' });
  it.git('add', '-A');
  it.git('commit', '-q', '-m', 'main');
  it.git('merge', '-q', '--no-ff', '-m', 'octopus', 'topic', 'other');
  it.move('runs/archive/a.yaml', 'runs/archive/2030-a.yaml');
  expect(await it.began()).toEqual([]);
});

test.each([
  [
    'taken away along with it',
    (repository: TestRepository) => rmSync(join(repository.clone, 'results/a.yaml')),
  ],
  ['unreadable by then', (repository: TestRepository) => repository.write({ 'results/a.yaml': '<<<<<<<' })],
])('it is that run though its report is %s', async (_, change) => {
  const it = await finished();
  using repository = it.repository;
  change(repository);
  it.git('add', '-A');
  it.move('runs/a.yaml', 'runs/archive/a.yaml');
  expect(await it.began()).toEqual([]);
});
