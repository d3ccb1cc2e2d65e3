import { readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { AwayError } from '../../src/api/errors.ts';
import { mirrorOf } from '../../src/git/mirror.ts';
import { nodeOp, TestRepository } from '../runs/support.ts';
import { WRITE } from './support/mirror.ts';
import { writeFiles } from '../../src/git/write.ts';

const LIMIT = 10_000;

function mirrorWith(repository: TestRepository) {
  const mirror = mirrorOf(repository.config({}).git, new AbortController().signal);
  const idOf = (path: string) => repository.git(repository.bare, 'rev-parse', `main:${path}`).trim();
  return {
    mirror,
    read: async (...paths: string[]) => {
      const ids = paths.map(idOf);
      const found = await mirror.runs.contents.read(ids, LIMIT);
      return ids.map((id) => found.get(id) && Buffer.from(found.get(id) ?? []).toString());
    },
    has: (path: string) =>
      mirror.git.text(['cat-file', '-t', idOf(path)]).then(
        () => true,
        () => false,
      ),
  };
}

test('a clone holds the contents that were asked for, and knows what belongs to the others', async () => {
  using repository = new TestRepository();
  repository.push({ 'runs/a.yaml': 'a\n', 'runs/b.yaml': 'b\n', 'runs/c.yaml': 'c\n' });
  const { mirror, read, has } = mirrorWith(repository);
  await mirror.fetch();
  expect(await has('runs/a.yaml')).toBe(false);
  expect(await read('runs/a.yaml', 'runs/b.yaml')).toEqual(['a\n', 'b\n']);
  expect(await has('runs/a.yaml')).toBe(true);
  expect(await has('runs/c.yaml')).toBe(false);
  expect(await read('runs/a.yaml', 'runs/c.yaml')).toEqual(['a\n', 'c\n']);
  expect(await mirror.git.text(['config', '--list', '--local']), 'nothing of the remote').not.toMatch(
    /remote|partial/,
  );
});

test('what differs from contents that are missing can be fetched, written beside, and packed', async () => {
  using repository = new TestRepository();
  const text = (i: number) =>
    Array.from({ length: 200 }, (_, line) => `line ${line % 7 === 0 ? i : line}`).join('\n');
  repository.push({ 'runs/a.yaml': text(0), 'runs/b.yaml': 'b\n' });
  const { mirror, read, has } = mirrorWith(repository);
  await mirror.fetch();
  for (let i = 1; i <= 60; i++) {
    repository.push({ 'runs/a.yaml': text(i), [`runs/${i}.yaml`]: text(i) });
    await mirror.fetch();
    if (i % 10 !== 0) continue;
    expect(await read('runs/a.yaml')).toEqual([text(i)]);
    const files = new Map([['results/a.yaml', `${i}\n`]]);
    await writeFiles(mirror.runs, files, 'report', WRITE);
    expect(repository.read('results/a.yaml')).toBe(`${i}\n`);
  }
  // An old state that was never asked for.
  repository.push({ 'runs/a.yaml': text(3) });
  await mirror.fetch();
  expect(await has('runs/b.yaml')).toBe(false);
  expect(await read('runs/b.yaml', 'runs/a.yaml', 'runs/1.yaml')).toEqual(['b\n', text(3), text(1)]);
  const packs = readdirSync(join(mirror.git.dir, 'objects', 'pack')).filter((it) => it.endsWith('.pack'));
  expect(packs.length).toBeLessThan(40);
});

test('while the remote is away what is missing cannot be read, and the clone is kept', async () => {
  using repository = new TestRepository();
  repository.push({ 'runs/a.yaml': 'a\n', 'runs/b.yaml': 'b\n' });
  const { mirror, read, has } = mirrorWith(repository);
  await mirror.fetch();
  await read('runs/a.yaml');
  const away = `${repository.bare}.away`;
  const id = repository.git(repository.bare, 'rev-parse', 'main:runs/b.yaml').trim();
  renameSync(repository.bare, away);
  await expect(mirror.runs.contents.read([id], LIMIT)).rejects.toThrow(AwayError);
  renameSync(away, repository.bare);
  await mirror.fetch();
  expect(await has('runs/a.yaml')).toBe(true);
  expect(await read('runs/b.yaml')).toEqual(['b\n']);
});

test('a remote that leaves contents out and does not give them afterwards is cloned with all of them', async () => {
  using repository = new TestRepository();
  repository.push({ 'runs/a.yaml': nodeOp('a'), 'runs/b.yaml': 'b\n' });
  // The first protocol gives no more than it has advertised.
  writeFileSync(join(repository.root, '.gitconfig'), '[protocol]\n\tversion = 0\n');
  vi.stubEnv('HOME', repository.root);
  try {
    const { mirror, read, has } = mirrorWith(repository);
    await mirror.fetch();
    for (let i = 0; i < 3; i++) {
      expect(await has('runs/b.yaml')).toBe(false);
      await expect(read('runs/a.yaml')).rejects.toThrow(/unadvertised|not our ref/);
      await mirror.fetch();
    }
    expect(await has('runs/b.yaml')).toBe(true);
    expect(await read('runs/a.yaml')).toEqual([nodeOp('a')]);
  } finally {
    vi.unstubAllEnvs();
  }
});
