import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { MemoryStore, nodeOp, silent, TestRepository } from '../runs/support.ts';

/** Branches as other programs than git may leave them, and such that are not there. */

const INITIAL = { runs: { initial: 'execute' } };

/** What is said of one look, and how many NodeOps came of it. */
async function lookAt(
  repository: TestRepository,
  changes: object = INITIAL,
): Promise<{ said: string; made: number }> {
  const store = new MemoryStore();
  const said: string[] = [];
  const say = ({ reason }: { reason?: string }) => said.push(reason ?? '');
  const logger = { ...silent, warn: say, error: say, child: () => logger };
  const loop = new RepositoryLoop({ config: repository.config(changes), store, logger });
  await loop.pollNow();
  await loop.stop();
  return { said: said.join('\n'), made: store.list().length };
}

function gitOf(repository: TestRepository) {
  const who = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org'];
  return (...args: string[]) => repository.git(repository.bare, ...who, ...args).trim();
}

/** git itself would not. */
function refer(repository: TestRepository, ref: string, id: string): void {
  writeFileSync(join(repository.bare, ref), `${id}\n`);
}

/** Object ids by what they are. */
function objects(repository: TestRepository): Record<string, string> {
  const git = gitOf(repository);
  git('tag', '-a', '-m', 'a release', 'v1', 'main');
  git('tag', '-a', '-m', 'odd', 'v2', 'main^{tree}');
  return {
    'a tag': git('rev-parse', 'v1'),
    'a tag of a tree': git('rev-parse', 'v2'),
    'a tree': git('rev-parse', 'main^{tree}'),
    'a file': git('rev-parse', 'main:runs/a.yaml'),
  };
}

const KINDS = ['a tag', 'a tag of a tree', 'a tree', 'a file'];

test.each(KINDS)('a branch that is at %s is refused in a sentence', async (kind) => {
  using repository = new TestRepository();
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  const id = objects(repository)[kind] ?? '';
  refer(repository, 'refs/heads/main', id);
  const { said, made } = await lookAt(repository);
  expect(said).toBe(
    `git.url: the branch "main" is at object ${id}, which is a tag, a folder or a file and no commit, so it has no history to follow; point it at a commit: git push --force REMOTE COMMIT:refs/heads/main`,
  );
  expect(made).toBe(0);
});

test.each(KINDS)('so is a branch with results that is at %s', async (kind) => {
  using repository = new TestRepository();
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  const id = objects(repository)[kind] ?? '';
  refer(repository, 'refs/heads/results', id);
  const { said, made } = await lookAt(repository, { ...INITIAL, git: { results: { branch: 'results' } } });
  expect(said).toContain(
    `the branch "results" is at object ${id}, which is a tag, a folder or a file and no commit`,
  );
  expect(made).toBe(0);
});

test('a repository without a commit, and one without the branch, say which branches there are', async () => {
  using empty = new TestRepository();
  expect(await lookAt(empty)).toEqual({ said: 'the remote has no branch "main"; it has none', made: 0 });
  using other = new TestRepository();
  other.push({ 'runs/a.yaml': nodeOp('a') });
  gitOf(other)('branch', '-m', 'main', 'trunk');
  expect(await lookAt(other)).toEqual({ said: 'the remote has no branch "main"; it has "trunk"', made: 0 });
});

test('a tag that is called as the branch is not followed in its place', async () => {
  using repository = new TestRepository();
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  gitOf(repository)('tag', 'main', 'refs/heads/main');
  repository.push({ 'runs/a.yaml': nodeOp('b') });
  expect(await lookAt(repository)).toEqual({ said: '', made: 1 });
  expect(repository.git(repository.bare, 'show', 'refs/heads/main:results/a.yaml')).toContain('name: b');
});

test.each(['refs/tags/refs/heads/main', 'refs/heads/refs/heads/main', 'refs/refs/heads/main'])(
  'where the branch is not there, %s is not followed in its place',
  async (ref) => {
    using repository = new TestRepository();
    repository.push({ 'runs/a.yaml': nodeOp('a') });
    const git = gitOf(repository);
    git('update-ref', ref, 'main');
    git('branch', '-m', 'main', 'trunk');
    const { said, made } = await lookAt(repository);
    expect(said).toContain('the remote has no branch "main"; it has ');
    expect(made).toBe(0);
    // With results on a branch of their own it is the same for that one.
    git('update-ref', '-d', ref);
    git('update-ref', ref.replace('main', 'reports'), 'trunk');
    const results = { git: { branch: 'trunk', results: { branch: 'reports' } } };
    expect(await lookAt(repository, { ...INITIAL, ...results })).toEqual({ said: '', made: 1 });
    expect(git('rev-list', '--count', 'refs/heads/reports', '--not', 'trunk')).not.toBe('0');
    expect(git('rev-list', '--count', '--max-parents=0', 'refs/heads/reports')).toBe('1');
    expect(git('ls-tree', '--name-only', 'refs/heads/reports')).toBe('results');
  },
);

test.each([
  'refs/tags/refs/heads/main',
  'refs/heads/refs/heads/main',
  'refs/refs/heads/main',
  'refs/tags/main',
])('beside the branch, %s is in nobody’s way', async (ref) => {
  using repository = new TestRepository();
  repository.push({ 'README.md': 'x' });
  gitOf(repository)('update-ref', ref, 'refs/heads/main');
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  expect(await lookAt(repository)).toEqual({ said: '', made: 1 });
  expect(gitOf(repository)('ls-tree', '--name-only', 'refs/heads/main')).toContain('results');
  expect(gitOf(repository)('ls-tree', '--name-only', ref)).not.toContain('results');
});

test.each([true, false])(
  'a repository without the first commits is refused, whether contents can be left out there (%s) or not',
  async (allowsFilter) => {
    using repository = new TestRepository();
    for (const text of ['x', 'y', 'z']) repository.push({ 'README.md': text, 'runs/a.yaml': nodeOp('a') });
    const shallow = join(repository.root, 'shallow.git');
    execFileSync('git', ['clone', '-q', '--bare', '--depth=2', `file://${repository.bare}`, shallow]);
    repository.git(shallow, 'config', 'uploadpack.allowFilter', `${allowsFilter}`);
    const { said, made } = await lookAt(repository, { ...INITIAL, git: { url: shallow } });
    expect(said).toBe(
      'git.url: the history of the branch "main" is not whole: the repository is a shallow clone, or damaged; give it all commits there: git fetch --unshallow',
    );
    expect(made).toBe(0);
    execFileSync('git', ['fetch', '-q', '--unshallow', 'origin'], { cwd: shallow });
    expect(await lookAt(repository, { ...INITIAL, git: { url: shallow } })).toEqual({ said: '', made: 1 });
  },
);
