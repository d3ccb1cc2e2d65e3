import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { GitCommand } from '../../src/git/command.ts';
import { commitInfo } from '../../src/git/log.ts';
import { addedNear, changedNear, FURTHER, isNear, touchedNear } from '../../src/git/near.ts';
import { TestRepository } from '../runs/support.ts';
import { commits, files } from './support/random-trees.ts';

const PATHS = ['a', 'a/a', 'runs', 'ab/a', 'é'];

function open(repository: TestRepository) {
  const git = new GitCommand({ dir: repository.bare, timeoutMs: 60_000 });
  const log = async (...args: string[]) => (await git.text(args)).split('\n').filter(Boolean);
  return { git, log };
}

/** The commit that added a file last, by git's log with the names of what each one added. */
function lastIn(lines: readonly string[], path: string): string | undefined {
  const at = lines.indexOf(path);
  return lines.slice(0, Math.max(0, at)).findLast((line) => /^[0-9a-f]{40}$/.test(line));
}

test('the last commits tell what git finds by a walk', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(files, { minLength: 3, maxLength: 6 }), fc.nat(), async (history, at) => {
      using repository = new TestRepository();
      const { git, log } = open(repository);
      const ids = commits(repository, history);
      const tip = ids.at(-1) ?? '';
      const from = ids[at % (ids.length - 1)] ?? '';
      const all = await addedNear(git, { tip }, PATHS);
      const some = await addedNear(git, { from, tip }, PATHS);
      const touched = await touchedNear(git, { from, to: tip }, PATHS);
      if (all === FURTHER || some === FURTHER || touched === FURTHER) throw new Error('it was not told');
      const adding = ['log', '--no-renames', '--diff-filter=A', '--name-only', '--format=%H'];
      for (const path of PATHS) {
        const [maker] = await log('rev-list', '-1', '--simplify-merges', tip, '--', path);
        expect(await changedNear(git, tip, path)).toBe(maker);
        expect(all.get(path)).toBe(lastIn(await log(...adding, tip, '--', path), path));
        expect(some.get(path)).toBe(lastIn(await log(...adding, `${from}..${tip}`, '--', path), path));
        const isTouched = (await log('rev-list', `${from}..${tip}`, '--', path)).length > 0;
        expect(touched?.has(path)).toBe(isTouched);
      }
    }),
    { numRuns: 5 },
  );
});

test('a merge, a history without the commit before and one that goes back far are walked by git', async () => {
  using repository = new TestRepository();
  const { git } = open(repository);
  const ids = commits(repository, [[], ...Array.from({ length: 60 }, () => [])]);
  const [first = '', tip = ''] = [ids[0], ids.at(-1)];
  expect(await changedNear(git, tip, 'a')).toBe(FURTHER);
  expect(await touchedNear(git, { from: first, to: tip }, ['a'])).toBe(FURTHER);
  expect(await addedNear(git, { from: first, tip }, ['a'])).toBe(FURTHER);
  expect(await isNear(git, first, tip)).toBe(false);
  expect(await isNear(git, ids[50] ?? '', tip)).toBe(true);

  const early = ids[2] ?? '';
  expect(await changedNear(git, early, 'a')).toBeUndefined();
  expect(await touchedNear(git, { from: tip, to: early }, ['a'])).toBeUndefined();
  expect(await addedNear(git, { from: tip, tip: early }, ['a'])).toBe(FURTHER);
  const tree = (await git.text(['rev-parse', `${early}^{tree}`])).trim();
  const of = [
    '-c',
    'user.name=a',
    '-c',
    'user.email=a@example.org',
    'commit-tree',
    '-p',
    early,
    '-p',
    tip,
    tree,
  ];
  const merge = (await git.text(of, 'merge')).trim();
  expect(await changedNear(git, merge, 'a')).toBe(FURTHER);
  expect(await addedNear(git, { from: early, tip: merge }, ['a'])).toBe(FURTHER);
  expect(await isNear(git, tip, merge)).toBe(true);
  expect(await isNear(git, first, merge)).toBe(false);
});

test('the name of whoever made a commit is cut, whatever length Git has of it', async () => {
  using repository = new TestRepository();
  const git = new GitCommand({ dir: repository.bare, timeoutMs: 60_000 });
  const lines = [
    'commit refs/heads/main',
    `committer ${'x'.repeat(100_000)} <a@example.org> 0 +0000`,
    'data 0',
  ];
  await git.text(['fast-import', '--quiet', '--done'], `${lines.join('\n')}\n\ndone\n`);
  const { author } = (await commitInfo(git, repository.tip() ?? '')) ?? {};
  expect(author).toMatch(/^x{255}…$/);
});
