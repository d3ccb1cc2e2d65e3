import { expect, test, vi } from 'vitest';
import { SnapshotReader } from '../../src/agent/repository/snapshot-reader.ts';
import { Contents } from '../../src/git/contents.ts';
import { prepareRun } from '../../src/core/runs/prepare.ts';
import { branchWith } from '../git/support/mirror.ts';
import { nodeOp, TestRepository } from './support.ts';

const LAYOUT = { nodeops: 'nodeops', runs: 'runs', results: 'results' };
const wrong = (i: number) => `# ${i}\n${nodeOp('x')}  env: [${'1,'.repeat(9000)}1]\n`;

test('of many large files only some are held at a time, and others have their turn between them', async () => {
  using repository = new TestRepository();
  const files = Object.fromEntries(
    Array.from({ length: 100 }, (_, i) => [
      `runs/${i}.yaml`,
      i % 2 ? wrong(i) : `${i}${'x'.repeat(1_000_000)}`,
    ]),
  );
  repository.push(files);
  const mirror = branchWith(repository);
  const reader = new SnapshotReader({ runs: mirror, results: mirror }, LAYOUT);
  const tip = (await mirror.fetch()) ?? '';
  const snapshot = await reader.read({ runs: tip, results: tip });
  const entries = [...snapshot.open].flatMap((path) => snapshot.runs.get(path) ?? []);
  expect(entries).toHaveLength(100);

  const read = vi.spyOn(Contents.prototype, 'read');
  let turns = 0;
  const over = new AbortController();
  const others = () => {
    if (over.signal.aborted) return;
    turns += 1;
    setImmediate(others);
  };
  others();
  let judged = 0;
  const context = { layout: LAYOUT, namespace: 'default', definitions: [] };
  await reader.eachContent(entries, (entry, content) => {
    const prepared = prepareRun({ ...entry, commit: 'c', content }, context);
    judged += 1;
    expect(prepared.ok).toBe(false);
    if (!prepared.ok) expect(prepared.problems.length).toBeLessThanOrEqual(11);
  });
  over.abort();

  expect(judged).toBe(100);
  // More than one in four had one: of these files each takes some milliseconds.
  expect(turns).toBeGreaterThan(25);
  const asked = read.mock.calls.map(([ids, limit]) => [ids.length, limit]);
  read.mockRestore();
  for (const [count = 0, limit = 0] of asked) expect(count * limit).toBeLessThanOrEqual(64 * 128 * 1024);
});

test('definitions are held up to a bound, the first by path, whatever they were changed to in between', async () => {
  using repository = new TestRepository();
  const large = (name: string) => `${nodeOp(name)}  env: [{name: A, value: ${'x'.repeat(120_000)}}]\n`;
  const files = Object.fromEntries(
    Array.from({ length: 150 }, (_, i) => `d${String(i).padStart(3, '0')}`).map((it) => [
      `nodeops/${it}.yaml`,
      large(it),
    ]),
  );
  repository.push(files);
  const mirror = branchWith(repository);
  const reader = new SnapshotReader({ runs: mirror, results: mirror }, LAYOUT);
  const see = async () => {
    const tip = (await mirror.fetch()) ?? '';
    return (await reader.read({ runs: tip, results: tip })).definitions;
  };
  const leftOut = (await see()).filter(({ result }) => !result.ok).map(({ path }) => path);
  expect(leftOut.length).toBeGreaterThan(5);
  expect(leftOut).not.toContain('nodeops/d000.yaml');
  expect(leftOut).toContain('nodeops/d149.yaml');
  repository.push(
    Object.fromEntries(
      Object.keys(files)
        .slice(0, 50)
        .map((path) => [path, nodeOp('small')]),
    ),
  );
  expect((await see()).filter(({ result }) => !result.ok)).toEqual([]);
});
