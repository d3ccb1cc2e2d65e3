import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { slowness, Turns } from '../fuzz/work.ts';
import { MemoryStore, nodeOp, silent, TestRepository } from './support.ts';

const BYTES = 128 * 1024;
/** What a lease and a probe may have to wait for, in milliseconds of work, on a machine as `slowness` has it. */
const TURN_MS = 50;
/** Neighbours on the same core take caches and clock rates away; the first file meets code that nothing has made fast yet. */
const NOISE = 4;

const list = (count: number, item: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => item(i)).join('');
const fill = (piece: string) => piece.repeat(Math.floor((BYTES - 500) / piece.length));
const op = nodeOp('x');

/** As much work as a file within the bounds can make: for the parser, the schema, the words, and the places. */
const WORST: Record<string, string> = {
  'arguments that are no text': op.replace('[sh, -c, "true"]', `[${'1,'.repeat(9400)}1]`),
  'variables with wrong names': `${op}  env:\n${list(3000, () => '  - {name: "=", value: 1}\n')}`,
  'wrong expressions': `${op}  nodeSelector:\n    matchExpressions:\n${list(1800, () => '    - {key: "-", operator: Inn, values: [a b]}\n')}`,
  'wrong labels': `${op}  nodeSelector:\n    matchLabels:\n${list(4500, (i) => `      "k ${i}": "v v"\n`)}`,
  'unknown fields': `${op}${list(4900, (i) => `  fieldd${i}: 1\n`)}`,
  'aliases of aliases': `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefgh'
    .split('')
    .map((it, i) => `${it}: &${it} [${`*${'abcdefgh'[i]},`.repeat(9)}]\n`)
    .join('')}`,
  'merged aliases': `a: &a {${list(3000, (i) => `k${i}: 1, `)}}\nb:\n${'  - <<: *a\n'.repeat(99)}`,
  brackets: fill('['),
  mappings: fill('{a: '),
  'complex keys': fill('? '),
  anchors: fill('- &a a\n'),
  tags: fill('- !!str a\n'),
  documents: fill('---\n'),
  keys: list(9900, (i) => `k${i}: ${i}\n`),
  escapes: `${op}  x: "${fill('\\u0041')}"\n`,
  'folded lines': `${op}  x: >\n${fill('    a\n\n')}`,
  'an image of slashes': op.replace('busybox', fill('a/')),
};

test(
  '600 bad files in one push, the worst among them: others have their turn in time',
  { timeout: 240_000 },
  async () => {
    using repository = new TestRepository();
    repository.push({ 'README.md': 'x' });
    const config = repository.config({ runs: { initial: 'execute' }, report: { interval: '0s' } });
    const loop = new RepositoryLoop({ config, store: new MemoryStore(), logger: silent });
    await loop.pollNow();
    const texts = Object.values(WORST);
    const files = Array.from({ length: 600 }, (_, i): [string, string] => {
      const text = i % 6 === 0 ? (texts[(i / 6) % texts.length] ?? '') : 'x: 1\n';
      expect(text.length).toBeLessThanOrEqual(BYTES);
      return [`runs/${i}.yaml`, `# ${i}\n${text}`.slice(0, BYTES)];
    });
    repository.push(Object.fromEntries(files));
    const slow = slowness();
    const turns = new Turns();
    await loop.pollNow();
    const longest = turns.stop();
    await loop.stop();
    for (const i of [0, 1, 599]) expect(repository.read(`results/${i}.yaml`)).toContain('phase: Invalid');
    expect(longest).toBeLessThan(TURN_MS * NOISE * slow);
  },
);

test('others have their turn after each report, and each action, however small they are', async () => {
  using repository = new TestRepository();
  repository.push({ 'README.md': 'x' });
  const config = repository.config({ runs: { initial: 'execute', maxConcurrent: 1 } });
  const loop = new RepositoryLoop({ config, store: new MemoryStore(), logger: silent });
  await loop.pollNow();
  const COUNT = 40;
  repository.push(
    Object.fromEntries(Array.from({ length: COUNT }, (_, i) => [`runs/${i}.yaml`, nodeOp(`op-${i}`)])),
  );
  // As on a machine on which everything takes longer than a turn may.
  let ms = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => (ms += 20));
  const turns = vi.spyOn(timers, 'setImmediate');
  syncBuiltinESMExports();
  await loop.pollNow();
  // Two for reading and judging a file, one for what is to be done about it, one for its report.
  expect(turns.mock.calls.length).toBeGreaterThanOrEqual(4 * COUNT);
  clock.mockRestore();
  turns.mockRestore();
  syncBuiltinESMExports();
  await loop.stop();
});
