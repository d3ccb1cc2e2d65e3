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
  expect(searchedFolders(layout)).toEqual(['ops', '', '.nodeop', 'nodeops', 'ops/runs']);
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

test.each<[string, { name: string; isFolder: boolean }[], string[]]>([
  [
    '',
    [folder('.NodeOp'), folder('.git')],
    ['.NodeOp is not .nodeop/: nothing in it is read; rename or remove it'],
  ],
  ['', [folder('.nodeop')], []],
  [
    '.nodeop',
    [file('Repository'), file('repository.txt'), file('other')],
    ['Repository', 'repository.txt'].map(
      (it) =>
        `.nodeop/${it} is not .nodeop/repository, which names the repository, and names none; rename or remove it`,
    ),
  ],
  ['.nodeop', [file('repository')], []],
  [
    'runs',
    ['a.yaml.txt', 'b.yaml ', 'c.yam', 'd.YMAL', 'e.yml', 'F.YAML', 'README.md', 'g.txt'].map(file),
    ['a.yaml.txt', 'b.yaml ', 'c.yam', 'd.YMAL'].map(
      (it) => `runs/${it} does not end in .yaml or .yml, and is not read; rename or remove it`,
    ),
  ],
  [
    'runs',
    [file('x.yaml'), file('X.YAML'), file('caf\u00e9.yaml'), file('cafe\u0301.yaml'), file('y.yaml')],
    [
      'runs/x.yaml differs from runs/X.YAML in the case or make of letters alone: macOS and Windows check out one of them; rename one',
      'runs/caf\u00e9.yaml differs from runs/cafe\u0301.yaml in the case or make of letters alone: macOS and Windows check out one of them; rename one',
    ],
  ],
  ['nodeops', [file('flash.yaml'), file('flash.yml')], []],
])('in %j: %j', (where, entries, expected) => {
  expect(misnamedIn(LAYOUT, where, entries).map(misnamedText)).toEqual(expected);
});
