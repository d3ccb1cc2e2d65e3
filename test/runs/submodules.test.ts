import { expect, test } from 'vitest';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { MemoryStore, nodeOp, silent, TestRepository } from './support.ts';

/** Repositories that have others in them, and branches that are pushed over. */

const INITIAL = { runs: { initial: 'execute', maxConcurrent: 9 } };

function agent(repository: TestRepository, clock = new FakeClock()) {
  const store = new MemoryStore();
  const said: string[] = [];
  const say = (fields: object, text: string) => said.push(`${text} ${JSON.stringify(fields)}`);
  const logger = { ...silent, warn: say, error: say, child: () => logger };
  const loop = new RepositoryLoop({ config: repository.config(INITIAL), store, logger, clock });
  return { store, said, loop, clock };
}

test.each(['runs/vendor', 'nodeops/vendor', 'vendor'])(
  'a submodule at %s is never followed',
  async (path) => {
    using repository = new TestRepository();
    using other = new TestRepository();
    other.push({ 'evil.yaml': nodeOp('evil') });
    repository.push({ 'runs/good.yaml': nodeOp('good') });
    const { clone } = repository;
    repository.git(
      clone,
      '-c',
      'protocol.file.allow=always',
      'submodule',
      '--quiet',
      'add',
      other.bare,
      path,
    );
    repository.push({});
    expect(repository.git(clone, 'ls-files', '--stage', path)).toMatch(/^160000 /);
    const { store, said, loop } = agent(repository);
    await loop.pollNow();
    await loop.stop();
    expect(store.list().map(({ metadata }) => metadata.name)).toEqual(['good']);
    const report = repository.read(`results/${path.slice('runs/'.length)}`);
    if (path.startsWith('runs/'))
      expect(report).toMatch(/phase: Invalid[\s\S]*is a submodule; run files must be plain files/);
    else expect(report).toBeUndefined();
    expect(said.filter((it) => !it.includes('Invalid'))).toEqual([]);
  },
);

test('a branch that is pushed over after the grace begins what is new on it, and nothing a second time', async () => {
  using repository = new TestRepository();
  repository.push({ 'README.md': 'x' });
  const root = repository.git(repository.bare, 'rev-parse', 'main').trim();
  repository.push({ 'runs/a.yaml': nodeOp('a'), 'runs/b.yaml': nodeOp('b') });
  const { store, loop, clock } = agent(repository);
  await loop.pollNow();
  expect(store.creations).toBe(2);
  const move = (to: string) => repository.git(repository.bare, 'update-ref', 'refs/heads/main', to);
  const tip = repository.git(repository.bare, 'rev-parse', 'main').trim();
  move(root);
  await loop.pollNow();
  await clock.advance(301_000);
  await loop.pollNow();
  // What was on record in the cluster and in Git is gone from the branch; it is written anew on it.
  move(tip);
  await loop.pollNow();
  move(root);
  repository.push({ 'runs/a.yaml': nodeOp('a'), 'runs/c.yaml': nodeOp('c') });
  await loop.pollNow();
  await clock.advance(301_000);
  await loop.pollNow();
  await loop.stop();
  expect(
    store
      .list()
      .map(({ metadata }) => metadata.name ?? '')
      .toSorted(),
  ).toEqual(['a', 'b', 'c']);
  expect(store.creations).toBe(3);
});
