import { chmodSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { TestRepository } from '../runs/support.ts';
import { branchWith, writeOne } from './support/mirror.ts';

/** The quick ones; what becomes of an agent whose clone is damaged, in every way, is in `repair.test.ts`. */
test.each<[string, (dir: string) => void]>([
  ['is gone', (dir) => rmSync(dir, { recursive: true })],
  ['has lost its objects', (dir) => rmSync(join(dir, 'objects'), { recursive: true })],
  ['has a HEAD of garbage', (dir) => writeFileSync(join(dir, 'HEAD'), 'garbage\n')],
  ['has a configuration of garbage', (dir) => writeFileSync(join(dir, 'config'), '[core\n')],
  ['has a lock left over', (dir) => writeFileSync(join(dir, 'refs/heads/main.lock'), '')],
  [
    'has a branch that points to nothing',
    (dir) => writeFileSync(join(dir, 'refs/heads/main'), `${'1'.repeat(40)}\n`),
  ],
])('a clone that %s is mended or begun anew by the next fetch, and written from', async (_what, damage) => {
  using repository = new TestRepository();
  repository.push({ 'README.md': 'x' });
  const branch = branchWith(repository);
  await branch.fetch();
  damage(join(repository.root, 'agent.git'));
  repository.push({ 'README.md': 'y' });
  expect(await branch.fetch()).toBe(repository.tip());
  expect(await writeOne(branch, 'results/a.yaml')).toBe(repository.tip());
  expect(repository.read('README.md')).toBe('y');
});

/** As after a power cut: git does not wait for the disk with single objects. */
function cutObjects(dir: string): void {
  for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
    const file = join(dir, name);
    if (!statSync(file).isFile()) continue;
    chmodSync(file, 0o644);
    truncateSync(file, Math.floor(statSync(file).size / 2));
  }
}

test('a clone whose last commits are cut short does not ask the remote for them from within each answer, without end', async () => {
  using repository = new TestRepository();
  repository.push({ 'README.md': 'x' });
  const branch = branchWith(repository);
  await branch.fetch();
  await writeOne(branch, 'results/a.yaml');
  const objects = join(repository.root, 'agent.git/objects');
  rmSync(join(objects, 'pack'), { recursive: true });
  cutObjects(objects);
  repository.push({ 'README.md': 'y' });
  expect(await branch.fetch()).toBe(repository.tip());
  expect(await writeOne(branch, 'results/b.yaml')).toBe(repository.tip());
});
