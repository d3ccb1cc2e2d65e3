import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { formatProblem } from '../../src/api/schema.ts';
import { validatePaths } from '../../src/cli/validate/paths.ts';

let root: string;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'nodeop-parameters-'))));
afterEach(() => rmSync(root, { recursive: true }));

async function problems(files: Record<string, string>): Promise<string[]> {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const found = await validatePaths([], { root, nodeops: 'nodeops' });
  const text = (it: (typeof found.problems)[number]) => `${it.file}:${it.line}: ${formatProblem(it)}`;
  return found.problems.map((it) => text(it).replaceAll(`${root}/`, ''));
}

const flash = (lines: string) =>
  `apiVersion: operator.kairos.io/v1alpha1\nkind: NodeOp\nmetadata: {name: flash}\nspec:\n  image: x\n  command: [a]\n${lines}`;
const run = (lines: string, head = '') =>
  `apiVersion: agent.nodeop.dev/v1alpha1\nkind: NodeOpRun\n${head}spec:\n  nodeOp: flash\n${lines}`;
const VERSION = '  parameters:\n    - {name: VERSION, required: true}\n';

test('a definition is judged by itself, and by every run that names it', async () => {
  expect(
    await problems({
      'nodeops/flash.yaml': flash('  parameters:\n    - {name: VERSION, type: integer, default: "1"}\n'),
      'runs/a.yaml': run(''),
    }),
  ).toEqual([
    'nodeops/flash.yaml:8: spec.parameters[0].default: expected a whole number, found the text "1"; take the quotes away: 1',
    'runs/a.yaml:4: spec.nodeOp: definition "flash" is not valid here: nodeops/flash.yaml:8:38: spec.parameters[0].default: expected a whole number, found the text "1"; take the quotes away: 1',
  ]);
});

test('what else is wrong with it is told along', async () => {
  const text = flash(`  comand: b\n${VERSION}    - {name: PATH}\n`);
  expect(await problems({ 'nodeops/flash.yaml': text })).toEqual([
    'nodeops/flash.yaml:7: spec.comand: unknown field "comand"; did you mean "command"?',
    'nodeops/flash.yaml:10: spec.parameters[1].name: cannot be PATH, which the agent, the loader or the shell heeds',
  ]);
});

test('values of a run and of a schedule are judged as they are written', async () => {
  const schedule = (value: string) =>
    run(`  schedule: "0 1 * * *"\n  parameters: {VERSION: ${value}}\n`, 'metadata: {name: nightly}\n');
  expect(
    await problems({
      'nodeops/flash.yaml': flash(VERSION),
      'nodeops/misread.yaml': schedule('1e3'),
      'nodeops/nightly.yaml': schedule('7'),
      'nodeops/fine.yaml': schedule('"7"'),
      'runs/a.yaml': run('  parameters: {VERSION: 0x1F}\n'),
      'runs/b.yaml': run('  parameters: {VERSION: "0x1F"}\n'),
    }),
  ).toEqual([
    'nodeops/misread.yaml:7: spec.parameters.VERSION: expected a whole number in decimal digits, found the number 1000, written "1e3"; write 1000, or quote it where text is meant',
    'nodeops/nightly.yaml:7: spec.parameters.VERSION: expected text, found the number 7; quote it: "7"',
    'runs/a.yaml:5: spec.parameters.VERSION: expected text, found the number 31, written "0x1F"; quote it: "0x1F"',
  ]);
});

test('the schedule of a definition itself gives no values', async () => {
  const scheduled = '  schedule: "0 1 * * *"\n';
  expect(await problems({ 'nodeops/flash.yaml': flash(scheduled + VERSION) })).toEqual([
    'nodeops/flash.yaml:9: spec.parameters[0].required: the schedule of this definition gives VERSION no value: give it a default, or schedule it by a NodeOpRun',
  ]);
  const optional = VERSION.replace('required: true', 'default: a');
  expect(await problems({ 'nodeops/flash.yaml': flash(scheduled + optional) })).toEqual([]);
});

test('a NodeOp that is a run itself has no parameters', async () => {
  expect(await problems({ 'runs/a.yaml': flash(VERSION) })).toEqual([
    'runs/a.yaml:7: spec.parameters: unknown field "parameters"; definitions under nodeops/ have it, and no NodeOp; a run gives spec.parameters of a NodeOpRun',
  ]);
});
