import { expect, test } from 'vitest';
import { InvalidError } from '../../src/api/errors.ts';
import { atOnce } from '../../src/api/pieces.ts';
import { formatBaseline, readBaseline } from '../../src/core/runs/baseline.ts';

const PATH = 'results/.baseline.yaml';
const read = (text: string | Uint8Array) => atOnce(readBaseline(PATH, Buffer.from(text)));
const OWNER = '7b0e1c9e-0000-4000-8000-000000000001';

test('what is written is read as it was: the runs passed over, and whose the folder is', () => {
  for (const owner of [OWNER, undefined])
    for (const runs of [[], ['runs/b.yaml', 'runs/a.yaml']])
      expect(read(formatBaseline(runs, owner))).toEqual({ runs: new Set(runs), owner });
});

test('it tells people what it is, and is the same in whatever order the runs were found', () => {
  const text = formatBaseline(['runs/b.yaml', 'runs/a.yaml'], OWNER);
  expect(text.split('\n').slice(0, 2)).toEqual([
    '# Run files that are passed over: there at first contact, or over and their report removed.',
    '# Without this file they would be carried out. Written by nodeop-agent.',
  ]);
  expect(formatBaseline(['runs/a.yaml', 'runs/b.yaml'], OWNER)).toBe(text);
  // A path is one line, however long: merging is done by lines.
  const long = `runs/${'a b '.repeat(60)}.yaml`;
  expect(formatBaseline([long], undefined)).toContain(long);
});

test('one that grew beyond what people may write is read as well', () => {
  const runs = Array.from({ length: 3000 }, (_, i) => `runs/${String(i).padStart(400, '0')}.yaml`);
  const text = formatBaseline(runs, OWNER);
  expect(text.length).toBeGreaterThan(1024 * 1024);
  expect(read(text)).toEqual({ runs: new Set(runs), owner: OWNER });
  // A second list would hide one of them.
  expect(() => read(text.replace('runs:\n', 'runs: []\nruns:\n'))).toThrow(InvalidError);
});

test.each([
  ['is empty', ''],
  ['is no YAML', 'runs: ['],
  ['is a list', '- runs/a.yaml'],
  ['is of another kind', 'apiVersion: agent.nodeop.dev/v1alpha1\nkind: NodeOpReport\nruns: []\n'],
  ['lost its list', 'apiVersion: agent.nodeop.dev/v1alpha1\nkind: NodeOpBaseline\n'],
])('nothing is started on the strength of one that %s', (_, text) => {
  expect(() => read(text)).toThrow(
    /^results\/\.baseline\.yaml cannot be read \(.+\); no run is started until it is restored from the history of the branch$/,
  );
});
