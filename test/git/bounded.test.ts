import { randomBytes } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fetchBounded } from '../../src/git/bounded.ts';
import { mirrorOf } from '../../src/git/mirror.ts';
import { TestRepository } from '../runs/support.ts';
import { GitServer } from './support/git-server.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const LIMIT = 128 * KIB;

describe('contents that no remote tells the size of', () => {
  /** A remote with files of these sizes; how much of them came in, and how often it was asked. */
  function remote(sizes: Record<string, number>) {
    const told = { held: 0, cameIn: 0, asked: 0 };
    return {
      told,
      fetch: (ids: readonly string[], most: number) => {
        const size = ids.reduce((sum, id) => sum + (sizes[id] ?? 0), 0);
        told.asked += 1;
        told.cameIn += Math.min(size, most);
        told.held += size <= most ? size : 0;
        return Promise.resolve(size <= most);
      },
    };
  }
  const small = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`${i}`, 2 * KIB]));

  test('are asked for together where they are what they should be', async () => {
    const { fetch, told } = remote(small);
    expect(await fetchBounded(Object.keys(small), LIMIT, fetch)).toEqual([]);
    expect(told.asked).toBe(1);
  });

  test('are parted from those that are too large, of which next to nothing is held', async () => {
    const sizes = { ...small, huge: 5000 * MIB, '': 5000 * MIB, other: 300 * MIB };
    const { fetch, told } = remote(sizes);
    const ids = ['huge', ...Object.keys(small), 'other', ''];
    expect(await fetchBounded(ids, LIMIT, fetch)).toEqual(['huge', 'other', '']);
    expect(told.held).toBe(5000 * 2 * KIB);
    expect(told.cameIn).toBeLessThan(3000 * MIB);
    expect(told.asked).toBeLessThan(100);
  });

  test('may be as large as their limit, one by one', async () => {
    const { fetch } = remote({ a: LIMIT, b: LIMIT + 1000 * KIB });
    expect(await fetchBounded(['a'], LIMIT, fetch)).toEqual([]);
    expect(await fetchBounded(['b'], LIMIT, fetch)).toEqual(['b']);
    expect(await fetchBounded(['b'], Infinity, fetch)).toEqual([]);
    expect(await fetchBounded([], LIMIT, fetch)).toEqual([]);
  });
});

describe.each(['a folder', 'http'])('from %s', (way) => {
  test('a content that is too large is given up as it comes in, is told as such, and asked for once', async () => {
    using repository = new TestRepository();
    repository.push({ 'runs/small.yaml': 'a\n', 'runs/huge.yaml': randomBytes(2 * MIB) });
    await using server = await GitServer.start({ root: repository.root });
    const url = way === 'http' ? { url: server.url() } : {};
    const { git: config } = repository.config({ git: url });
    const mirror = mirrorOf(config, new AbortController().signal);
    await mirror.fetch();
    const idOf = (name: string) => repository.git(repository.bare, 'rev-parse', `main:runs/${name}`).trim();
    const [huge, little] = [idOf('huge.yaml'), idOf('small.yaml')];
    const { contents } = mirror.runs;
    const first = await contents.read([huge], LIMIT);
    expect(first.get(huge)?.length).toBe(LIMIT + 1);
    expect(sizeOf(mirror.git.dir)).toBeLessThan(MIB);
    const { length } = server.requests;
    expect((await contents.read([huge], LIMIT)).get(huge)?.length).toBe(LIMIT + 1);
    expect(server.requests.length, 'it is known by now').toBe(length);
    expect(Buffer.from((await contents.read([huge, little], LIMIT)).get(little) ?? []).toString()).toBe(
      'a\n',
    );
    // Who takes more of it gets it.
    expect((await contents.read([huge], 16 * MIB)).get(huge)?.length).toBe(2 * MIB);
  });
});

function sizeOf(dir: string): number {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((it) => it.isFile());
  return files.reduce((sum, it) => sum + statSync(join(it.parentPath, it.name)).size, 0);
}
