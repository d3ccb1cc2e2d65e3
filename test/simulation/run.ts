/**
 * Histories of whole clusters on virtual time, as many as fit: `node test/simulation/run.ts [--seconds S] [--histories N]
 * [--seed N] [--git | --sweep | --walk | --restored] [--with TEXT] [--processes N] [--show]`. In as many processes as there are cores. `--sweep`: each write
 * of each kind of rollout gone wrong, and each state never seen, instead of chance; `--walk`: specs made from the schema, one after the
 * other, those that are refused or fail among them; `--restored`: etcd comes back from a backup in the middle of each; `--with`: only histories whose plan, as JSON, has
 * this text; `--of`: only those whose name has it. One that breaks a promise is made as short as possible and printed with the command that repeats it, and `--plan FILE`
 * takes such a plan; the exit code is 1 then, and also when no history ran.
 * `--brief`: each ends with the first promise that is broken, and a line of JSON is all that is told; no further one is tried when
 * `--enough N` of them were, or when they took `--cpu S` of the processor. With `--shrink` the line has the shortest plan.
 */
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import type { Plan } from './world/plan.ts';
import { kindOfViolation, shrink } from './world/shrink.ts';
import { judge, type Result, resultOf, type Trial, trialsOf } from './world/trial.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    histories: { type: 'string' },
    seed: { type: 'string' },
    show: { type: 'boolean', default: false },
    git: { type: 'boolean', default: false },
    sweep: { type: 'boolean', default: false },
    walk: { type: 'boolean', default: false },
    restored: { type: 'boolean', default: false },
    brief: { type: 'boolean', default: false },
    shrink: { type: 'boolean', default: false },
    plan: { type: 'string' },
    with: { type: 'string', default: '' },
    of: { type: 'string', default: '' },
    enough: { type: 'string', default: 'Infinity' },
    cpu: { type: 'string', default: 'Infinity' },
    processes: { type: 'string', default: String(availableParallelism()) },
    worker: { type: 'string' },
  },
});
const first = Number(values.seed ?? (values.sweep ? 0 : Math.floor(Math.random() * 2 ** 31)));
const limit = Number(values.histories ?? (values.seed === undefined || values.sweep ? Infinity : 1));
const trialAt = values.plan === undefined ? await trialsOf(values) : fromFile(values.plan);

if (values.worker !== undefined) await work(Number(values.worker), Number(values.processes));
else if (values.brief) await brief();
else await (values.show ? show() : lead());

function fromFile(file: string): (seed: number) => Trial | undefined {
  const { plan, ...rest } = JSON.parse(readFileSync(file, 'utf8')) as { plan: Plan; end?: string };
  return (seed) => (seed === first ? { name: file, plan, ...rest } : undefined);
}

/** Those asked for, one after the other. */
function* trials(): Generator<{ seed: number; trial: Trial }> {
  for (let seed = first, found = 0; found < limit; seed += 1) {
    const trial = trialAt(seed);
    if (trial === undefined || seed > first + 100_000) return;
    if (values.with !== '' && !JSON.stringify(trial.plan).includes(values.with)) continue;
    if (!trial.name.includes(values.of)) continue;
    found += 1;
    yield { seed, trial };
  }
}

/** Every so-manieth of them, until the end of the parent's patience. */
async function work(index: number, of: number): Promise<void> {
  const end = performance.now() + Number(values.seconds) * 1000;
  let at = 0;
  for (const { seed, trial } of trials()) {
    if (performance.now() > end) break;
    // oxlint-disable-next-line no-await-in-loop -- one world at a time
    if (at++ % of === index) process.send?.(await resultOf(seed, trial, false));
  }
  process.disconnect();
}

/** For programs. */
async function brief(): Promise<void> {
  const found: { result: Result; trial: Trial }[] = [];
  let histories = 0;
  for (const { seed, trial } of trials()) {
    if (process.cpuUsage().user / 1e6 > Number(values.cpu) || found.length >= Number(values.enough)) break;
    // oxlint-disable-next-line no-await-in-loop -- one world at a time
    const result = await resultOf(seed, trial, true);
    histories += 1;
    if (result.violations.length > 0) found.push({ result, trial });
  }
  const [one] = found;
  const [violation] = one?.result.violations ?? [];
  const short =
    one && values.shrink ? await shrink(one.trial, kindOfViolation(violation ?? ''), 60_000) : undefined;
  const { name, seed } = one?.result ?? {};
  print(JSON.stringify({ histories, found: found.length, seed, name, violation, short }));
}

async function lead(): Promise<void> {
  const processes = Number.isFinite(limit) && limit < 10 ? 1 : Number(values.processes);
  const results: Result[] = [];
  const ends = Array.from({ length: processes }, async (_, i) => {
    const own = process.argv.slice(2).filter((it, at, all) => it !== '--seed' && all[at - 1] !== '--seed');
    const args = ['--worker', String(i), '--seed', String(first), '--histories', String(limit)];
    const child = fork(import.meta.filename, [...own, ...args, '--processes', String(processes)]);
    child.on('message', (result) => results.push(result as Result));
    const code = await new Promise((resolve) => {
      child.once('exit', resolve);
    });
    if (code !== 0) throw new Error(`a process ended with ${String(code)}`);
  });
  await Promise.all(ends);
  tell(results);
  const broken = results.filter(({ violations }) => violations.length > 0);
  await explain(broken);
  process.exitCode = broken.length > 0 || results.length === 0 ? 1 : 0;
}

function tell(results: readonly Result[]): void {
  const steps = results.reduce((sum, it) => sum + it.steps, 0);
  const minutes = results.reduce((sum, it) => sum + it.ms, 0) / 60_000;
  const faults = new Map<string, number>();
  for (const [kind, count] of results.flatMap((it) => it.faults))
    faults.set(kind, (faults.get(kind) ?? 0) + count);
  const rate = `${Math.round(results.length / minutes)} a minute and process`;
  print(`${results.length} histories from seed ${first} on, ${steps} steps, ${rate}`);
  for (const part of ['nodes', 'ops', 'events'] as const)
    print(`by number of ${part}: ${spread(results, part)}`);
  for (const [kind, count] of [...faults].toSorted(([a], [b]) => a.localeCompare(b)))
    print(`  ${String(count).padStart(8)}  ${kind}`);
  const [slowest] = results.toSorted((a, b) => b.ms - a.ms);
  if (slowest) print(`slowest: seed ${slowest.seed}, ${Math.round(slowest.ms)} ms`);
  const failed = results.filter(({ violations }) => violations.length > 0).length;
  print(`${results.length - failed} passed, ${failed} failed`);
}

/** How many histories there were of each size, so that nobody has to believe that they are not all small. */
function spread(results: readonly Result[], part: keyof Result['size']): string {
  const counts = Map.groupBy(results, ({ size }) => size[part]);
  return [...counts]
    .toSorted(([a], [b]) => a - b)
    .map(([size, { length }]) => `${size}: ${length}`)
    .join(', ');
}

/** One history for each kind of what was broken, the shortest to be found. */
async function explain(broken: readonly Result[]): Promise<void> {
  const kinds = Map.groupBy(broken, ({ violations }) => kindOfViolation(violations[0] ?? ''));
  for (const [kind, results] of kinds) {
    const [{ seed, name, violations: seen }] = results as [Result];
    print(
      `\n${results.length} × ${kind}; seeds ${results
        .slice(0, 5)
        .map((it) => it.seed)
        .join(', ')}`,
    );
    const trial = trialAt(seed);
    if (trial === undefined) continue;
    // oxlint-disable-next-line no-await-in-loop -- one after the other, to be read
    const { plan, end } = await shrink(trial, kind);
    print(JSON.stringify({ plan, end }));
    print(`  ${name}\n  ${seen.join('\n  ')}`);
    const flags = `${values.git ? ' --git' : ''}${values.sweep ? ' --sweep' : ''}${values.walk ? ' --walk' : ''}${values.restored ? ' --restored' : ''}`;
    print(`repeat: npm run test:simulation -- --seed ${seed}${flags} --show`);
  }
}

async function show(): Promise<void> {
  const trial = trialAt(first);
  if (trial === undefined) throw new Error(`there is no history ${first}`);
  print(`${trial.name}\n${JSON.stringify(trial.plan, undefined, 1)}`);
  const { log, violations } = await judge(trial);
  print([...log, ...violations.map((it) => `BROKEN ${it}`)].join('\n'));
  process.exit(violations.length > 0 ? 1 : 0);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
