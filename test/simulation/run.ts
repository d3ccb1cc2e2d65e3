/**
 * Histories of whole clusters on virtual time, as many as fit: `node test/simulation/run.ts [--seconds S] [--histories N]
 * [--seed N] [--git | --sweep] [--with TEXT] [--processes N] [--show]`. In as many processes as there are cores. `--sweep`: an agent
 * killed after each write instead of chance; `--with`: only histories whose plan, as JSON, has this text. One that breaks a promise is
 * made as short as possible and printed with the command that repeats it; the exit code is 1 then, and also when no history ran.
 * `--brief`: each ends with the first promise that is broken, and a line of JSON is all that is told.
 */
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { History } from './world/history.ts';
import { type Plan, planOf, sweepOf } from './world/plan.ts';
import { kindOfViolation, shrink } from './world/shrink.ts';

interface Result {
  seed: number;
  ms: number;
  steps: number;
  faults: [string, number][];
  violations: readonly string[];
}

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    histories: { type: 'string' },
    seed: { type: 'string' },
    show: { type: 'boolean', default: false },
    git: { type: 'boolean', default: false },
    sweep: { type: 'boolean', default: false },
    brief: { type: 'boolean', default: false },
    with: { type: 'string', default: '' },
    processes: { type: 'string', default: String(availableParallelism()) },
    worker: { type: 'string' },
  },
});
const first = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const limit = Number(values.histories ?? (values.seed === undefined ? Infinity : 1));

if (values.worker !== undefined) await work(Number(values.worker), Number(values.processes));
else if (values.brief) await brief();
else await (values.show ? show(first) : lead());

function planned(seed: number): Plan {
  return values.sweep ? sweepOf(seed) : planOf(seed, values.git);
}

/** Those asked for, one after the other. */
function* seeds(): Generator<number> {
  for (let seed = first, found = 0; found < limit; seed += 1) {
    if (seed > first + 100_000) return;
    if (values.with !== '' && !JSON.stringify(planned(seed)).includes(values.with)) continue;
    found += 1;
    yield seed;
  }
}

async function one(seed: number): Promise<Result> {
  const began = performance.now();
  const history = new History(planned(seed), { endsBroken: values.brief });
  const { violations, faults, steps } = await history.run();
  return { seed, ms: performance.now() - began, steps, faults: [...faults], violations };
}

/** Every so-manieth of them, until the end of the parent's patience. */
async function work(index: number, of: number): Promise<void> {
  const end = performance.now() + Number(values.seconds) * 1000;
  let at = 0;
  for (const seed of seeds()) {
    if (performance.now() > end) break;
    // oxlint-disable-next-line no-await-in-loop -- one world at a time
    if (at++ % of === index) process.send?.(await one(seed));
  }
  process.disconnect();
}

/** For programs. */
async function brief(): Promise<void> {
  const end = performance.now() + Number(values.seconds) * 1000;
  const found: Result[] = [];
  let histories = 0;
  for (const seed of seeds()) {
    if (performance.now() > end) break;
    // oxlint-disable-next-line no-await-in-loop -- one world at a time
    const result = await one(seed);
    histories += 1;
    if (result.violations.length > 0) found.push(result);
  }
  const [{ seed, violations: [violation] } = { violations: [] }] = found as [Result?];
  print(JSON.stringify({ histories, found: found.length, seed, violation }));
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
  const faults = new Map<string, number>();
  for (const [kind, count] of results.flatMap((it) => it.faults))
    faults.set(kind, (faults.get(kind) ?? 0) + count);
  print(`${results.length} histories from seed ${first} on, ${steps} steps`);
  for (const [kind, count] of [...faults].toSorted(([a], [b]) => a.localeCompare(b)))
    print(`  ${String(count).padStart(8)}  ${kind}`);
  const [slowest] = results.toSorted((a, b) => b.ms - a.ms);
  if (slowest) print(`slowest: seed ${slowest.seed}, ${Math.round(slowest.ms)} ms`);
  print(
    `${results.filter(({ violations }) => violations.length === 0).length} passed, ${results.filter(({ violations }) => violations.length > 0).length} failed`,
  );
}

/** One history for each kind of what was broken, the shortest to be found. */
async function explain(broken: readonly Result[]): Promise<void> {
  const kinds = Map.groupBy(broken, ({ violations }) => kindOfViolation(violations[0] ?? ''));
  for (const [kind, results] of kinds) {
    const [{ seed }] = results as [Result];
    print(
      `\n${results.length} × ${kind}; seeds ${results
        .slice(0, 5)
        .map((it) => it.seed)
        .join(', ')}`,
    );
    // oxlint-disable-next-line no-await-in-loop -- one after the other, to be read
    const plan = await shrink(planned(seed), kind);
    const { violations } = await new History(plan).run();
    print(JSON.stringify(plan));
    print(`  ${violations.join('\n  ')}`);
    print(
      `repeat: npm run test:simulation -- --seed ${seed}${values.git ? ' --git' : ''}${values.sweep ? ' --sweep' : ''} --show`,
    );
  }
}

async function show(seed: number): Promise<void> {
  const plan = planned(seed);
  print(JSON.stringify(plan, undefined, 1));
  const { log, violations } = await new History(plan).run();
  print([...log, ...violations.map((it) => `BROKEN ${it}`)].join('\n'));
  process.exit(violations.length > 0 ? 1 : 0);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
