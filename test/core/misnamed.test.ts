import { expect, test } from 'vitest';
import { misnamedIn, misnamedText, searchedFolders } from '../../src/core/runs/misnamed.ts';

const LAYOUT = { nodeops: 'nodeops', runs: 'runs', results: 'results' };
const file = (name: string) => ({ name, isFolder: false });
const folder = (name: string) => ({ name, isFolder: true });

test.each(['hold.yml', 'Hold.yaml', 'HOLD', 'hold', 'HOLD.YAML', 'hold.txt', 'hold.json'])(
  '%s is no brake, and is told of',
  (name) => {
    const near = misnamedIn(LAYOUT, '', [file(name), folder('runs')]);
    expect(near.map(misnamedText)).toEqual([
      `${name} is not hold.yaml, which holds all clusters, and holds nothing; rename or remove it`,
    ]);
  },
);

test('one beside the real one is ignored, and told of as that', () => {
  const near = misnamedIn(LAYOUT, '', [file('hold.yaml'), file('hold.yml')]);
  expect(near.map(misnamedText)).toEqual([
    'hold.yml is not hold.yaml, which holds all clusters, and is ignored beside it; rename or remove it',
  ]);
});

test.each(['hold.yaml', 'hold.yaml.orig', 'household.yaml', 'on-hold.yml', 'README.md', 'hold.md'])(
  '%s is what it is',
  (name) => {
    expect(misnamedIn(LAYOUT, '', [file(name), folder('hold.yml')])).toEqual([]);
  },
);

test('the one that is configured counts, where it is configured', () => {
  const layout = { ...LAYOUT, runs: 'ops/runs', hold: 'ops/STOP.yml' };
  expect(searchedFolders(layout)).toEqual(['ops', '']);
  expect(misnamedIn(layout, 'ops', [file('stop.yaml'), file('hold.yml')]).map(({ path }) => path)).toEqual([
    'ops/stop.yaml',
  ]);
  expect(misnamedIn(layout, '', [file('stop.yaml')])).toEqual([]);
});

test('folders whose names differ in the case of a letter are told of', () => {
  const near = misnamedIn(LAYOUT, '', [
    folder('Runs'),
    folder('NodeOps'),
    folder('runs'),
    file('RUNS'),
    folder('docs'),
  ]);
  expect(near.map(misnamedText)).toEqual([
    'Runs is not runs/: nothing in it is read; rename or remove it',
    'NodeOps is not nodeops/: nothing in it is read; rename or remove it',
  ]);
});
