/**
 * Would the simulation find a mistake? Each of `faults/` is brought back into a copy of the code, and histories are run on it:
 * `node test/simulation/faults.ts [NAME ...]`. Prints a table. The exit code is 1 when one is not found, when a text that is to be
 * changed is no longer there, and when nothing ran.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Change, Fault, Tried } from './faults/fault.ts';

const PROJECT = resolve(import.meta.dirname, '../..');
const FOLDER = join(import.meta.dirname, 'faults');
const NEEDED = ['src', 'test', 'manifests', 'package.json'];
const HISTORIES = 20;
/** Of one fault; a machine that is too slow for it tries fewer histories, and the table says how many. */
const SECONDS = 45;

interface Told {
  histories: number;
  found: number;
  seed?: number;
  violation?: string;
}

const asked = new Set(process.argv.slice(2));
const names = readdirSync(FOLDER)
  .map((file) => file.replace('.ts', ''))
  .filter((name) => name !== 'fault' && (asked.size === 0 || asked.has(name)));
let failed = names.length === 0;

print('| fault | found in | first seed | what is seen |\n|---|---|---|---|');
for (const name of names) {
  // oxlint-disable-next-line no-await-in-loop -- one after the other
  const { fault } = (await import(join(FOLDER, `${name}.ts`))) as { fault: Fault };
  print(row(name, fault, tryOut(fault)));
}
process.exitCode = failed ? 1 : 0;

function tryOut({ changes, tried = {} }: Fault): Told | string {
  const copy = mkdtempSync(join(tmpdir(), 'nodeop-fault-'));
  try {
    for (const part of NEEDED) cpSync(join(PROJECT, part), join(copy, part), { recursive: true });
    symlinkSync(join(PROJECT, 'node_modules'), join(copy, 'node_modules'));
    for (const change of changes) bringBack(copy, change);
    const command = ['test/simulation/run.ts', '--brief', '--seconds', String(SECONDS), ...options(tried)];
    return JSON.parse(execFileSync(process.execPath, command, { cwd: copy, encoding: 'utf8' })) as Told;
  } catch (error) {
    return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function bringBack(copy: string, { file, from, to }: Change): void {
  const path = join(copy, file);
  const parts = readFileSync(path, 'utf8').split(from);
  if (parts.length !== 2) throw new Error(`${file} has this text ${parts.length - 1} times: ${from}`);
  writeFileSync(path, parts.join(to));
}

function options({ sweep, git, with: text, seed = 1, histories = HISTORIES }: Tried): string[] {
  return [
    '--seed',
    String(seed),
    '--histories',
    String(histories),
    ...(sweep === true ? ['--sweep'] : []),
    ...(git === true ? ['--git'] : []),
    ...(text === undefined ? [] : ['--with', text]),
  ];
}

function row(name: string, { what, tried = {} }: Fault, told: Told | string): string {
  const isFound = typeof told !== 'string' && told.found > 0;
  if (!isFound) failed = true;
  const title = `${name}: ${what}`;
  if (typeof told === 'string') return `| ${title} | NOT TRIED | | ${told} |`;
  const flags = `${tried.sweep === true ? ' --sweep' : ''}${tried.git === true ? ' --git' : ''}`;
  const count = `${isFound ? '' : 'NOT FOUND, '}${told.found} of ${told.histories}`;
  return `| ${title} | ${count} | ${told.seed === undefined ? '' : `${told.seed}${flags}`} | ${brief(told.violation)} |`;
}

function brief(violation = ''): string {
  const text = violation.replace(/^[\d.]+ s: /, '');
  return text.length > 120 ? `${text.slice(0, 120)} …` : text;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
