import { describe, expect, test } from 'vitest';
import { GitCommand } from '../../src/git/command.ts';
import { filesOnlyIn, listTree, treeChanges, type TreeChange } from '../../src/git/trees.ts';
import { TreeSizes } from '../../src/git/tree-size.ts';
import { TestRepository } from '../runs/support.ts';
import { bomb, graft } from './support/bombs.ts';

function gitOf({ bare }: TestRepository): GitCommand {
  return new GitCommand({ dir: bare, timeoutMs: 60_000 });
}

function pathsOf(changes: readonly TreeChange[]): string[] {
  return changes.map(({ path }) => path);
}

describe('of a folder that holds more than can be gone through nothing is listed but itself', () => {
  test.each([
    { levels: 20, width: 10 },
    { levels: 40, width: 2 },
    { levels: 4, width: 60 },
  ])('%o', async (size) => {
    using repository = new TestRepository();
    repository.push({ 'runs/2030/a.yaml': 'a', 'runs/z.yaml': 'z' });
    const before = repository.tip() ?? '';
    const tree = bomb(repository, size);
    const at = graft(repository, 'runs/2030/bomb', { tree });
    const git = gitOf(repository);
    const itself = { mode: '040000', blob: tree, path: 'runs/2030/bomb/.' };
    expect(pathsOf(await listTree(git, at, ['runs']))).toEqual([
      'runs/2030/a.yaml',
      itself.path,
      'runs/z.yaml',
    ]);
    expect(await treeChanges(git, before, at, ['runs'])).toEqual([{ path: itself.path, entry: itself }]);
    expect(await treeChanges(git, at, before)).toEqual([{ path: itself.path, before: itself }]);
    expect(pathsOf(await filesOnlyIn(git, at, before))).toEqual([itself.path]);
    const other = graft(repository, 'runs/2030/bomb', { tree: bomb(repository, { ...size, content: 'y' }) });
    expect(await treeChanges(git, at, other)).toMatchObject([{ path: itself.path, before: itself }]);
    expect(pathsOf(await filesOnlyIn(git, other, at))).toEqual([itself.path]);
    expect(await treeChanges(git, at, at)).toEqual([]);
  });

  test('several of them, each by its name', async () => {
    using repository = new TestRepository();
    repository.push({ 'runs/a.yaml': 'a' });
    const tree = bomb(repository, { levels: 20, width: 10 });
    for (const path of ['runs/1', 'runs/2', 'runs/x/y/3']) graft(repository, path, { tree });
    expect(pathsOf(await listTree(gitOf(repository), 'main', ['runs']))).toEqual([
      'runs/1/.',
      'runs/2/.',
      'runs/a.yaml',
      'runs/x/y/3/.',
    ]);
  });

  test('folders in folders without end', async () => {
    using repository = new TestRepository();
    repository.push({ 'runs/a.yaml': 'a', [`runs/deep/${'d/'.repeat(1500)}deep.yaml`]: 'x' });
    const [first = '', deep = '', ...others] = pathsOf(await listTree(gitOf(repository), 'main', ['runs']));
    expect([first, others]).toEqual(['runs/a.yaml', []]);
    expect(deep).toMatch(/^runs\/deep\/(?:d\/)+\.$/);
    expect(deep.length).toBeLessThan(2100);
  });
});

describe('what is passed by is as little as can be told apart', () => {
  const most = { entries: 20, folders: 10, bytes: 1e6, path: 100 };
  const files = (folder: string, count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`${folder}/${i}.yaml`, `${folder} ${i}`]));

  test.each<[string, Record<string, string>, string[]]>([
    ['what fits', files('a', 10), []],
    ['one folder of two', { ...files('a', 5), ...files('b', 30) }, ['b/']],
    ['one deep inside', { ...files('a', 5), ...files('b/c/d', 30) }, ['b/c/d/']],
    ['the larger of two that are too much together', { ...files('a', 11), ...files('b', 12) }, ['b/']],
    ['all that is there', Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`${i}.yaml`, 'x'])), ['']],
    ['a long path', { 'a/x': 'x', [`b/${'c'.repeat(120)}/x`]: 'x' }, [`b/${'c'.repeat(120)}/`]],
    [
      'too many folders',
      Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`a/${i}/x`, `${i}`])),
      ['a/5/', 'a/6/', 'a/7/', 'a/8/', 'a/9/'],
    ],
  ])('%s', async (_, pushed, expected) => {
    using repository = new TestRepository();
    repository.push(pushed);
    const git = gitOf(repository);
    const tree = repository.git(repository.bare, 'rev-parse', 'main^{tree}').trim();
    expect(await new TreeSizes(git, most).tooLarge('', tree)).toEqual(expected);
  });
});
