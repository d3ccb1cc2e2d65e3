import { execFileSync } from 'node:child_process';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { nameProblem, pathOfBytes, pathOfText } from '../../src/core/runs/names.ts';
import { GitCommand } from '../../src/git/command.ts';
import { filesAt, listTree, treeChanges } from '../../src/git/trees.ts';
import { MemoryStore, nodeOp, nodeOpRun, silent, TestRepository } from '../runs/support.ts';
import { sshKey, signAs, writeKeys } from '../trust/support.ts';

test('bytes that are UTF-8 are the path they say; others get names that no two of them share', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40 }), (one, other) => {
      const [a, b] = [Buffer.from(one), Buffer.from(other)];
      expect(pathOfBytes(a) === pathOfBytes(b)).toBe(a.equals(b));
      const path = pathOfBytes(a);
      expect(path.isWellFormed()).toBe(true);
      if (!Buffer.from(path).equals(a)) expect(nameProblem(path)).toBeDefined();
    }),
  );
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      expect(pathOfBytes(Buffer.from(text))).toBe(text);
    }),
  );
  expect(pathOfBytes(Buffer.from('runs/a\u00ff.yaml', 'latin1'))).toMatch(
    /^runs\/a%FF\.not-utf-8-[0-9a-f]{16}\.yaml$/,
  );
});

test('a name that no file system holds is cut, and told apart from all others', () => {
  const [one, other] = ['a', 'b'].map((it) => pathOfText(`runs/${'é'.repeat(200)}/x${it}.yaml`));
  expect(one).toMatch(/^runs\/(?:%C3%A9){16}%C3%\.too-long-[0-9a-f]{16}\/xa\.yaml$/);
  expect(one?.slice(0, -7)).toBe(other?.slice(0, -7));
  const [long, longer] = [300, 301].map((it) => pathOfText(`runs/${'x'.repeat(it)}.yaml`));
  expect(long).not.toBe(longer);
  for (const path of [one, long]) expect(nameProblem(path ?? '')).toMatch(/longer than 255 bytes/);
  const fits = `runs/${'x'.repeat(250)}.yaml`;
  expect(pathOfText(fits)).toBe(fits);
  expect(nameProblem(fits)).toBeUndefined();
});

/** Adds files with names of bytes on top of the branch, signed with the key if there is one. */
function pushBytes(repository: TestRepository, files: Record<string, string>, key?: string): void {
  const { bare } = repository;
  const run = (args: string[], input?: Buffer | string, env: NodeJS.ProcessEnv = {}) =>
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', ...args], {
      cwd: bare,
      input,
      env: {
        PATH: process.env['PATH'],
        HOME: '/nonexistent',
        GIT_INDEX_FILE: `${repository.root}/index`,
        ...env,
      },
    }).toString();
  run(['read-tree', 'main']);
  const lines = Object.entries(files).map(([name, text]) => {
    const id = run(['hash-object', '-w', '--stdin'], text).trim();
    return Buffer.concat([Buffer.from(`100644 ${id}\t`), Buffer.from(name, 'latin1'), Buffer.from([0])]);
  });
  run(['update-index', '-z', '--index-info'], Buffer.concat(lines));
  const tree = run(['write-tree']).trim();
  const sign = key === undefined ? [] : ['-c', 'gpg.format=ssh', '-c', `user.signingKey=${key}`];
  const args = [
    ...sign,
    'commit-tree',
    ...(key === undefined ? [] : ['-S']),
    '-p',
    'main',
    '-m',
    'bytes',
    tree,
  ];
  run(['update-ref', 'refs/heads/main', run(args).trim()]);
}

test('a run file whose name is too long is refused, and neither stops others nor is told of again', async () => {
  using repository = new TestRepository();
  repository.push({ 'README.md': 'x' });
  const config = repository.config({ runs: { maxConcurrent: 9 } });
  const store = new MemoryStore();
  const loop = new RepositoryLoop({ config, store, logger: silent });
  await loop.pollNow();
  // Longer than git's own tools write, than an argument may be, and than what is left of a name in 16 bits.
  const long = [300, 5000, 70_000, 150_000].map((length) => `runs/${'x'.repeat(length)}.yaml`);
  const run = nodeOp('long');
  pushTree(repository, { ...Object.fromEntries(long.map((it) => [it, run])), 'runs/a.yaml': nodeOp('a') });
  await loop.pollNow();
  await loop.pollNow();
  expect(loop.state().problem).toBeUndefined();
  expect(store.list().map(({ metadata }) => metadata.name)).toEqual(['a']);
  const files = repository
    .git(repository.bare, 'ls-tree', '-r', '--name-only', 'main', 'results/')
    .split('\n');
  const refused = files.filter((it) => it.includes('.too-long-'));
  expect(refused).toHaveLength(long.length);
  for (const path of refused) expect(repository.read(path)).toContain('longer than 255 bytes');
  const commits = repository.commits();
  await loop.pollNow();
  expect(repository.commits()).toBe(commits);
  await loop.stop();
});

test('a path deeper than any file system is refused by itself, and the run that came with it begins', async () => {
  using repository = new TestRepository();
  repository.push({ 'README.md': 'x' });
  const config = repository.config({ runs: { maxConcurrent: 9 } });
  const store = new MemoryStore();
  const loop = new RepositoryLoop({ config, store, logger: silent });
  await loop.pollNow();
  const deep = `runs/${'d/'.repeat(2100)}a.yaml`;
  repository.push({ [deep]: nodeOp('deep'), 'runs/a.yaml': nodeOp('a') });
  await loop.pollNow();
  expect(loop.state().problem).toBeUndefined();
  expect(store.list().map(({ metadata }) => metadata.name)).toEqual(['a']);
  await loop.stop();
});

/** Puts these files beside those of the branch, by trees that no tool of people would write. */
function pushTree(repository: TestRepository, files: Record<string, string>): void {
  const run = (args: string[], input?: string) =>
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', ...args], {
      cwd: repository.bare,
      input,
      env: { PATH: process.env['PATH'], HOME: '/nonexistent' },
    })
      .toString()
      .trim();
  const lines = Object.entries(files).map(([path, text]) => {
    const id = run(['hash-object', '-w', '--stdin'], text);
    return `100644 blob ${id}\t${path.slice('runs/'.length)}\n`;
  });
  const runs = run(['mktree'], lines.join(''));
  const others = run(['ls-tree', 'main']);
  const root = run(['mktree'], `${others}\n040000 tree ${runs}\truns\n`);
  run(['update-ref', 'refs/heads/main', run(['commit-tree', '-p', 'main', '-m', 'long', root])]);
}

test('a name that is not UTF-8 borrows no signature of a file that is named like its replacement', async () => {
  using repository = new TestRepository();
  const ada = sshKey(repository, 'ada');
  signAs(repository, ada.file);
  // Signed, waiting, and named with the character that stands for what cannot be decoded.
  const waiting = nodeOpRun('  nodeOp: d\n  notBefore: "2090-01-01T00:00:00Z"\n');
  repository.push({ 'nodeops/d.yaml': nodeOp('d'), 'runs/a\ufffd.yaml': waiting });
  const verify = { allowedSignersFile: writeKeys(repository, 'allowed', ada.allowed) };
  const config = repository.config({ git: { verify }, runs: { initial: 'execute', maxConcurrent: 9 } });
  const agent = () => {
    const store = new MemoryStore();
    return { store, loop: new RepositoryLoop({ config, store, logger: silent }) };
  };
  const first = agent();
  await first.loop.pollNow();
  pushBytes(repository, {
    'runs/a\u00ff.yaml': nodeOp('evil'),
    'runs/b\u00fe/c.yaml': nodeOp('evil-too'),
    'nodeops/e\u00ff.yaml': nodeOp('e'),
    'results/z\u00ff.yaml': 'nonsense',
  });
  await first.loop.pollNow();
  await first.loop.pollNow();
  await first.loop.stop();
  const second = agent();
  await second.loop.pollNow();
  for (const { store, loop } of [first, second]) {
    expect(store.list()).toEqual([]);
    expect(loop.state().problem).toBeUndefined();
  }
  const reports = repository
    .git(repository.bare, 'ls-tree', '-r', '--name-only', 'main', 'results/')
    .split('\n');
  const refused = reports.filter((it) => it.includes('.not-utf-8-'));
  expect(refused.toSorted()).toEqual([
    expect.stringMatching(/^results\/a%FF\.not-utf-8-[0-9a-f]{16}\.yaml$/),
    expect.stringMatching(/^results\/b%FE\.not-utf-8-[0-9a-f]{16}\/c\.yaml$/),
  ]);
  for (const path of refused) expect(repository.read(path)).toContain('has a name that is not UTF-8');
  expect(reports).not.toContain('results/a\ufffd.yaml');
  const commits = repository.commits();
  await second.loop.pollNow();
  expect(repository.commits()).toBe(commits);
  // A definition of such a name is none.
  signAs(repository, ada.file);
  repository.push({ 'runs/f.yaml': nodeOpRun('  nodeOp: e\n') });
  await second.loop.pollNow();
  await second.loop.stop();
  expect(second.store.list()).toEqual([]);
  expect(repository.read('results/f.yaml')).toContain('phase: Invalid');
});

test('a file that only looks like such a name is refused as well, and signed ones are no better', async () => {
  using repository = new TestRepository();
  const ada = sshKey(repository, 'ada');
  signAs(repository, ada.file);
  repository.push({ 'README.md': 'x', 'runs/x.not-utf-8-0123456789abcdef.yaml': nodeOp('x') });
  pushBytes(repository, { 'runs/y\u00ff.yaml': nodeOp('y') }, ada.file);
  const verify = { allowedSignersFile: writeKeys(repository, 'allowed', ada.allowed) };
  const config = repository.config({ git: { verify }, runs: { initial: 'execute' } });
  const store = new MemoryStore();
  const loop = new RepositoryLoop({ config, store, logger: silent });
  await loop.pollNow();
  await loop.stop();
  expect(store.list()).toEqual([]);
  expect(repository.read('results/x.not-utf-8-0123456789abcdef.yaml')).toContain('phase: Invalid');
});

test('names that differ in case or in how they are composed are files of their own', async () => {
  using repository = new TestRepository();
  repository.push({ 'README.md': 'x' });
  const names = ['runs/A.yaml', 'runs/a.yaml', 'runs/\u00e4.yaml', 'runs/a\u0308.yaml', 'runs/\ufeffa.yaml'];
  const bytes = names.map((it) => Buffer.from(it).toString('latin1'));
  const before = repository.git(repository.bare, 'rev-parse', 'main').trim();
  pushBytes(repository, Object.fromEntries(bytes.map((it, i) => [it, nodeOp(`n${i}`)])));
  const git = new GitCommand({ dir: repository.bare, timeoutMs: 60_000 });
  const listed = (await listTree(git, 'main', ['runs'])).map(({ path }) => path);
  expect(new Set(listed)).toEqual(new Set(names));
  expect(new Set((await filesAt(git, 'main', names)).keys())).toEqual(new Set(names));
  expect((await treeChanges(git, before, 'main', ['runs'])).map(({ path }) => path)).toEqual(listed);
  const config = repository.config({ runs: { initial: 'execute', maxConcurrent: 9 } });
  const store = new MemoryStore();
  const loop = new RepositoryLoop({ config, store, logger: silent });
  await loop.pollNow();
  await loop.stop();
  expect(store.creations).toBe(names.length);
});
