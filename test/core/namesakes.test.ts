import { expect, test } from 'vitest';
import { areNamesakes, askedBy, namesakeText } from '../../src/core/runs/namesakes.ts';
import type { Preparation } from '../../src/core/runs/prepare.ts';

const asked = (path: string, clusters: string[] = [], name = 'flash', namespace = 'ops') => ({
  path,
  name,
  namespace,
  clusters,
});

test('a run file asks for the NodeOp it becomes, in its clusters; one that is not valid for none', () => {
  const manifest = { metadata: { name: 'flash', namespace: 'ops' } };
  const prepared = (clusters?: string[]) => ({ ok: true, manifest, clusters }) as unknown as Preparation;
  expect(askedBy('runs/a.yaml', prepared(['berlin']))).toEqual(asked('runs/a.yaml', ['berlin']));
  expect(askedBy('runs/a.yaml', prepared())).toEqual(asked('runs/a.yaml'));
  expect(askedBy('runs/a.yaml', { ok: false, problems: [] })).toBeUndefined();
});

test.each<[boolean, string, ReturnType<typeof asked>]>([
  [true, 'the same everywhere', asked('b')],
  [true, 'everywhere and in one cluster', asked('b', ['berlin'])],
  [false, 'another name', asked('b', [], 'other')],
  [false, 'another namespace', asked('b', [], 'flash', 'other')],
  [false, 'the very file', asked('a')],
])('%s: two files ask for one NodeOp when it is %s', (expected, _, other) => {
  expect(areNamesakes(asked('a'), other)).toBe(expected);
  expect(areNamesakes(other, asked('a'))).toBe(expected);
});

test('files for different clusters do not meet, files that share one do', () => {
  expect(areNamesakes(asked('a', ['berlin', 'bern']), asked('b', ['paris']))).toBe(false);
  expect(areNamesakes(asked('a', ['berlin', 'bern']), asked('b', ['paris', 'bern']))).toBe(true);
});

test('who is told hears of the other file and of the way out', () => {
  expect(namesakeText(asked('a'), asked('runs/b.yaml'))).toMatch(
    /^runs\/b\.yaml asks for the NodeOp ops\/flash as well, and only one of them gets it; .*generateName: flash-/,
  );
});
