import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GitCommand } from '../../src/git/command.ts';
import { whoMade } from '../../src/git/log.ts';
import { TestRepository } from '../runs/support.ts';

const PATH = 'runs/a.yaml';

/** Commits with any parents and any content of the one file, made without a working tree. */
class Graph implements Disposable {
  readonly repository = new TestRepository();
  readonly git = new GitCommand({ dir: this.repository.bare, timeoutMs: 60_000 });
  private readonly names = new Map<string, string>();

  /** `content`: of the file; absent without one. */
  async commit(name: string, parents: readonly string[], content?: string): Promise<string> {
    const lines = [
      'commit refs/heads/scratch',
      `committer ${name} <${name}@example.org> ${1_900_000_000 + this.names.size} +0000`,
      `data ${name.length}\n${name}`,
      ...parents.map((it, i) => `${i === 0 ? 'from' : 'merge'} ${it}`),
      'deleteall',
      ...(content === undefined ? [] : [`M 100644 inline ${PATH}`, `data ${content.length}\n${content}`]),
      'done',
    ];
    // Without a parent it would be put on what the branch has.
    if (parents.length === 0) lines.unshift('reset refs/heads/scratch');
    await this.git.text(['fast-import', '--force', '--done'], `${lines.join('\n')}\n`);
    const id = (await this.git.text(['rev-parse', 'refs/heads/scratch'])).trim();
    this.names.set(id, name);
    return id;
  }

  /** The name of who made the file what it is. */
  async maker(tip: string, since?: string): Promise<string | undefined> {
    const made = await whoMade(this.git, { tip, since }, PATH);
    return made && this.names.get(made.commit);
  }

  [Symbol.dispose](): void {
    this.repository[Symbol.dispose]();
  }
}

describe('who made a file what it is', () => {
  test('the newest change counts, not what came after it', async () => {
    using graph = new Graph();
    const added = await graph.commit('added', [], 'one');
    const edited = await graph.commit('edited', [added], 'two');
    const later = await graph.commit('later', [edited], 'two');
    expect(await graph.maker(added)).toBe('added');
    expect(await graph.maker(later)).toBe('edited');
    expect(await graph.maker(later, added)).toBe('edited');
    expect(await graph.maker(later, edited)).toBe('edited');
  });

  test('a merge that takes over a branch is passed by, and what lies under it counts', async () => {
    using graph = new Graph();
    const root = await graph.commit('root', []);
    const branch = await graph.commit('branch', [root], 'one');
    const main = await graph.commit('main', [root]);
    const merge = await graph.commit('merge', [main, branch], 'one');
    expect(await graph.maker(merge)).toBe('branch');
    expect(await graph.maker(merge, main)).toBe('branch');
  });

  test('a merge that changes the file by itself made it', async () => {
    using graph = new Graph();
    const root = await graph.commit('root', []);
    const branch = await graph.commit('branch', [root], 'one');
    const main = await graph.commit('main', [root]);
    expect(await graph.maker(await graph.commit('merge', [main, branch], 'other'))).toBe('merge');
  });

  test.each(['main first', 'old first'])(
    'a merge that brings an old state back made it (%s)',
    async (order) => {
      using graph = new Graph();
      const old = await graph.commit('old', [], 'one');
      const main = await graph.commit('main', [old], 'two');
      const parents = order === 'main first' ? [main, old] : [old, main];
      const merge = await graph.commit('merge', parents, 'one');
      expect(await graph.maker(merge)).toBe('merge');
      expect(await graph.maker(merge, main)).toBe('merge');
    },
  );

  test('a merge that brings a removed file back made it', async () => {
    using graph = new Graph();
    const old = await graph.commit('old', [], 'one');
    const removed = await graph.commit('removed', [old]);
    const merge = await graph.commit('merge', [removed, old], 'one');
    expect(await graph.maker(merge, removed)).toBe('merge');
  });

  test('a branch that hides an old state in a merge of its own is seen through', async () => {
    using graph = new Graph();
    const old = await graph.commit('old', [], 'one');
    const branch = await graph.commit('branch', [old], 'one');
    const main = await graph.commit('main', [old], 'two');
    const hidden = await graph.commit('hidden', [branch, main], 'one');
    const merge = await graph.commit('merge', [main, hidden], 'one');
    expect(await graph.maker(merge)).toBe('hidden');
    expect(await graph.maker(merge, main)).toBe('hidden');
  });

  test('a history that does not know the tip before is walked as a whole', async () => {
    using graph = new Graph();
    const added = await graph.commit('added', [], 'one');
    expect(await graph.maker(added, '0'.repeat(40))).toBe('added');
    const other = await graph.commit('other', [], 'two');
    expect(await graph.maker(added, other)).toBe('added');
    expect(await graph.maker(await graph.commit('empty', []))).toBeUndefined();
  });
});

/** Each commit: its parents as steps back, and the content of the file. */
const history = fc.array(
  fc.record({
    back: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 2 }),
    content: fc.option(fc.constantFrom('one', 'two', 'three'), { nil: undefined }),
  }),
  { minLength: 4, maxLength: 9 },
);

test('looking from a tip before finds the same as the walk over everything', async () => {
  await fc.assert(
    fc.asyncProperty(history, fc.integer({ min: 0, max: 8 }), async (commits, at) => {
      using graph = new Graph();
      const ids: string[] = [];
      for (const [i, { back, content }] of commits.entries()) {
        const parents = back.flatMap((step) => ids[ids.length - step] ?? []);
        ids.push(await graph.commit(`c${i}`, [...new Set(parents)], content));
      }
      const tip = ids.at(-1) ?? '';
      const since = ids[at % ids.length] ?? '';
      expect(await graph.maker(tip, since)).toBe(await graph.maker(tip));
    }),
    { numRuns: 12 },
  );
}, 120_000);
