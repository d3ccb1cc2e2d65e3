import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { reportPath, runPaths } from '../../src/core/runs/paths.ts';

const layout = { nodeops: 'nodeops', runs: 'ops/runs', results: 'results', cluster: 'east' } as Parameters<
  typeof reportPath
>[0];

test.each([
  ['a plain one', 'a.yaml', 'a.yaml'],
  ['in folders', 'east/2030/a.yaml', 'east/2030/a.yaml'],
  ['below a folder named like a run file', 'a.yaml/b.yaml', 'a%2Eyaml/b.yaml'],
  ['deeper below one', 'x/a.yml/b/c.yaml', 'x/a%2Eyml/b/c.yaml'],
  ['named like the agent’s own', '.baseline.yaml', '%2Ebaseline%2Eyaml'],
  ['below what git refuses', '.git/a.yaml', '%2Egit/a.yaml'],
])('the report of a run file %s has a place of its own', (_, inside, expected) => {
  const run = `ops/runs/${inside}`;
  expect(reportPath(layout, run)).toBe(`results/east/${expected}`);
  expect(runPaths(layout, `results/east/${expected}`)).toContain(run);
});

test.each([
  ['a.yaml', ['a.yaml']],
  // Only what is escaped is the report of a run file with the dots of the name.
  ['a%2Eyaml/b.yaml', ['a.yaml/b.yaml']],
  ['a%252Eyaml/b.yaml', ['a%2Eyaml/b.yaml']],
  ['%2Ebaseline%2Eyaml', ['.baseline.yaml']],
  ['%252Ebaseline%252Eyaml', ['%2Ebaseline%2Eyaml']],
  ['x%2Ey.yaml', ['x%2Ey.yaml']],
  ['100%.yaml', ['100%.yaml']],
  ['.baseline.yaml', []],
])('the report %s is that of %j', (inside, runs) => {
  expect(runPaths(layout, `results/east/${inside}`)).toEqual(runs.map((it) => `ops/runs/${it}`));
});

test('no two run files have their reports at one path, and each is found by its report', () => {
  const piece = fc.constantFrom(
    'a',
    '.',
    '..',
    '%',
    '2E',
    '%2E',
    '%25',
    '%252E',
    '.yaml',
    '.yml',
    '.git',
    'README.md',
  );
  const part = fc.array(piece, { minLength: 1, maxLength: 4 }).map((pieces) => pieces.join(''));
  const own = fc.constantFrom('.baseline.yaml', '.checkpoint.yaml', 'README.md', '%2Ebaseline%2Eyaml');
  const path = fc.oneof(
    fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/')),
    own,
  );
  fc.assert(
    fc.property(fc.uniqueArray(path, { minLength: 20, maxLength: 60 }), (paths) => {
      const reports = paths.map((it) => reportPath(layout, `ops/runs/${it}`));
      expect(new Set(reports).size).toBe(paths.length);
      for (const [i, report] of reports.entries())
        expect(runPaths(layout, report)).toEqual([`ops/runs/${paths[i]}`]);
    }),
    { numRuns: 500 },
  );
});
