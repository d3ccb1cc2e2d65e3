import { expect, test } from 'vitest';
import { atOnce } from '../../src/api/pieces.ts';
import type { ReportBrief } from '../../src/core/runs/brief.ts';
import { formatCheckpoint, readCheckpoint } from '../../src/core/runs/checkpoint.ts';
import { NewestReports } from '../../src/core/runs/newest.ts';

const LAYOUT = { nodeops: 'nodeops', runs: 'runs', results: 'results', cluster: 'berlin' };
const brief = (began: number): ReportBrief => ({
  run: 'runs/a.yaml',
  phase: 'Completed',
  began,
  ended: began + 60_000,
  total: 3,
  completed: 3,
  failed: 0,
});
const checkpoint = (folder: string, count: number, unsettled: string[]) => ({
  tree: '0123456789012345678901234567890123456789',
  over: count,
  unsettled: new Set(unsettled.map((it) => `${folder}/${it}`)),
  newest: new NewestReports(Array.from({ length: count }, (_, i) => [`${folder}/${i}.yaml`, brief(i)])),
});
const read = (text: string, layout = LAYOUT) => atOnce(readCheckpoint(Buffer.from(text), layout));

test.each([0, 2, 99, 150])('what is written is read as it was: of %d reports', (count) => {
  const written = checkpoint('results/berlin', count, ['waits.yaml', 'b/invalid.yaml']);
  const found = read(formatCheckpoint(written, LAYOUT));
  expect(found).toMatchObject({ tree: written.tree, over: count, unsettled: written.unsettled });
  expect(found?.newest.all()).toEqual(written.newest.all());
  expect(found?.newest.hasOlder).toBe(count > 100);
});

test('it says what it is for, and stays as it is while nothing else is true', () => {
  const text = formatCheckpoint(checkpoint('results/berlin', 1, ['b.yaml', 'a.yaml']), LAYOUT);
  expect(text.split('\n').slice(0, 2)).toEqual([
    '# What the agent need not read again when it starts: of the reports in this tree all others say that their run is over.',
    '# It may be removed; the next start then reads every report. Written by nodeop-agent.',
  ]);
  expect(formatCheckpoint(checkpoint('results/berlin', 1, ['a.yaml', 'b.yaml']), LAYOUT)).toBe(text);
});

test('it is true of its folder wherever people move that', () => {
  const moved = read(formatCheckpoint(checkpoint('results/berlin', 1, ['a.yaml']), LAYOUT), {
    ...LAYOUT,
    results: 'elsewhere',
  });
  expect(moved).toMatchObject({ unsettled: new Set(['elsewhere/berlin/a.yaml']) });
  expect(moved?.newest.all().map(([path]) => path)).toEqual(['elsewhere/berlin/0.yaml']);
});

test('a list too long to be read in one go loses nothing', () => {
  const unsettled = Array.from({ length: 3000 }, (_, i) => `${String(i).padStart(400, '0')}.yaml`);
  const written = checkpoint('results/berlin', 1, unsettled);
  const text = formatCheckpoint(written, LAYOUT);
  expect(text.length).toBeGreaterThan(1024 * 1024);
  expect(read(text)?.unsettled).toEqual(written.unsettled);
});

test.each([
  ['nothing', ''],
  ['no YAML', '{'],
  ['a list', '- a'],
  ['another kind', 'apiVersion: agent.nodeop.dev/v1alpha1\nkind: NodeOpReport\n'],
])('one that holds %s spares nothing, and breaks nothing', (_, text) => {
  expect(read(text)).toBeUndefined();
});
