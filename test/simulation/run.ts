/**
 * Histories of whole clusters on virtual time, as many as fit: `node test/simulation/run.ts [--seconds S] [--histories N]
 * [--seed N] [--git] [--show]`. In as many processes as there are cores. One that breaks a promise is made as short as possible and
 * printed with the command that repeats it; the exit code is 1 then, and also when no history ran.
 */
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { History } from './world/history.ts';
import { planOf } from './world/plan.ts';
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
    worker: { type: 'string' },
  },
});
const first = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const limit = Number(values.histories ?? (values.seed === undefined ? Infinity : 1));

if (values.worker === undefined) await (values.show ? show(first) : lead());
else await work(Number(values.worker));

/** Every `step`-th seed, until told to stop by the end of the parent's patience. */
async function work(step: number): Promise<void> {
  const end = performance.now() + Number(values.seconds) * 1000;
  for (let i = 0; i < limit && performance.now() < end; i += 1) {
    const seed = first + i * step;
    const began = performance.now();
    // oxlint-disable-next-line no-await-in-loop -- one world at a time
    const { violations, faults, steps } = await new History(planOf(seed, values.git)).run();
    const result: Result = { seed, ms: performance.now() - began, steps, faults: [...faults], violations };
    process.send?.(result);
  }
  process.disconnect();
}

async function lead(): Promise<void> {
  const processes = Number.isFinite(limit) && limit < 10 ? 1 : availableParallelism();
  const results: Result[] = [];
  const each = Number.isFinite(limit) ? Math.ceil(limit / processes) : Infinity;
  const ends = Array.from({ length: processes }, async (_, i) => {
    const args = ['--worker', String(processes), '--seed', String(first + i), '--seconds', values.seconds];
    const child = fork(import.meta.filename, [
      ...args,
      '--histories',
      String(each),
      ...(values.git ? ['--git'] : []),
    ]);
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
    const plan = await shrink(planOf(seed, values.git), kind);
    const { violations } = await new History(plan).run();
    print(JSON.stringify(plan));
    print(`  ${violations.join('\n  ')}`);
    print(`repeat: npm run test:simulation -- --seed ${seed}${values.git ? ' --git' : ''} --show`);
  }
}

async function show(seed: number): Promise<void> {
  const plan = planOf(seed, values.git);
  print(JSON.stringify(plan, undefined, 1));
  const { log, violations } = await new History(plan).run();
  print([...log, ...violations.map((it) => `BROKEN ${it}`)].join('\n'));
  process.exit(violations.length > 0 ? 1 : 0);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
