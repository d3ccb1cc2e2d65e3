import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cli } from '../support/cli.ts';

test('files are printed, or written once and never over, and can be validated', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'nodeop-import-'));
  const file = join(dir, 'plans.yaml');
  writeFileSync(
    file,
    `apiVersion: v1
kind: Pod
---
apiVersion: upgrade.cattle.io/v1
kind: Plan
metadata: {name: bash}
spec: {concurrency: 1, cordon: true, version: v1, upgrade: {image: "bash:5", command: [bash, -c, 'true']}}
`,
  );
  const printed = await cli(['import', file]);
  expect(printed.code).toBe(0);
  expect(printed.stdout).toMatch(/^# nodeops\/bash\.yaml\n[\s\S]*\n---\n# runs\/bash\.yaml\n/);
  expect(printed.stderr).toContain(`${file}: 1 object of another kind is left out\n`);
  expect(await cli(['import', file, '--root', dir, '--write'])).toMatchObject({ code: 0 });
  expect(await cli(['validate', '--root', dir])).toMatchObject({ code: 0 });
  const before = readFileSync(join(dir, 'nodeops/bash.yaml'), 'utf8');
  const again = await cli(['import', file, '--root', dir, '--write']);
  expect(again).toMatchObject({ code: 2 });
  expect(again.stderr).toContain('would be written over: ');
  expect(readFileSync(join(dir, 'nodeops/bash.yaml'), 'utf8')).toBe(before);

  writeFileSync(
    file,
    'apiVersion: operator.kairos.io/v1alpha1\nkind: NodeOp\nmetadata: {name: a}\nspec: {command: [w]}\n',
  );
  expect((await cli(['import', file])).stderr).toMatch(/^a: spec\.image: none is named: .*--config FILE/);
  writeFileSync(file, 'kind: [\n');
  expect((await cli(['import', file])).stderr).toMatch(/plans\.yaml:2:1: not YAML: /);
  writeFileSync(file, 'kind: Pod\n');
  expect((await cli(['import', file])).stderr).toBe(`${file} holds no NodeOp, NodeOpUpgrade or Plan\n`);
  rmSync(dir, { recursive: true });
});

test('of two with one name none is written', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'nodeop-import-'));
  const file = join(dir, 'nodeops.yaml');
  const one = (namespace: string) =>
    `{apiVersion: operator.kairos.io/v1alpha1, kind: NodeOp, metadata: {name: a, namespace: ${namespace}}, spec: {image: a, command: [a]}}\n`;
  writeFileSync(file, `${one('x')}---\n${one('y')}`);
  const answer = await cli(['import', file, '--root', dir, '--write']);
  expect(answer).toMatchObject({ code: 2, stdout: '' });
  expect(answer.stderr).toMatch(/^several are called a: /);
  expect(existsSync(join(dir, 'nodeops'))).toBe(false);
  rmSync(dir, { recursive: true });
});

test('what is wrong with a file is told with its name', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'nodeop-import-'));
  const file = join(dir, 'odd.yaml');
  const said = async (text: string) => {
    writeFileSync(file, text);
    const { code, stdout, stderr } = await cli(['import', file]);
    expect([code, stdout]).toEqual([2, '']);
    return stderr;
  };
  const plan = (name: string) =>
    `{apiVersion: upgrade.cattle.io/v1, kind: Plan, metadata: {name: ${name}}, spec: {}}`;
  expect(await said(plan('../../evil'))).toBe(
    `${file}: metadata.name: "../../evil" is no name of an object, by which both files are called: give it another one\n`,
  );
  const nested = Array.from({ length: 9 }, (_, i) => `x${i + 1}: &x${i + 1} [${`*x${i}, `.repeat(10)}]`);
  expect(await said(`x0: &x0 a\n${nested.join('\n')}\nkind: Plan\n`)).toContain(`${file}: holds more than`);
  expect(await cli(['import', dir])).toMatchObject({
    code: 2,
    stderr: `cannot read ${dir}: it is a folder\n`,
  });
  rmSync(dir, { recursive: true });
});
