import { expect, test } from 'vitest';
import { GitCommand } from '../../src/git/command.ts';
import { TestRepository } from '../runs/support.ts';

test('an object is read as it is, whatever another one says to stand in its place', async () => {
  using repository = new TestRepository();
  repository.push({ 'runs/a.yaml': 'signed\n', 'runs/b.yaml': 'not signed\n' });
  const git = (...args: string[]) => repository.git(repository.bare, ...args).trim();
  const blob = git('rev-parse', 'main:runs/a.yaml');
  git('replace', blob, git('rev-parse', 'main:runs/b.yaml'));
  expect(git('cat-file', 'blob', blob)).toBe('not signed');
  const command = new GitCommand({ dir: repository.bare, timeoutMs: 10_000 });
  expect(await command.text(['cat-file', 'blob', blob])).toBe('signed\n');
});
