import { expect, test } from 'vitest';
import { GitCommand } from '../../src/git/command.ts';
import { mergesAfter } from '../../src/git/ancestry.ts';
import { TestRepository } from '../runs/support.ts';

test('the merges that brought a commit to the branch, nearest first; none for what is not there', async () => {
  using repository = new TestRepository();
  const git = (...args: string[]) => repository.git(repository.clone, ...args).trim();
  repository.push({ 'a.txt': 'a' });
  git('switch', '-q', '-c', 'topic');
  repository.write({ 'runs/x.yaml': 'x' });
  git('add', '-A');
  git('commit', '-q', '-m', 'add a run');
  const inner = git('rev-parse', 'HEAD');
  git('switch', '-q', 'main');
  git('merge', '-q', '--no-ff', '-m', 'Merge pull request', 'topic');
  const merge = git('rev-parse', 'HEAD');
  git('switch', '-q', '-c', 'later');
  git('commit', '-q', '--allow-empty', '-m', 'later');
  git('switch', '-q', 'main');
  git('merge', '-q', '--no-ff', '-m', 'Merge another', 'later');
  const tip = git('rev-parse', 'HEAD');

  const command = new GitCommand({ dir: repository.clone, timeoutMs: 10_000 });
  expect(await mergesAfter(command, inner, tip)).toEqual([merge, tip]);
  expect(await mergesAfter(command, tip, tip)).toEqual([]);
  expect(await mergesAfter(command, 'f'.repeat(40), tip)).toEqual([]);
  expect(await mergesAfter(command, '--all', tip)).toEqual([]);
});
