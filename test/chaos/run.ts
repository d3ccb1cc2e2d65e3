/**
 * The shipped bundle under bad conditions, with real processes, sockets and signals: `node test/chaos/run.ts [--seed N] [--minutes M]
 * [--histories N] [--keep]`. One history after the other, each from a seed of its own, on the embedded cluster or on that of
 * `KUBECONFIG`: with E2E_REBOOT=1 where its nodes come back from a reboot. Exit code 1 when a promise is
 * broken, and when nothing ran; the logs of such a history are kept.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isReal } from './cluster.ts';
import { History, type Outcome } from './history.ts';
import { planOf } from './plan.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    minutes: { type: 'string', default: '1' },
    histories: { type: 'string', default: 'Infinity' },
    keep: { type: 'boolean', default: false },
  },
});

const first = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const end = performance.now() + Number(values.minutes) * 60_000;
const began = performance.now();
const outcomes: Outcome[] = [];
if (!existsSync('dist/nodeop-agent.js')) throw new Error('there is no dist/nodeop-agent.js: npm run build');
for (let i = 0; i < Number(values.histories) && (i === 0 || performance.now() < end); i += 1) {
  // oxlint-disable-next-line no-await-in-loop -- one after the other
  outcomes.push(await history(first + i));
}
tell();
process.exit();

async function history(seed: number): Promise<Outcome> {
  const canReboot = !isReal() || process.env['E2E_REBOOT'] === '1';
  const plan = planOf(seed, { canReboot });
  const folder = mkdtempSync(join(tmpdir(), `nodeop-chaos-${seed}-`));
  const log: string[] = [];
  const note = (what: string) => log.push(`${seconds()} ${what}`);
  const { replicas, transport, nodes, runs, events } = plan;
  print(
    `history ${seed}: ${replicas} replicas, ${transport}, ${nodes} nodes, ${runs.length} runs, ${events.length} events`,
  );
  const outcome = await new History(plan, folder, note).run();
  const { violations, starts, ends, settledMs } = outcome;
  print(
    `  ${starts} containers, ${ends.join(', ')}; over ${(settledMs / 1000).toFixed(1)} s after the last fault`,
  );
  if (violations.length > 0) {
    print(`${log.join('\n')}\n${violations.map((it) => `BROKEN ${it}`).join('\n')}`);
    print(`logs: ${folder}\nrepeat: npm run test:chaos -- --seed ${seed} --histories 1`);
  } else if (!values.keep) rmSync(folder, { recursive: true, force: true });
  return outcome;
}

function tell(): void {
  const faults = new Map<string, number>();
  for (const [kind, count] of outcomes.flatMap((it) => [...it.faults]))
    faults.set(kind, (faults.get(kind) ?? 0) + count);
  const starts = outcomes.reduce((sum, it) => sum + it.starts, 0);
  const broken = outcomes.filter(({ violations }) => violations.length > 0).length;
  for (const [kind, count] of [...faults].toSorted(([a], [b]) => a.localeCompare(b)))
    print(`  ${String(count).padStart(6)}  ${kind}`);
  const where = isReal() ? 'the cluster of KUBECONFIG' : 'the embedded cluster';
  print(
    `${outcomes.length} histories from seed ${first} on, on ${where}, ${starts} containers, ${seconds()}: ${broken} failed`,
  );
  process.exitCode = broken > 0 || starts === 0 ? 1 : 0;
}

function seconds(): string {
  return `${((performance.now() - began) / 1000).toFixed(1)} s`;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
