import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { writeFiles } from '../../src/git/write.ts';
import { branchWith } from '../git/support/mirror.ts';
import { TestRepository } from './support.ts';

test('twenty agents push to one branch for a minute: nothing is lost, in a bounded number of tries', async () => {
  using repository = new TestRepository();
  repository.push({ 'README.md': 'x' });
  const before = repository.commits();
  const end = Date.now() + 60_000;
  let retries = 0;
  let refusals = 0;
  const options = {
    author: { name: 'agent', email: 'agent@example.org' },
    now: () => new Date(),
    onRetry: () => (retries += 1),
  };
  /**
   * What an agent does, only ten times as often: its reports change every few seconds, and what could not be written in so
   * many tries is written by the next pass.
   */
  const writer = async (id: number): Promise<number> => {
    const branch = branchWith(repository, { dir: join(repository.root, `clone-${id}`) });
    await branch.fetch();
    let written = 0;
    while (Date.now() < end || written === 0) {
      const files = new Map([[`results/c${id}/${written}.yaml`, `${id} ${written}\n`]]);
      try {
        await writeFiles(branch, files, `c${id}: ${written}`, options);
        written += 1;
        await sleep(1000 + 2000 * Math.random());
      } catch (error) {
        expect(String(error)).toMatch(/rejected|failed to push|lock/);
        refusals += 1;
      }
    }
    return written;
  };
  const counts = await Promise.all(Array.from({ length: 20 }, (_, id) => writer(id)));
  const total = counts.reduce((sum, count) => sum + count, 0);
  const expected = counts.flatMap((count, id) =>
    Array.from({ length: count }, (_, i) => `results/c${id}/${i}.yaml`),
  );
  const tree = repository.git(repository.bare, 'ls-tree', '-r', '--name-only', 'main', 'results/');
  expect(new Set(tree.trim().split('\n'))).toEqual(new Set(expected));
  expect(repository.commits(), 'one commit each').toBe(before + total);
  expect(repository.git(repository.bare, 'rev-list', '--merges', 'main')).toBe('');
  // Of those who push at the same time one wins, so a win costs at most one try of every other agent.
  expect(retries + refusals).toBeLessThan(total * 20);
}, 240_000);
