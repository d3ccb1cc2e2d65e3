import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { validatePaths } from '../../src/cli/validate/paths.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'nodeop-misnamed-'));
  for (const folder of ['runs', 'nodeops']) mkdirSync(join(root, folder));
});

afterEach(() => rmSync(root, { recursive: true }));

test('validate names what the agent would not read', async () => {
  writeFileSync(join(root, 'HOLD'), '');
  mkdirSync(join(root, 'Runs'));
  const { problems } = await validatePaths([], { root, nodeops: 'nodeops' });
  expect(problems.map(({ file, message }) => `${file} ${message}`).toSorted()).toEqual([
    `${root}/HOLD is not hold.yaml, which holds all clusters, and holds nothing; rename or remove it`,
    `${root}/Runs is not runs/: nothing in it is read; rename or remove it`,
  ]);
});

test('it says nothing of the real ones, nor when single files are asked about', async () => {
  writeFileSync(join(root, 'hold.yaml'), '');
  expect((await validatePaths([], { root, nodeops: 'nodeops' })).problems).toEqual([]);
  writeFileSync(join(root, 'HOLD'), '');
  expect((await validatePaths([join(root, 'runs')], { root, nodeops: 'nodeops' })).problems).toEqual([]);
});
