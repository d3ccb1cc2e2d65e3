import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { TestRepository } from '../runs/support.ts';
import { GitServer } from './support/git-server.ts';
import { branchWith } from './support/mirror.ts';

test('a poll costs the same however many branches and tags the repository has', async () => {
  using repository = new TestRepository();
  repository.push({ 'README.md': 'x' });
  await using server = await GitServer.start({ root: repository.root });
  const branch = branchWith(repository, { url: server.url() });
  const poll = async () => {
    await branch.fetch();
    const before = server.sent;
    await branch.fetch();
    return server.sent - before;
  };
  const few = await poll();
  const tip = repository.git(repository.bare, 'rev-parse', 'main').trim();
  const refs = Array.from(
    { length: 5000 },
    (_, i) => `create refs/${i % 2 ? 'heads' : 'tags'}/other-${i} ${tip}\n`,
  );
  execFileSync('git', ['update-ref', '--stdin'], { cwd: repository.bare, input: refs.join('') });
  expect(few).toBeGreaterThan(0);
  expect(await poll()).toBe(few);
});
