/**
 * Would the simulation find a mistake? Each of `faults/` is brought back into a copy of the code: its history in `histories/` has to
 * break a promise there, and so has one of those that are tried by chance or by plan. `node test/simulation/faults.ts [--write]
 * [--keep] [NAME ...]`, as many at a time as there are cores. Prints a table; `--write` puts it into the docs, `--keep` keeps the
 * shortest history that was found; `--kept` tries nothing but those; `--cpu` bounds the seconds of the processor for each mistake. The exit code is 1 when a mistake is not found, when a text that is to be changed is no longer
 * there, and when nothing ran.
 */
import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import type { Change, Fault, Tried } from './faults/fault.ts';
import { isFound, mergeTable, rowOf, type Told } from './faults-table.ts';

const PROJECT = resolve(import.meta.dirname, '../..');
const FOLDER = join(import.meta.dirname, 'faults');
const DOCS = join(PROJECT, 'docs/reliability.md');
const NEEDED = ['src', 'test', 'manifests', 'package.json'];
const HISTORIES = 1_000;
/** So many times it has to be seen to know how often it is. */
const ENOUGH = 3;

const run = promisify(execFile);
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    write: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    kept: { type: 'boolean', default: false },
    cpu: { type: 'string', default: '60' },
  },
});
const names = readdirSync(FOLDER)
  .map((file) => file.replace('.ts', ''))
  .filter((name) => name !== 'fault' && (positionals.length === 0 || positionals.includes(name)))
  .toSorted((a, b) => positionals.indexOf(a) - positionals.indexOf(b));
let failed = names.length === 0;

const left = names.values();
await Promise.all(
  Array.from({ length: availableParallelism() }, async () => {
    for (const name of left) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const { fault } = (await import(join(FOLDER, `${name}.ts`))) as { fault: Fault };
      // oxlint-disable-next-line no-await-in-loop
      const told = await tryOut(name, fault);
      if (!isFound(told)) failed = true;
      const row = rowOf(name, fault, told);
      process.stdout.write(`${row}\n`);
      if (options.write) writeFileSync(DOCS, mergeTable(readFileSync(DOCS, 'utf8'), name, row));
    }
  }),
);
process.exitCode = failed ? 1 : 0;

async function tryOut(name: string, { what, changes, tried = {} }: Fault): Promise<Told | string> {
  const copy = mkdtempSync(join(tmpdir(), 'nodeop-fault-'));
  try {
    for (const part of NEEDED) cpSync(join(PROJECT, part), join(copy, part), { recursive: true });
    symlinkSync(join(PROJECT, 'node_modules'), join(copy, 'node_modules'));
    for (const change of changes) bringBack(copy, change);
    const history = join(import.meta.dirname, 'histories', `${name}.json`);
    const named = existsSync(history) ? await triedOn(copy, ['--plan', history, '--seed', '0']) : undefined;
    if (options.kept) return named ? { ...named, named: named.found > 0 } : 'no history is kept of it';
    let found = await triedOn(copy, argumentsOf(tried));
    // What chance does not find may be found by plan.
    if (found.found === 0 && tried.git !== true && tried.sweep !== true && tried.restored !== true)
      found = { ...(await triedOn(copy, argumentsOf({ ...tried, sweep: true }))), sweep: true };
    if (options.keep && found.short) {
      const { plan, end } = found.short;
      writeFileSync(history, `${JSON.stringify({ what, seen: found.violation, end, plan }, undefined, 1)}\n`);
    }
    const violation = found.violation ?? named?.violation;
    return { ...found, ...(violation === undefined ? {} : { violation }), named: named && named.found > 0 };
  } catch (error) {
    return error instanceof Error ? error.message.split('\n').slice(0, 8).join(' ') : String(error);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

async function triedOn(copy: string, args: string[]): Promise<Told> {
  const command = ['test/simulation/run.ts', '--brief', '--cpu', options.cpu, ...args];
  const { stdout } = await run(process.execPath, command, { cwd: copy });
  return JSON.parse(stdout) as Told;
}

function bringBack(copy: string, { file, from, to }: Change): void {
  const path = join(copy, file);
  const parts = readFileSync(path, 'utf8').split(from);
  if (parts.length !== 2) throw new Error(`${file} has this text ${parts.length - 1} times: ${from}`);
  writeFileSync(path, parts.join(to));
}

function argumentsOf({
  sweep,
  of,
  git,
  restored,
  seed = sweep ? 0 : 1,
  histories = HISTORIES,
}: Tried): string[] {
  return [
    '--seed',
    String(seed),
    '--histories',
    String(histories),
    '--enough',
    String(ENOUGH),
    ...(sweep === true ? ['--sweep'] : []),
    ...(of === undefined ? [] : ['--of', of]),
    ...(git === true ? ['--git'] : []),
    ...(restored === true ? ['--restored'] : []),
    ...(options.keep ? ['--shrink'] : []),
  ];
}
