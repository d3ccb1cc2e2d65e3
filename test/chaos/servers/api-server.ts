/**
 * The embedded cluster as a process: `node api-server.ts PORT JOURNAL NODES`. What it stores and what its nodes start is in the journal
 * before anybody is answered, and from there it goes on when it was killed: as a cluster that has lost its power.
 */
import { systemClock } from '../../../src/time/clock.ts';
import { at } from '../../../src/sim/store/object.ts';
import { type Obj, type Outcome, type Sim, startSim } from '../../../src/sim/index.ts';
import { kindOf } from '../../simulation/world/machine.ts';
import { JournalWriter } from '../journal.ts';

const [, , port, file = '', nodes] = process.argv;
const journal = new JournalWriter(file);
const past = journal.past()?.flatMap((entry) => (entry.what === 'stored' ? [entry] : []));
/** Undefined until it has begun, while pods of before are looked at. */
const own: { sim?: Sim } = {};

own.sim = await startSim({
  nodes: Number(nodes),
  port: Number(port),
  bootMs: 1_500,
  jobBackoffMs: 300,
  script,
  ...(past?.length ? { past } : {}),
  told: (key, { type, object }) =>
    journal.write({ at: systemClock.wall(), what: 'stored', key, type, object }),
});
process.stdout.write(`listening at ${own.sim.url}\n`);

function script(pod: Obj, node: string): Outcome | undefined {
  const kind = kindOf(pod);
  if (kind === 'workload') return undefined;
  const now = systemClock.wall();
  journal.write({ at: now, what: 'starts', node, pod });
  if (kind !== 'reboot') return outcomeOf(pod);
  if (!isOfThisBoot(pod, node)) return { durationMs: 100 };
  journal.write({ at: now, what: 'asked', node, pod });
  return { durationMs: 100, reboot: true };
}

/** `sleep SECONDS; exit CODE` is what all commands of these tests say. */
function outcomeOf(pod: Obj): Outcome {
  const text = JSON.stringify(at(pod, 'spec.containers'));
  const [, seconds = '0', code = '0'] = /sleep ([\d.]+); exit (\d+)/.exec(text) ?? [];
  return { durationMs: Number(seconds) * 1000, exitCode: Number(code) };
}

/** What asks for a reboot does so in the boot that it was made in. After a power cut there is another one. */
function isOfThisBoot(pod: Obj, name: string): boolean {
  const node = own.sim?.store.get('nodes', name);
  const [container] = (at(pod, 'spec.containers') ?? []) as { env?: { name: string; value?: string }[] }[];
  const wanted = container?.env?.find((it) => it.name === 'BOOT_ID')?.value;
  return wanted !== undefined && wanted === at(node, 'status.nodeInfo.bootID');
}
