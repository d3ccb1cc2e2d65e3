/**
 * Would the tests of the core see a mistake? Mutants of `src/core`, chosen by a seed, one small change each, are put into a copy of the
 * project one at a time, and the quick tests that come by the changed place are run until one fails:
 * `node test/mutation/run.ts [--seed N] [--mutants N] [--minutes M] [--file TEXT] [--again FILE] [--show]`. With `--again` it tries those
 * alone that no test minded by the output in that file. Prints each one that no test minds, with `--show` also the others, and the score.
 * A test that hangs minds it. The exit code is 1 when nothing was tried or the tests fail without any change.
 */
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Random } from '../simulation/world/random.ts';
import type { Question, Tests, Verdict } from './judge.ts';
import { type Mutant, mutantsOf } from './mutants.ts';
import { marked, type Place, placeOf } from './places.ts';
import { Imports } from './related.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    mutants: { type: 'string', default: '500' },
    minutes: { type: 'string', default: 'Infinity' },
    file: { type: 'string', default: '' },
    again: { type: 'string' },
    show: { type: 'boolean', default: false },
  },
});

const PROJECT = resolve(import.meta.dirname, '../..');
/** Begins a line that tells of a mutant that no test minds. */
const UNMINDED = /^(?:SURVIVES|never runs) /;
/** A file of tests that takes more time of a core is left out. */
const SLOW_MS = 6_000;
const HANGS_MS = 120_000;

const copy = mkdtempSync(join(tmpdir(), 'nodeop-mutants-'));
let judge: ChildProcess | undefined;
/** The file that was put back last. */
let left = 'package.json';
try {
  const files = execFileSync('git', ['ls-files', '-z'], { cwd: PROJECT, encoding: 'utf8' });
  for (const file of files.split('\0').filter((it) => it !== ''))
    cpSync(join(PROJECT, file), join(copy, file));
  symlinkSync(join(PROJECT, 'node_modules'), join(copy, 'node_modules'));
  await main();
} finally {
  judge?.kill('SIGKILL');
  rmSync(copy, { recursive: true, force: true });
}

/** By a file of tests, by the name of a test in it, the places it came by. */
type SeenIn = Map<string, Map<string, Set<number>>>;

interface Seen {
  test: string;
  /** Milliseconds of a core. */
  took: number;
  seen: [string, number[]][];
}

/** What all tests came by, as things are. */
interface Sighted extends Verdict {
  places: Place[];
  seenIn: SeenIn;
  /** By a file of tests, in milliseconds of a core. */
  took: Map<string, number>;
}

interface Tried {
  mutant: Mutant;
  /** The test that minds. */
  by: string | undefined;
}

async function main(): Promise<void> {
  const end = performance.now() + Number(values.minutes) * 60_000;
  const testsOf = await quickTests();
  const tried: Tried[] = [];
  for (const mutant of chosen()) {
    if (tried.length >= Number(values.mutants) || performance.now() > end) break;
    const tests = testsOf(mutant);
    // oxlint-disable-next-line no-await-in-loop -- one at a time
    const by = tests.length > 0 ? await tryOut(mutant, tests) : undefined;
    tried.push({ mutant, by });
    if (by !== undefined && values.show) print(`${described(mutant)}\n  ${by}`);
    if (by === undefined) print(`${tests.length > 0 ? 'SURVIVES' : 'never runs'} ${described(mutant)}`);
    if (tried.length % 10 === 0) tell(tried);
  }
  tell(tried);
  if (tried.length === 0) process.exitCode = 1;
}

/** All mutants of the core in an order by chance. */
function chosen(): Mutant[] {
  const random = new Random(Number(values.seed));
  const files = globSync('src/core/**/*.ts', { cwd: copy }).filter((file) => file.includes(values.file));
  const all = files.toSorted().flatMap((file) => mutantsOf(file, readFileSync(join(copy, file), 'utf8')));
  const before = values.again === undefined ? undefined : readFileSync(values.again, 'utf8').split('\n');
  return all
    .map((mutant) => ({ mutant, at: random.next() }))
    .filter(
      ({ mutant }) => before?.some((line) => UNMINDED.test(line) && line.endsWith(described(mutant))) ?? true,
    )
    .toSorted((a, b) => a.at - b.at)
    .map(({ mutant }) => mutant);
}

/**
 * By a mutant the tests that come by its place, the closest first; for what runs as the file is loaded all that reach the file.
 * They all have to pass as things are.
 */
async function quickTests(): Promise<(mutant: Mutant) => Tests[]> {
  const imports = new Imports(copy);
  const tests = globSync('test/**/*.test.ts', { cwd: copy }).filter(
    (test) => imports.isQuick(test) && [...imports.reachedFrom(test)].some(isCore),
  );
  const { failed, places, seenIn, took } = await seenBy(tests);
  if (failed !== undefined) throw new Error(`without any change there fails ${failed}`);
  const quick = tests.filter((test) => (took.get(test) ?? Infinity) < SLOW_MS);
  print(`${quick.length} files of tests`);
  const reached = new Map(quick.map((test) => [test, imports.reachedFrom(test)]));
  const size = (test: string) => reached.get(test)?.size ?? 0;
  const close = quick.toSorted((a, b) => size(a) - size(b));
  const isLoading = (place: number) => close.some((test) => seenIn.get(test)?.get('')?.has(place));
  return (mutant) => {
    const place = placeOf(places, mutant);
    if (place === undefined || isLoading(place))
      return close.filter((test) => reached.get(test)?.has(mutant.file)).map((file) => ({ file }));
    return close.flatMap((file) => {
      const names = [...(seenIn.get(file) ?? [])].filter(([, seen]) => seen.has(place)).map(([name]) => name);
      return names.length === 0 ? [] : [{ file, names }];
    });
  };
}

/** Runs all tests on marked files of the core: which places did each come by? */
async function seenBy(tests: readonly string[]): Promise<Sighted> {
  const folder = join(copy, 'seen');
  mkdirSync(folder);
  const places: Place[] = [];
  const core = globSync('src/core/**/*.ts', { cwd: copy });
  const texts = new Map(core.map((file) => [file, readFileSync(join(copy, file), 'utf8')]));
  for (const [file, text] of texts) writeFileSync(join(copy, file), marked(file, text, places));
  judge = await begin({ MUTATION_SEEN: folder });
  const all = tests.map((file) => ({ file }));
  const verdict = await ask({ changed: [], tests: all }, 10 * HANGS_MS);
  judge.kill('SIGKILL');
  judge = undefined;
  for (const [file, text] of texts) writeFileSync(join(copy, file), text);
  const seenIn: SeenIn = new Map();
  const took = new Map<string, number>();
  for (const file of globSync('*.json', { cwd: folder })) {
    const { test, seen, took: ms } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Seen;
    took.set(relative(copy, test), ms);
    seenIn.set(relative(copy, test), new Map(seen.map(([name, found]) => [name, new Set(found)])));
  }
  return { ...verdict, places, seenIn, took };
}

/** The test that minds; undefined when none does. */
async function tryOut(
  { file, start, end, to }: Mutant,
  tests: readonly Tests[],
): Promise<string | undefined> {
  const path = join(copy, file);
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.slice(0, start) + to + text.slice(end));
  try {
    return (await ask({ changed: [file, left], tests })).failed;
  } finally {
    writeFileSync(path, text);
    left = file;
  }
}

async function ask(question: Question, patienceMs = HANGS_MS): Promise<Verdict> {
  judge ??= await begin();
  const child = judge;
  const answer = Promise.withResolvers<Verdict>();
  const hangs = setTimeout(() => answer.resolve({ failed: 'it hangs' }), patienceMs);
  child.once('message', (verdict) => answer.resolve(verdict as Verdict));
  child.once('exit', () => answer.resolve({ failed: 'the process ended' }));
  child.send(question);
  const verdict = await answer.promise;
  clearTimeout(hangs);
  child.removeAllListeners();
  if (verdict.failed !== 'it hangs' && child.exitCode === null) return verdict;
  child.kill('SIGKILL');
  judge = undefined;
  return verdict;
}

async function begin(env: NodeJS.ProcessEnv = {}): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, 'judge.ts'), [copy], {
    cwd: copy,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  await once(child, 'message');
  return child;
}

function tell(tried: readonly Tried[]): void {
  const killed = tried.filter(({ by }) => by !== undefined).length;
  const share = ((100 * killed) / Math.max(1, tried.length)).toFixed(1);
  print(`${tried.length} mutants from seed ${values.seed}: a test minds ${killed} (${share} %)`);
}

function isCore(file: string): boolean {
  return file.startsWith('src/core/');
}

function described({ file, line, kind, from, to }: Mutant): string {
  const short = (text: string) => text.replaceAll(/\s+/g, ' ').slice(0, 80);
  return `${file}:${line} ${kind}: ${short(from)} → ${short(to)}`;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
