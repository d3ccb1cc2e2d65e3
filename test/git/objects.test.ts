import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { InvalidError } from '../../src/api/errors.ts';
import { MemoryStore, nodeOp, silent, TestRepository } from '../runs/support.ts';
import { sshKey, signAs, writeKeys } from '../trust/support.ts';
import { branchWith } from './support/mirror.ts';

type Entry = [mode: string, name: string | Buffer, id: string];

/** Objects that no Git client writes. */
class Raw {
  readonly repository: TestRepository;

  constructor(repository: TestRepository) {
    this.repository = repository;
  }

  object(type: string, content: string | Buffer): string {
    const args = ['hash-object', '-t', type, '-w', '--stdin', '--literally'];
    return execFileSync('git', args, { cwd: this.repository.bare, input: content, encoding: 'utf8' }).trim();
  }

  /** In the order that is given. */
  tree(...entries: Entry[]): string {
    const parts = entries.flatMap(([mode, name, id]) => [
      Buffer.from(`${mode} `),
      Buffer.from(name),
      Buffer.from([0]),
      Buffer.from(id, 'hex'),
    ]);
    return this.object('tree', Buffer.concat(parts));
  }

  /** Puts a commit with that tree on the branch. */
  commit(tree: string, { who = 'Ada <ada@example.org> 1900000000 +0000' } = {}): string {
    const { repository } = this;
    const parent = repository.has() ? `parent ${repository.git(repository.bare, 'rev-parse', 'main')}` : '';
    const id = this.object('commit', `tree ${tree}\n${parent}author ${who}\ncommitter ${who}\n\nx\n`);
    repository.git(repository.bare, 'update-ref', 'refs/heads/main', id);
    return id;
  }
}

function agent(repository: TestRepository, git: object = {}) {
  const config = repository.config({ git, runs: { initial: 'execute', maxConcurrent: 9 } });
  const store = new MemoryStore();
  return { store, loop: new RepositoryLoop({ config, store, logger: silent }) };
}

const names = (store: MemoryStore) => store.list().map((it) => it.metadata.name);

test.each(['with all contents', 'without contents'])(
  'a tree with two files of one name is refused (%s), told, and what is known goes on',
  async (way) => {
    using repository = new TestRepository();
    repository.git(repository.bare, 'config', 'uploadpack.allowFilter', String(way === 'without contents'));
    repository.push({ 'runs/a.yaml': nodeOp('a') });
    const { store, loop } = agent(repository);
    await loop.pollNow();
    const raw = new Raw(repository);
    const evil = raw.object('blob', nodeOp('evil'));
    const good = raw.object('blob', nodeOp('a'));
    const twins = raw.tree(['100644', 'b.yaml', good], ['100644', 'b.yaml', evil]);
    raw.commit(raw.tree(['40000', 'runs', twins]));
    await loop.pollNow();
    expect(loop.state().problem).toContain(`git.url: object ${twins} is refused (duplicateEntries)`);
    expect(loop.state().problem).toContain('git.fsck.skip');
    expect(names(store)).toEqual(['a']);
    // The clone is not at fault: it is not fetched anew each time.
    const marker = join(repository.root, 'agent.git', 'nodeop-agent');
    const before = readFileSync(marker, 'utf8');
    execFileSync('sh', ['-c', `echo kept > ${marker}`]);
    await loop.pollNow();
    expect(readFileSync(marker, 'utf8')).toBe('kept\n');
    expect(before).not.toBe('kept\n');
    await loop.stop();
  },
);

test('trees that are not sorted are refused; listed in git.fsck.skip they are taken, and judged by their own signature', async () => {
  using repository = new TestRepository();
  const ada = sshKey(repository, 'ada');
  signAs(repository, ada.file);
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  const raw = new Raw(repository);
  const evil = raw.object('blob', nodeOp('evil'));
  const good = repository.git(repository.bare, 'rev-parse', 'main:runs/a.yaml').trim();
  const twins = raw.tree(['100644', 'a.yaml', good], ['100644', 'a.yaml', evil]);
  raw.commit(raw.tree(['40000', 'runs', twins]));
  const allowedSignersFile = writeKeys(repository, 'allowed', ada.allowed);
  const { store, loop } = agent(repository, { fsck: { skip: [twins] }, verify: { allowedSignersFile } });
  for (let i = 0; i < 3; i++) await loop.pollNow();
  expect(names(store)).not.toContain('evil');
  await loop.stop();
});

test('what old tools wrote is taken: dates, names and modes that are odd and harmless', async () => {
  using repository = new TestRepository();
  const raw = new Raw(repository);
  const folder = raw.tree(['0100644', 'a.yaml', raw.object('blob', nodeOp('a'))]);
  raw.commit(raw.tree(['040000', 'runs', folder]), { who: 'Ada<ada@example.org> 1900000000 +051800' });
  const branch = branchWith(repository);
  expect(await branch.fetch()).toBe(repository.git(repository.bare, 'rev-parse', 'main').trim());
  const { store, loop } = agent(repository);
  await loop.pollNow();
  expect(names(store)).toEqual(['a']);
  await loop.stop();
});

test('a clone by other rules is made anew: what it holds was not checked, or what was taken is not to be any more', async () => {
  using repository = new TestRepository();
  const raw = new Raw(repository);
  const blob = raw.object('blob', nodeOp('a'));
  const unsorted = raw.tree(['100644', 'b.yaml', blob], ['100644', 'a.yaml', blob]);
  raw.commit(raw.tree(['40000', 'runs', unsorted]));
  expect(await branchWith(repository, { fsck: { skip: [unsorted] } }).fetch()).toBeDefined();
  await expect(branchWith(repository).fetch()).rejects.toThrow(InvalidError);
  repository.git(repository.bare, 'update-ref', '-d', 'refs/heads/main');
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  const dir = join(repository.root, 'agent.git');
  await branchWith(repository).fetch();
  repository.git(dir, 'config', '--unset', 'nodeop-agent.checked');
  execFileSync('sh', ['-c', `echo old > ${dir}/description`]);
  await branchWith(repository).fetch();
  expect(readFileSync(join(dir, 'nodeop-agent'), 'utf8')).not.toBe('old\n');
});

test('a repository with SHA-256 ids works from the first commit to the report, and takes the place of another one', async () => {
  using repository = new TestRepository();
  const replace = (format: string) => {
    for (const dir of [repository.bare, join(repository.clone, '.git')]) execFileSync('rm', ['-r', dir]);
    const init = ['init', '-q', '-b', 'main', `--object-format=${format}`];
    repository.git(repository.root, ...init, '--bare', repository.bare);
    repository.git(repository.bare, 'config', 'uploadpack.allowFilter', 'true');
    repository.git(repository.clone, ...init);
    repository.git(repository.clone, 'remote', 'add', 'origin', repository.bare);
  };
  replace('sha256');
  // A tip that is nowhere any more is waited for otherwise.
  const { store, loop } = agent(repository, { rewindGrace: '0s' });
  await loop.pollNow();
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  await loop.pollNow();
  store.finish('Completed');
  await loop.pollNow();
  expect(loop.state()).toMatchObject({ problem: undefined, tip: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(repository.read('results/a.yaml')).toContain('phase: Completed');
  const dir = join(repository.root, 'agent.git');
  // Contents nobody asked for are left out here, too.
  repository.push({ 'README.md': 'nobody reads this\n' });
  await loop.pollNow();
  const readme = repository.git(repository.bare, 'rev-parse', 'main:README.md').trim();
  expect(() => repository.git(dir, 'cat-file', '-e', readme)).toThrow(/cat-file -e/);

  replace('sha1');
  repository.push({ 'runs/b.yaml': nodeOp('b') });
  await loop.pollNow();
  await loop.pollNow();
  expect(loop.state()).toMatchObject({ problem: undefined, tip: expect.stringMatching(/^[0-9a-f]{40}$/) });
  await loop.stop();
});

test('a first commit goes to an empty repository with SHA-256 ids', async () => {
  using repository = new TestRepository();
  const results = join(repository.root, 'results.git');
  const init = ['init', '-q', '-b', 'main', '--object-format=sha256', '--bare'];
  for (const dir of [repository.bare, results]) {
    execFileSync('rm', ['-rf', dir]);
    repository.git(repository.root, ...init, dir);
  }
  execFileSync('rm', ['-r', join(repository.clone, '.git')]);
  repository.git(repository.clone, 'init', '-q', '-b', 'main', '--object-format=sha256');
  repository.git(repository.clone, 'remote', 'add', 'origin', repository.bare);
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  const { loop } = agent(repository, { results: { url: results } });
  await loop.pollNow();
  expect(loop.state().problem).toBeUndefined();
  expect(repository.read('results/a.yaml', { bare: results })).toContain('phase: Pending');
  await loop.stop();
});

test('results with ids of another kind than the runs have are refused, and told', async () => {
  using repository = new TestRepository();
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  const results = join(repository.root, 'results.git');
  repository.git(repository.root, 'init', '-q', '-b', 'main', '--object-format=sha256', '--bare', results);
  const id = execFileSync('git', ['hash-object', '-t', 'tree', '-w', '/dev/null'], {
    cwd: results,
    encoding: 'utf8',
  });
  const commit = repository.git(results, 'commit-tree', '-m', 'x', id.trim()).trim();
  repository.git(results, 'update-ref', 'refs/heads/main', commit);
  const { loop, store } = agent(repository, { results: { url: results } });
  await loop.pollNow();
  expect(loop.state().problem).toContain('git.results.url: the repository has object ids of the kind sha256');
  expect(names(store)).toEqual([]);
  await loop.stop();
});
