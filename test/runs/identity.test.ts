import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { AgentConfigSchema } from '../../src/api/config.ts';
import { check } from '../../src/api/schema.ts';
import { carryOut, MemoryStore, nodeOp, silent, TestRepository } from './support.ts';

function agent(repository: TestRepository, changes: object, store = new MemoryStore(), uid = 'cluster-1') {
  store.ledger.uid = uid;
  const dir = join(repository.root, `${uid}.git`);
  const errors: string[] = [];
  const logger = {
    ...silent,
    child: () => logger,
    error: (fields: object) => errors.push(JSON.stringify(fields)),
  };
  const config = repository.config({ ...changes, git: { url: repository.bare, dir } });
  return { loop: new RepositoryLoop({ config, store, logger }), store, errors };
}

test('another cluster under the same name does nothing at all, and says so', async () => {
  using repository = new TestRepository();
  repository.push({ 'README.md': 'x' });
  const first = agent(repository, { cluster: 'berlin' });
  await first.loop.pollNow();
  expect(repository.read('results/berlin/.baseline.yaml')).toContain('clusterUID: cluster-1');
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  await first.loop.pollNow();
  await first.loop.pollNow();

  const second = agent(repository, { cluster: 'berlin' }, undefined, 'cluster-2');
  const before = repository.commits();
  const { problem } = await second.loop.runOnce();
  expect(problem).toMatch(
    /another cluster writes its reports to results\/berlin\/.*cluster-1.*replaces: cluster-1/,
  );
  expect(second.loop.state().blocked).toBe(problem);
  expect(second.errors).toHaveLength(1);
  expect(second.store.creations).toBe(0);
  expect(repository.commits()).toBe(before);

  // Rebuilt, it takes the name over: what was under way is at an end, what comes is carried out.
  const replaces = { cluster: { name: 'berlin', replaces: 'cluster-1' } };
  const third = agent(repository, replaces, second.store, 'cluster-2');
  await third.loop.pollNow();
  expect(repository.read('results/berlin/a.yaml')).toMatch(/reason: NodeOpDeleted/);
  repository.push({ 'runs/b.yaml': nodeOp('b') });
  await third.loop.pollNow();
  expect(third.store.list().map((it) => it.metadata.name)).toEqual(['b']);
  await first.loop.pollNow();
  expect(first.loop.state().blocked).toContain('cluster-2');
});

test('a baseline of a former version gets the identity, and keeps what it passes over', async () => {
  using repository = new TestRepository();
  const baseline = 'apiVersion: agent.nodeop.dev/v1alpha1\nkind: NodeOpBaseline\nruns: [runs/old.yaml]\n';
  repository.push({ 'runs/old.yaml': nodeOp('old'), 'results/.baseline.yaml': baseline });
  const { loop, store } = agent(repository, {});
  await loop.pollNow();
  expect(repository.read('results/.baseline.yaml')).toMatch(
    /clusterUID: cluster-1\nruns:\n {2}- runs\/old.yaml/,
  );
  const commits = repository.commits();
  await loop.pollNow();
  expect(repository.commits()).toBe(commits);
  expect(store.creations).toBe(0);
});

test('without a name, reports of a cluster that has one are not taken for its own', async () => {
  using repository = new TestRepository();
  const named = agent(repository, { cluster: 'berlin', runs: { initial: 'execute' } });
  await carryOut(repository, named, 'a');
  const { loop, store } = agent(repository, {}, undefined, 'cluster-2');
  await loop.pollNow();
  expect(store.creations).toBe(0);
  expect(repository.read('results/.baseline.yaml')).toContain('runs/a.yaml');
});

test.each([
  ['berlin', true],
  [{ name: 'berlin', replaces: '0f9c3f6e-0000-4000-8000-000000000000' }, true],
  [{ replaces: 'x' }, true],
  ['Berlin!', false],
  [{ nam: 'berlin' }, false],
])('the name of a cluster may be written as %j: %s', (cluster, ok) => {
  const config = {
    apiVersion: 'agent.nodeop.dev/v1alpha1',
    kind: 'AgentConfig',
    git: { url: '/x' },
    cluster,
  };
  expect(check(AgentConfigSchema, config).ok).toBe(ok);
});

test('a run whose file is moved after its end is that run; one whose content is new, or that goes on, is not', async () => {
  using repository = new TestRepository();
  const it = agent(repository, { runs: { initial: 'execute' } });
  await carryOut(repository, it, 'a');
  await carryOut(repository, it, 'b');
  it.store.objects.clear();
  repository.pull();
  const { clone } = repository;
  repository.git(clone, 'rm', '-q', 'runs/a.yaml', 'runs/b.yaml');
  repository.push({ 'runs/archive/a.yaml': nodeOp('a'), 'runs/archive/b.yaml': nodeOp('new') });
  await it.loop.pollNow();
  expect(it.store.list().map(({ metadata }) => metadata.name)).toEqual(['new']);
  expect(repository.read('results/archive/a.yaml')).toBeUndefined();
  expect(repository.read('results/.baseline.yaml')).toContain('runs/archive/a.yaml');
  await it.loop.stop();
  rmSync(join(repository.root, 'cluster-1.git'), { recursive: true });
  const anew = agent(repository, { runs: { initial: 'execute', maxConcurrent: 9 } }, it.store);
  await anew.loop.pollNow();
  expect(it.store.list()).toHaveLength(1);

  // A running one is stopped with its file, and begins under its new path.
  repository.pull();
  repository.git(clone, 'mv', 'runs/archive/b.yaml', 'runs/b2.yaml');
  repository.push({});
  await anew.loop.pollNow();
  const cancelled = it.store.list()[0]?.metadata.annotations?.['agent.nodeop.dev/cancel'];
  expect(cancelled).toMatch(/^the run file was removed by Ada <ada@example.org> in commit [0-9a-f]{12}$/);
});

test('an invalid file that is mended long after it was added is refused, with the way out', async () => {
  using repository = new TestRepository();
  const it = agent(repository, { runs: { initial: 'execute' } });
  repository.date = new Date(Date.now() - 40 * 86_400_000).toISOString();
  repository.push({ 'runs/a.yaml': 'kind: Nothing' });
  await it.loop.pollNow();
  repository.date = undefined;
  repository.push({ 'runs/a.yaml': nodeOp('a'), 'runs/b.yaml': 'kind: Nothing' });
  await it.loop.pollNow();
  expect(it.store.creations).toBe(0);
  expect(repository.read('results/a.yaml')).toMatch(/reason: TooOld[^]*40 days ago[^]*under another name/);
  repository.push({ 'runs/b.yaml': nodeOp('b') });
  await it.loop.pollNow();
  expect(it.store.list().map(({ metadata }) => metadata.name)).toEqual(['b']);
});

test('when history is rewritten, what the last tip held does not begin; what waited there, and what is new, does', async () => {
  using repository = new TestRepository();
  repository.push({ 'runs/old.yaml': nodeOp('old') });
  const it = agent(repository, {});
  await it.loop.pollNow();
  repository.push({ 'runs/first.yaml': nodeOp('first') });
  repository.push({ 'runs/waits.yaml': nodeOp('waits') });
  await it.loop.pollNow();
  await it.loop.pollNow();
  it.store.finish('Completed');
  const { clone } = repository;
  repository.git(clone, 'checkout', '-q', '--orphan', 'other');
  repository.git(clone, 'rm', '-rqf', '.');
  repository.write({
    'runs/old.yaml': nodeOp('old'),
    'runs/first.yaml': nodeOp('first'),
    'runs/waits.yaml': nodeOp('waits'),
    'runs/new.yaml': nodeOp('new'),
  });
  repository.git(clone, 'add', '-A');
  repository.git(clone, 'commit', '-q', '-m', 'rewritten');
  repository.git(clone, 'push', '-qf', 'origin', 'other:main');
  for (let i = 0; i < 4; i++) {
    await it.loop.pollNow();
    it.store.finish('Completed');
  }
  expect(it.store.list().map(({ metadata }) => metadata.name)).toEqual(['first', 'new', 'waits']);
  const passedOver = repository.read('results/.baseline.yaml') ?? '';
  expect(passedOver).toContain('runs/old.yaml');
  expect(passedOver).not.toMatch(/new|waits/);
});
