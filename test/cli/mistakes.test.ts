import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve as absolute } from 'node:path';
import type { Command } from 'commander';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { allCommands, main } from '../../src/cli/program.ts';
import { tooOld } from '../../src/cli/node-version.ts';
import { cli, cliProcess } from '../support/cli.ts';

let dir: string;
const nowhere = { HOME: '/nonexistent', KUBECONFIG: '', KUBERNETES_SERVICE_HOST: '' };

beforeAll(() => {
  // Also the folder above is the test's own.
  dir = join(mkdtempSync(join(tmpdir(), 'nodeop-mistakes-')), 'here');
  mkdirSync(join(dir, 'folder'), { recursive: true });
  writeFileSync(join(dir, 'text'), 'not: [what, is, expected');
  writeFileSync(join(dir, 'empty.yaml'), '');
});

afterAll(() => {
  rmSync(join(dir, '..'), { recursive: true });
});

test.each([
  ['20.20.2', /needs Node\.js 22\.19 or newer, and this is 20\.20\.2.*npm ci/],
  ['22.18.9', /22\.19 or newer/],
  ['22.19.0', undefined],
  ['24.0.0', undefined],
])('Node.js %s', (version, expected) => {
  if (expected === undefined) expect(tooOld(version)).toBeUndefined();
  else expect(tooOld(version)).toMatch(expected);
});

test('an old Node.js is told before anything is loaded that it could not run', async () => {
  const pretend = `Object.defineProperty(process.versions, 'node', { value: '20.20.2' })`;
  const NODE_OPTIONS = `--import "data:text/javascript,${encodeURIComponent(pretend)}"`;
  const { code, stdout, stderr } = await cliProcess(['status'], { NODE_OPTIONS });
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/^nodeop-agent needs Node\.js .*\n$/);
});

test.each([
  ['status', [], 2, /^no usable kubeconfig: \$KUBECONFIG is not set.*--kubeconfig and --context\n$/],
  ['watch', ['x'], 2, /^no usable kubeconfig: \$KUBECONFIG is not set/],
  ['status', ['--kubeconfig', 'text'], 2, /^cannot use the kubeconfig text: [^\n]*\n$/],
  ['status', ['--kubeconfig', 'folder'], 2, /^cannot use the kubeconfig folder: it is a folder/],
  [
    'validate',
    ['none.yaml'],
    2,
    /^there is no such file or folder: none\.yaml; paths are taken from \/.*\n$/,
  ],
  ['validate', ['--root', 'none'], 2, /^there is no such file or folder: none;/],
  ['plan', ['runs/none.yaml'], 2, /^cannot read runs\/none\.yaml: there is no such file or folder/],
  ['comment', ['none.md'], 2, /^cannot read none\.md: there is no such file or folder\n$/],
  [
    'start',
    ['--config', 'none'],
    2,
    /^cannot read the configuration none: there is no such.*nodeop-agent init/,
  ],
  ['once', ['--config', 'folder'], 2, /^cannot read the configuration folder: it is a folder/],
  [
    'init',
    ['/dev/null/x'],
    2,
    /^cannot write \/dev\/null\/x\/README\.md: a part of the path is no folder\n$/,
  ],
  ['init', ['text'], 2, /^cannot write text\/README\.md: /],
  ['sim', ['--port', '70000'], 2, /'70000' is invalid.*from 0 to 65535/],
  ['sim', ['--port', '1e3'], 2, /'1e3' is invalid/],
  ['sim', ['--nodes', '0'], 2, /from 1 to 5000/],
  ['sim', ['--nodes', '999999'], 2, /from 1 to 5000/],
  ['sim', ['--kubeconfig', 'none/x'], 2, /^cannot write none\/x: there is no such.*--kubeconfig\n$/],
  ['sim', ['--dir', 'text'], 2, /^cannot write .*--dir\n$/],
  ['watch', ['x', '--timeout', '90d'], 2, /'90d' is invalid\. expected 24d at most/],
])('%s %j is answered in one sentence', async (command, args, code, text) => {
  const answer = await cli([command, ...args], nowhere, dir);
  expect(answer.stderr).toMatch(text);
  expect(answer.stderr).not.toMatch(/^ {4}at /m);
  expect({ code: answer.code, stdout: answer.stdout }).toEqual({ code, stdout: '' });
});

test('a port that is taken', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const { code, stderr } = await cli(['sim', '--port', String(port)], nowhere, dir);
  server.close();
  expect(stderr).toBe(
    `cannot listen on port ${port}: somebody else listens there already; choose another --port, or 0 for any free one\n`,
  );
  expect(code).toBe(2);
});

/** Words people type where something else is wanted, but for the whole disk: to read it takes as long as it is large. */
const words = () => anyWords().filter((it) => absolute(dir, it) !== '/');

const anyWords = () =>
  fc.oneof(
    fc.constantFrom('', '-', '--', '-1', '0', '70000', '1e9', 'NaN', '.', '..', '~', '*', 'x y'),
    fc.constantFrom(
      'none',
      'folder',
      'text',
      'empty.yaml',
      'folder/none',
      'text/none',
      '/dev/null',
      '5m',
      '90d',
    ),
    fc.constantFrom('json', 'github', 'https://', 'git@', 'http://x:y@z', '${HOME}', '\u0000', '\u001b[2J'),
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.constant('a'.repeat(5000)),
  );

/** A command line with some of the command's own options, and words in any place. */
const lines = (commands: readonly Command[]) =>
  fc.constantFrom(...commands).chain((command) => {
    const names = command.options.map((it) => it.long ?? '');
    const option = names.length === 0 ? words() : fc.constantFrom(...names);
    const part = fc.oneof(
      words(),
      option,
      fc.tuple(option, words()).map((it) => it),
    );
    return fc.array(part, { maxLength: 6 }).map((parts) => [command.name(), ...parts.flat()]);
  });

test('whatever is typed, the answer is no stack trace, and never a fault of the program', async () => {
  // A demonstration takes no words but its options; what it shows has tests of its own.
  const commands = (await allCommands()).filter((it) => it.name() !== 'demo');
  const output: string[] = [];
  const write = (chunk: unknown) => output.push(String(chunk)) > 0;
  vi.spyOn(process.stdout, 'write').mockImplementation(write);
  vi.spyOn(process.stderr, 'write').mockImplementation(write);
  vi.stubEnv('HOME', '/nonexistent');
  vi.stubEnv('KUBECONFIG', '');
  const [cwd, exitCode] = [process.cwd(), process.exitCode];
  process.chdir(dir);
  // What goes on until it is told to end is told so.
  const stop = setInterval(() => process.emit('SIGINT'), 20);
  const exit = vi.spyOn(process, 'exit').mockReturnValue(undefined as never);
  try {
    await fc.assert(
      fc.asyncProperty(lines(commands), async (line) => {
        output.length = 0;
        process.exitCode = 0;
        await main(['node', 'nodeop-agent', ...line]);
        const text = output.join('');
        expect(text).not.toMatch(/^ {4}at /m);
        expect(text).not.toContain('fault of nodeop-agent');
        expect([0, 1, 2, 3, 130]).toContain(process.exitCode);
        if (process.exitCode === 2) expect(text.trim()).not.toBe('');
      }),
      { numRuns: 300 },
    );
  } finally {
    clearInterval(stop);
    process.chdir(cwd);
    process.exitCode = exitCode;
    exit.mockRestore();
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
  }
}, 120_000);
