import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cli } from '../support/cli.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nodeop-stdin-'));
  for (const folder of ['runs', 'nodeops']) mkdirSync(join(dir, folder));
  writeFileSync(join(dir, 'nodeops/hello.yaml'), definition('hello'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const definition = (name: string, more = '') =>
  `apiVersion: operator.kairos.io/v1alpha1\nkind: NodeOp\nmetadata: {name: ${name}}\nspec: {image: "busybox@sha256:${'a'.repeat(64)}", command: ["true"]${more}}\n`;
const run = (name: string) =>
  `apiVersion: agent.nodeop.dev/v1alpha1\nkind: NodeOpRun\nspec:\n  nodeOp: ${name}\n`;

/** What the command says of a text on its standard input. */
async function validate(text: string | Uint8Array, ...args: string[]) {
  const before = Object.getOwnPropertyDescriptor(process, 'stdin');
  Object.defineProperty(process, 'stdin', { value: Readable.from([Buffer.from(text)]), configurable: true });
  try {
    const { code, stdout, stderr } = await cli(['validate', ...args, '--root', dir]);
    return [code, stdout + stderr];
  } finally {
    if (before) Object.defineProperty(process, 'stdin', before);
  }
}

test('a run file, by the definitions of the repository', async () => {
  expect(await validate(run('hello'), '-')).toEqual([0, '1 file checked, 0 problems\n']);
  expect(await validate(run('helo'), '-')).toEqual([
    1,
    '-:4:3: spec.nodeOp: no definition is named "helo"; did you mean "hello"?\n1 file checked, 1 problem\n',
  ]);
});

test('with where it lies it is told by that, and judged as what lies there', async () => {
  const [code, said] = await validate(run('helo'), '-', '--stdin-path', 'runs/a b.yaml');
  expect([code, said]).toEqual([1, expect.stringMatching(/^runs\/a b\.yaml:4:3: spec\.nodeOp: /) as string]);
  // A definition may have parameters, a run file may not.
  const text = definition('new', ', parameters: [{name: A, default: x}]');
  expect(await validate(text, '-', '--stdin-path', 'nodeops/new.yaml')).toEqual([
    0,
    '1 file checked, 0 problems\n',
  ]);
  expect((await validate(text, '-', '--stdin-path', 'runs/new.yaml'))[0]).toBe(1);
});

test('a definition takes the place of the file it is another version of, and of no other', async () => {
  expect((await validate(definition('hello'), '-', '--stdin-path', 'nodeops/hello.yaml'))[0]).toBe(0);
  const [code, said] = await validate(definition('hello'), '-', '--stdin-path', 'nodeops/twin.yaml');
  expect(code).toBe(1);
  expect(said).toContain('"hello" is defined more than once');
});

test('beside files, and as a document', async () => {
  writeFileSync(join(dir, 'runs/wrong.yaml'), run('helo'));
  const [code, said] = await validate(run('hallo'), '-', join(dir, 'runs/wrong.yaml'), '-o', 'json');
  expect([code, JSON.parse(String(said))]).toMatchObject([
    1,
    { files: 2, problems: [{ file: '-' }, { file: join(dir, 'runs/wrong.yaml') }] },
  ]);
});

test.each([
  ['nothing', '', 1, '-:1:1: file is empty'],
  ['what is no text', Buffer.from([0, 255, 1, 254]), 1, '-:1:1: file is not valid UTF-8'],
  ['no document of ours', 'kind: Pod\n', 1, '-:1:1: '],
])('%s', async (_, text, code, expected) => {
  const [found, said] = await validate(text, '-');
  expect([found, String(said).slice(0, expected.length)]).toEqual([code, expected]);
});

test('a path is one inside the repository, and goes with standard input', async () => {
  for (const path of ['/etc/passwd', '../x.yaml']) {
    const [code, said] = await validate(run('hello'), '-', '--stdin-path', path);
    expect([code, said]).toEqual([
      2,
      expect.stringContaining('expected a path inside the repository') as string,
    ]);
  }
  expect(await validate('', '--stdin-path', 'runs/a.yaml')).toEqual([
    2,
    '--stdin-path goes with -, for standard input\n',
  ]);
});
