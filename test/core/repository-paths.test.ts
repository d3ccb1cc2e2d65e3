import { describe, expect, test } from 'vitest';
import {
  baselinePath,
  checkpointPath,
  foldersOf,
  holdPath,
  isDefinition,
  isOwnFile,
  isRunFile,
  isTooMuch,
  isYaml,
  overviewPath,
  pathOfRunId,
  refusal,
  reportPath,
  runId,
  runsNamedLikeOwn,
} from '../../src/core/runs/paths.ts';

const ONE = { nodeops: 'nodeops', runs: 'ops/runs', results: 'results' };
const EAST = { ...ONE, cluster: 'east' };
const [FILE, LINK, SUBMODULE] = ['100644', '120000', '160000'];

test('each cluster has a folder of its own', () => {
  expect(foldersOf(ONE)).toEqual({ runs: 'ops/runs', results: 'results' });
  expect(foldersOf(EAST).results).toBe('results/east');
  expect(reportPath(EAST, 'ops/runs/a.yaml')).toBe('results/east/a.yaml');
  expect([baselinePath(EAST), checkpointPath(EAST), overviewPath(EAST)]).toEqual([
    'results/east/.baseline.yaml',
    'results/east/.checkpoint.yaml',
    'results/east/README.md',
  ]);
});

test('the file that holds all clusters lies beside the run files', () => {
  expect(holdPath(ONE)).toBe('ops/hold.yaml');
  expect(holdPath({ ...ONE, runs: 'runs' })).toBe('hold.yaml');
  expect(holdPath({ ...ONE, hold: 'stop.yaml' })).toBe('stop.yaml');
});

test.each<[string, boolean]>([
  ['.baseline.yaml', true],
  ['.checkpoint.yaml', true],
  ['README.md', true],
  ['a.yaml', false],
  ['Rollout.yaml', false],
  ['.other.yaml', false],
  ['folder/README.md', false],
])('%s of the results is the agent’s own: %j', (name, own) => {
  expect(isOwnFile(EAST, `results/east/${name}`)).toBe(own);
});

test('run files that are named like those have their reports elsewhere', () => {
  for (const path of runsNamedLikeOwn(EAST)) expect(isOwnFile(EAST, reportPath(EAST, path))).toBe(false);
  expect(runsNamedLikeOwn(EAST)).toContain('ops/runs/README.md');
});

describe('what counts as a run file', () => {
  test.each<[string, string | undefined, boolean]>([
    ['ops/runs/a.yaml', FILE, true],
    ['ops/runs/east/a.YML', FILE, true],
    ['ops/runs/a.txt', FILE, false],
    ['ops/runs.yaml', FILE, false],
    ['ops/runs-old/a.yaml', FILE, false],
    // Refused by a report rather than followed.
    ['ops/runs/link', LINK, true],
    ['ops/runs/vendor', SUBMODULE, true],
    ['ops/link', LINK, false],
  ])('%s (%s): %j', (path, mode = '', is) => {
    expect(isRunFile(EAST, path, mode)).toBe(is);
  });

  test.each<[string, string | undefined, RegExp | undefined]>([
    ['runs/a.yaml', FILE, undefined],
    ['runs/a..b.yaml', FILE, undefined],
    ['runs/.hidden/a.yaml', FILE, undefined],
    ['runs/a.yaml', LINK, /^is a symbolic link/],
    ['runs/vendor', SUBMODULE, /^is a submodule/],
    ['runs/../a.yaml', FILE, /^has a path with/],
    ['runs/./a.yaml', FILE, /^has a path with/],
    ['runs/a.yaml/b.yaml', FILE, /^lies in a folder that is named like a run file/],
    ['runs/x.not-utf-8-0123456789abcdef.yaml', FILE, /^has a name that is not UTF-8/],
    ['runs/x.TOO-LONG-0123456789abcdef/a.yaml', FILE, /^has a name that is longer than 255 bytes/],
  ])('%s (%s) is refused: %s', (path, mode = '', why) => {
    if (why === undefined) expect(refusal(path, mode)).toBeUndefined();
    else expect(refusal(path, mode)).toMatch(why);
  });
});

test.each<[string, string | undefined, boolean]>([
  ['nodeops/flash.yaml', FILE, true],
  ['nodeops/bmc/flash.yml', FILE, true],
  ['nodeops/flash.yaml', LINK, false],
  ['nodeops/flash.yaml', SUBMODULE, false],
  ['nodeops/README.md', FILE, false],
  ['nodeops-old/flash.yaml', FILE, false],
])('%s (%s) is a definition: %j', (path, mode = '', is) => {
  expect(isDefinition(EAST, path, mode)).toBe(is);
});

test('YAML is told by the end of the name', () => {
  expect(['a.yaml', 'a.YML', 'a.yaml.txt', 'yaml'].map(isYaml)).toEqual([true, true, false, false]);
});

test('a NodeOp is tied to the run of one cluster', () => {
  expect(runId(EAST, 'runs/a.yaml')).toBe('east:runs/a.yaml');
  expect(runId(ONE, 'runs/a.yaml')).toBe(':runs/a.yaml');
  expect(pathOfRunId(EAST, 'east:runs/a.yaml')).toBe('runs/a.yaml');
  expect(pathOfRunId(ONE, ':runs/a.yaml')).toBe('runs/a.yaml');
  for (const [layout, id] of [
    [EAST, 'west:runs/a.yaml'],
    [EAST, ':runs/a.yaml'],
    [ONE, 'east:runs/a.yaml'],
    [EAST, undefined],
  ] as const)
    expect(pathOfRunId(layout, id)).toBeUndefined();
});

test('a folder that holds more than can be read is answered, and no definition', () => {
  const FOLDER = '040000';
  expect(isTooMuch(FOLDER)).toBe(true);
  expect(isTooMuch(FILE)).toBe(false);
  expect(isRunFile(ONE, 'ops/runs/big/.', FOLDER)).toBe(true);
  expect(isDefinition(ONE, 'nodeops/big.yaml', FOLDER)).toBe(false);
  expect(refusal('ops/runs/big/.', FOLDER)).toMatch(/^is a folder that holds more than can be read/);
});
