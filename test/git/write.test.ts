import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mirrorOf } from '../../src/git/mirror.ts';
import { writeFiles } from '../../src/git/write.ts';
import { redact } from '../../src/git/credentials.ts';
import { TestRepository } from '../runs/support.ts';

const options = {
  author: { name: 'agent', email: 'agent@example.org' },
  now: () => new Date(0),
  delayMs: () => 0,
};
const mirror = (repository: TestRepository, dir: string) =>
  mirrorOf(repository.config({ git: { dir: join(repository.root, dir) } }).git, new AbortController().signal)
    .runs;

test('a rejected push is applied again on the new tip; both writers’ files are there', async () => {
  using repository = new TestRepository();
  repository.push({ 'README.md': 'x' });
  const [a, b] = [mirror(repository, 'a.git'), mirror(repository, 'b.git')];
  await a.fetch();
  await b.fetch();
  await writeFiles(a, new Map([['results/a.yaml', 'a\n']]), 'a', options);
  await writeFiles(b, new Map([['results/b "ü"\n.yaml', 'b\n']]), 'b', options);
  expect(repository.read('results/a.yaml')).toBe('a\n');
  expect(repository.read('results/b "ü"\n.yaml')).toBe('b\n');
  expect(repository.commits()).toBe(3);
});

test('files that are there already give no commit, as after a push whose answer was lost', async () => {
  using repository = new TestRepository();
  repository.push({ 'results/a.yaml': 'a\n' });
  const a = mirror(repository, 'a.git');
  const tip = await a.fetch();
  expect(await writeFiles(a, new Map([['results/a.yaml', 'a\n']]), 'a', options)).toBe(tip);
  expect(repository.commits()).toBe(1);
});

test('credentials are taken out of messages', () => {
  expect(redact("fatal: 'https://me:secret@host/x' and ssh://git@host/y")).toBe(
    "fatal: 'https://***@host/x' and ssh://***@host/y",
  );
});

test('what the agent commits counts for the upkeep of its clone, also where nobody else does anything', async () => {
  using repository = new TestRepository();
  repository.push({ 'README.md': 'x' });
  const branch = mirror(repository, 'a.git');
  await branch.fetch();
  const dir = join(repository.root, 'a.git');
  // A pack for each commit, as it is with larger ones.
  repository.git(dir, 'config', 'fastimport.unpackLimit', '1');
  const packs = () => Number(/^packs: (\d+)/m.exec(repository.git(dir, 'count-objects', '-v'))?.[1]);
  for (let i = 0; i < 52; i++) {
    // oxlint-disable-next-line no-await-in-loop -- one commit on the other
    await writeFiles(branch, new Map([['results/a.yaml', `${i}\n`]]), 'a', options);
  }
  expect(packs()).toBeGreaterThan(50);
  await branch.fetch();
  expect(packs()).toBeLessThan(10);
});
