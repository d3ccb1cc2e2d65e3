import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { MemoryStore, nodeOp, silent, TestRepository } from './support.ts';

/** The fine print of what a repository may hold, and of what the agent writes there. */
function agent(repository: TestRepository, changes: object = {}) {
  const store = new MemoryStore();
  const config = repository.config({ runs: { initial: 'execute', maxConcurrent: 9 }, ...changes });
  return { store, loop: new RepositoryLoop({ config, store, logger: silent }) };
}

/** A tree of entries that `git add` would refuse: mode, kind, object, name. */
function tree(repository: TestRepository, ...entries: [string, string, string, string][]): string {
  const input = entries.map(([mode, kind, id, name]) => `${mode} ${kind} ${id}\t${name}\n`).join('');
  const options = { cwd: repository.clone, input, encoding: 'utf8' } as const;
  return execFileSync('git', ['mktree'], options).trim();
}

test('links, submodules and paths that lead out are refused by a report, and hold up no other run', async () => {
  using repository = new TestRepository();
  repository.push({ 'good.yaml': nodeOp('good'), evil: nodeOp('evil'), target: '/etc/passwd' });
  const id = (path: string) => repository.git(repository.clone, 'rev-parse', path).trim();
  const evil: [string, string, string, string] = ['100644', 'blob', id('HEAD:evil'), 'evil.yaml'];
  const out = tree(repository, ['040000', 'tree', tree(repository, evil), '..']);
  const runs = tree(
    repository,
    ['040000', 'tree', out, 'sub'],
    ['120000', 'blob', id('HEAD:target'), 'link'],
    ['120000', 'blob', id('HEAD:target'), 'link.yaml'],
    ['160000', 'commit', id('HEAD'), 'module'],
    ['100644', 'blob', id('HEAD:good.yaml'), 'good.yaml'],
  );
  const root = tree(repository, ['040000', 'tree', runs, 'runs']);
  const commit = repository.git(repository.clone, 'commit-tree', '-p', 'HEAD', '-m', 'by other means', root);
  repository.git(repository.clone, 'push', '-q', 'origin', `${commit.trim()}:main`);

  const { loop, store } = agent(repository);
  await loop.pollNow();
  await loop.pollNow();
  expect(loop.state().problem).toBeUndefined();
  expect(store.list().map((it) => it.metadata.name)).toEqual(['good']);
  const refusals = {
    'results/link': /is a symbolic link/,
    'results/link.yaml': /is a symbolic link/,
    'results/module': /is a submodule/,
    'results/sub/%2E%2E/evil.yaml': /has a path with "\.\."/,
  };
  for (const [path, reason] of Object.entries(refusals)) {
    expect(repository.read(path), path).toContain('phase: Invalid');
    expect(repository.read(path), path).toMatch(reason);
  }
  const commits = repository.commits();
  await loop.pollNow();
  expect(repository.commits(), 'said once').toBe(commits);
});

test('a run file that is renamed after its end, renamed back, or added again, is carried out once', async () => {
  using repository = new TestRepository();
  const { loop, store } = agent(repository);
  const see = async () => {
    await loop.pollNow();
    store.finish('Completed');
    await loop.pollNow();
  };
  repository.push({ 'runs/a.yaml': nodeOp('a').replace('name: a', 'generateName: a-') });
  await see();
  repository.pull();
  repository.git(repository.clone, 'mv', 'runs/a.yaml', 'runs/b.yaml');
  repository.push({});
  await see();
  expect(store.creations, 'the same content moved is the same run').toBe(1);
  repository.pull();
  repository.git(repository.clone, 'mv', 'runs/b.yaml', 'runs/a.yaml');
  repository.push({});
  store.objects.clear();
  await see();
  repository.remove('runs/a.yaml');
  await see();
  repository.push({ 'runs/a.yaml': nodeOp('other'), 'runs/b.yaml': nodeOp('other') });
  await see();
  expect(store.creations).toBe(1);
});

test('a commit says which runs, how far, and where they come from, and starts no pipeline', async () => {
  using repository = new TestRepository();
  const { loop, store } = agent(repository, { cluster: 'berlin' });
  repository.push({ 'runs/a.yaml': nodeOp('a'), 'runs/b.yaml': nodeOp('b') });
  const added = repository.git(repository.bare, 'rev-parse', 'main').trim();
  await loop.pollNow();
  store.finish('Failed');
  await loop.pollNow();
  const show = (format: string) =>
    repository.git(repository.bare, 'log', '-1', `--format=${format}`, 'main').trim();
  expect(show('%s')).toBe('2 runs: 2 Failed [skip ci]');
  expect(show('%b')).toMatch(/^- runs\/a\.yaml: Failed\n- runs\/b\.yaml: Failed\n/);
  const trailers = show('%(trailers:only,unfold)').split('\n');
  expect(trailers).toEqual([
    'Run: runs/a.yaml',
    `Run-Commit: ${added}`,
    'Cluster: berlin',
    'NodeOp: nodeop-system/a',
    'Run: runs/b.yaml',
    `Run-Commit: ${added}`,
    'Cluster: berlin',
    'NodeOp: nodeop-system/b',
  ]);
  expect(show('%an <%ae>')).toBe('nodeop-agent <nodeop-agent@localhost>');
});

test('a pipeline may be wanted, and a name of a file is no way to forge a trailer', async () => {
  using repository = new TestRepository();
  const { loop } = agent(repository, { report: { interval: '0s', skipCi: false } });
  repository.push({ 'runs/a\nCluster: forged.yaml': nodeOp('a') });
  await loop.pollNow();
  const text = repository.git(repository.bare, 'log', '-1', '--format=%B', 'main');
  expect(text).not.toContain('[skip ci]');
  expect(text).not.toMatch(/^Cluster:/m);
});

test.each([
  ['first/a.yaml', 'second.yaml/b.yaml'],
  ['a.yaml', 'a.yaml/b.yaml'],
  ['a.yaml', 'a.yaml/deep/b.yaml'],
])('a folder named like a run file takes no report away: %s, then %s', async (file, inside) => {
  using repository = new TestRepository();
  const { loop, store } = agent(repository);
  repository.push({ [`runs/${file}`]: nodeOp('first') });
  await loop.pollNow();
  store.finish('Completed');
  await loop.pollNow();
  repository.remove(`runs/${file}`);
  repository.push({ [`runs/${inside}`]: nodeOp('second') });
  await loop.pollNow();
  expect(repository.read(`results/${file}`)).toContain('phase: Completed');
  const report = repository.read(`results/${inside.replace('.yaml/', '%2Eyaml/')}`);
  expect(report).toContain('phase: Invalid');
  expect(report).toContain('lies in a folder that is named like a run file');
  expect(store.creations).toBe(1);
  const commits = repository.commits();
  await loop.pollNow();
  expect(repository.commits(), 'said once').toBe(commits);
  await loop.stop();
});
