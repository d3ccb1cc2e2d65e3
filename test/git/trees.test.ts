import { execFileSync } from 'node:child_process';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LocalGitError } from '../../src/api/errors.ts';
import { pathOfBytes } from '../../src/core/runs/names.ts';
import { GitCommand } from '../../src/git/command.ts';
import {
  changesBy,
  entriesAt,
  filesAt,
  filesOnlyIn,
  listTree,
  treeAt,
  treeChanges,
  type TreeChange,
} from '../../src/git/trees.ts';
import { TestRepository } from '../runs/support.ts';
import { commits, files } from './support/random-trees.ts';

/** What git says of two trees. */
async function diff(
  git: GitCommand,
  from: string,
  to: string,
  folders: string[] = [],
): Promise<TreeChange[]> {
  const args = ['diff-tree', '-r', '-z', '--raw', '--no-renames', '--full-index', from, to, '--', ...folders];
  const parts = (await git.bytes(args)).toString('latin1').split('\0');
  const changes: TreeChange[] = [];
  for (let i = 0; i + 1 < parts.length; i += 2) {
    const [modeBefore = '', mode = '', blobBefore = '', blob = '', status] = (parts[i] ?? '')
      .slice(1)
      .split(' ');
    const path = pathOfBytes(Buffer.from(parts[i + 1] ?? '', 'latin1'));
    changes.push({
      path,
      ...(status !== 'A' && { before: { mode: modeBefore, blob: blobBefore, path } }),
      ...(status !== 'D' && { entry: { mode, blob, path } }),
    });
  }
  return changes;
}

/** What git lists of a tree. */
async function list(git: GitCommand, args: string[]): Promise<TreeChange[]> {
  const lines = (await git.bytes(['ls-tree', '-z', '--full-tree', ...args])).toString('latin1').split('\0');
  return lines.slice(0, -1).map((line) => {
    const [mode = '', , blob = ''] = line.slice(0, line.indexOf('\t')).split(' ');
    const path = pathOfBytes(Buffer.from(line.slice(line.indexOf('\t') + 1), 'latin1'));
    return { path, entry: { mode, blob, path } };
  });
}

describe('trees are read as git reads them', () => {
  test('whatever the names, kinds and depths of files, and in the same order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(files, { minLength: 2, maxLength: 4 }), async (history) => {
        using repository = new TestRepository();
        const git = new GitCommand({ dir: repository.bare, timeoutMs: 60_000 });
        const ids = commits(repository, history);
        const [first = '', last = ''] = [ids[0], ids.at(-1)];
        expect(await listTree(git, first)).toEqual(await list(git, ['-r', first]));
        expect(await listTree(git, first, ['a/runs', 'runs'], ['a.b'])).toEqual(
          await list(git, ['-r', first, '--', 'a/runs/', 'runs/', 'a.b']).then((all) => inTurn(all)),
        );
        expect(await treeChanges(git, first, last)).toEqual(await diff(git, first, last));
        // Git counts a submodule in the place of a folder as what is below it.
        const isBelow = ({ path }: TreeChange) => path !== 'a' && path !== 'runs';
        const below = await diff(git, first, last, ['a/', 'runs/']);
        expect(await treeChanges(git, first, last, ['a', 'runs'])).toEqual(below.filter(isBelow));
        const isNew = ({ before }: TreeChange) => before === undefined;
        expect(await filesOnlyIn(git, last, first)).toEqual((await diff(git, first, last)).filter(isNew));
        const paths = ['a', 'a/a', 'runs/é'];
        const nowhere = ['no/such', 'a//b', '../a', '', 'a\0'];
        // One at a time: of a folder that is asked for along with what is in it git lists what is in it.
        const asked = await Promise.all(paths.map((path) => list(git, [first, '--', path])));
        const entries = asked.flat().map(({ entry }) => entry);
        const found = await entriesAt(git, first, [...paths, ...nowhere]);
        expect(new Set(found)).toEqual(new Set(entries));
        const plain = entries.filter((it) => it?.mode !== '040000');
        expect(new Set((await filesAt(git, first, [...nowhere, ...paths])).values())).toEqual(new Set(plain));
      }),
      { numRuns: 12 },
    );
  });

  test.each(['100644', '100755', '120000', '160000', '100664', '40000'])(
    'the mode %s with any digits in front of it, which no check of objects finds',
    async (mode) => {
      using repository = new TestRepository();
      repository.push({ 'runs/a': 'a' });
      const git = new GitCommand({ dir: repository.bare, timeoutMs: 60_000 });
      const folder = mode === '40000';
      const id = (await git.text(['rev-parse', folder ? 'main:runs' : 'main:runs/a'])).trim();
      const fronts = [
        '',
        '2',
        '70',
        '1000000',
        '77777777777',
        '123456701234',
        '1'.repeat(30),
        '5'.repeat(300),
      ];
      const trees = fronts.map((digits) => {
        const front = digits === '' ? '' : `${digits}${'0'.repeat(5 + (digits.length % 7))}`;
        const tree = Buffer.concat([Buffer.from(`${front}${mode} a.yaml\0`), Buffer.from(id, 'hex')]);
        return execFileSync('git', ['hash-object', '-t', 'tree', '-w', '--stdin', '--literally'], {
          cwd: repository.bare,
          input: tree,
          encoding: 'utf8',
        }).trim();
      });
      for (const tree of trees) expect(await listTree(git, tree)).toEqual(await list(git, ['-r', tree]));
    },
  );

  test('of a commit with a message of any length no more is read than its tree', async () => {
    using repository = new TestRepository();
    repository.push({ 'runs/a': 'a' }, 'x'.repeat(20 * 1024 * 1024));
    repository.push({ 'runs/b': 'b' }, 'x'.repeat(20 * 1024 * 1024));
    const git = new GitCommand({ dir: repository.bare, timeoutMs: 60_000 });
    const limits: number[] = [];
    const counting = new Proxy(git, {
      get: (target, name) =>
        name === 'object'
          ? (asked: string, limit = Infinity) => (limits.push(limit), target.object(asked, limit))
          : Reflect.get(target, name, target),
    });
    expect(await listTree(counting, 'main')).toHaveLength(2);
    expect(await changesBy(counting, 'main', ['runs'])).toHaveLength(1);
    expect(Math.max(...limits)).toBeLessThan(100 * 1024 * 1024);
    expect(await treeAt(counting, 'main:', 'runs')).toHaveLength(40);
  });

  test('what a commit changed, of the first nothing', async () => {
    using repository = new TestRepository();
    repository.push({ 'runs/a': 'a', 'other/a': 'a' });
    repository.push({ 'runs/b': 'b', 'other/b': 'b' });
    const git = new GitCommand({ dir: repository.bare, timeoutMs: 60_000 });
    expect(await changesBy(git, 'main^', ['runs'])).toEqual([]);
    expect(await changesBy(git, 'main', ['runs'])).toMatchObject([{ path: 'runs/b' }]);
  });

  test('of a tree that is not there nothing is told', async () => {
    using repository = new TestRepository();
    repository.push({ 'runs/a': 'a' });
    const git = new GitCommand({ dir: repository.bare, timeoutMs: 60_000 });
    const nowhere = 'f'.repeat(40);
    for (const asked of [
      listTree(git, nowhere),
      treeChanges(git, 'main', nowhere),
      filesAt(git, nowhere, ['a']),
    ])
      await expect(asked).rejects.toBeInstanceOf(LocalGitError);
    expect(await treeAt(git, 'main', 'nodeops')).toBeUndefined();
    expect(await treeAt(git, 'main', 'runs/a')).toBeUndefined();
    expect(await treeAt(git, 'main', 'runs')).toHaveLength(40);
  });
});

/** By the folders that were asked for, one after the other. */
function inTurn(all: readonly TreeChange[]): TreeChange[] {
  const below = (folder: string) => all.filter(({ path }) => path.startsWith(folder));
  const at = (it: string) => all.filter(({ path }) => path === it || path.startsWith(`${it}/`));
  return [...below('a/runs/'), ...below('runs/'), ...at('a.b')];
}
