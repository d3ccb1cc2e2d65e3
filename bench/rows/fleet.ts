import { Stage } from '../cluster.ts';
import { cpuMs, peakMb } from '../process.ts';
import { atMost, medianBy, repeat, type Row, within } from '../row.ts';
import type { Fleet, Scale } from '../scale.ts';

const SPEC = { image: 'busybox', command: ['true'] };
const JOB_MS = 1000;

interface Run {
  statusBytes: number;
  writtenBytes: number;
  peakMb: number;
  cpuMsANode: number;
}

/** The rows `status-bytes`, `memory` and `cpu`: what a rollout over a whole fleet costs the agent. */
export async function fleet(scale: Scale): Promise<Row[]> {
  const rows: Row[] = [];
  for (const size of scale.fleet) {
    // oxlint-disable-next-line no-await-in-loop -- measured one after the other
    const runs = await repeat(scale.runs, () => measure(size));
    const median = (key: keyof Run) => medianBy(runs, (run) => run[key]);
    const label = labelOf(size);
    const { writtenBytes, statusBytes } = median('writtenBytes');
    const bytes = (what: string, value: number, floor: number) => ({
      name: 'status-bytes',
      size: `${label}, ${what}`,
      value: value / 1024,
      unit: 'KiB',
      floor,
    });
    const row = (name: string, value: number, unit: string, floor: number) =>
      within({ name, size: label, value, unit, floor });
    rows.push(
      atMost(40, bytes('written', writtenBytes, statusBytes / 1024)),
      within(bytes('final', statusBytes, 1024)),
      row('memory', median('peakMb').peakMb, 'MB', size.memory),
      row('cpu', median('cpuMsANode').cpuMsANode, 'ms a node', 6),
    );
  }
  return rows;
}

function labelOf({ nodes, pods }: Fleet): string {
  return `${nodes} nodes, ${pods} pods`;
}

async function measure({ nodes, pods, concurrency }: Fleet): Promise<Run> {
  const stage = await Stage.start({ nodes, pods, jobMs: JOB_MS, bootMs: 300 });
  try {
    const pid = await stage.startAgent();
    await stage.cluster.call('stats');
    const before = cpuMs(pid);
    const { statusBytes, phase } = await stage.cluster.call('rollout', 'measured', { ...SPEC, concurrency });
    if (phase !== 'Completed') throw new Error(`the rollout ended as ${phase}`);
    const { bytesIn } = await stage.cluster.call('stats');
    return {
      statusBytes,
      writtenBytes: bytesIn['PATCH nodeops.operator.kairos.io/status'] ?? Number.NaN,
      peakMb: peakMb(pid),
      cpuMsANode: (cpuMs(pid) - before) / nodes,
    };
  } finally {
    await stage.stop();
  }
}

/** The row `restart`: killed in mid-rollout, the time from its start to the first Job it creates. */
export async function restart(scale: Scale): Promise<Row[]> {
  const rows: Row[] = [];
  for (const size of scale.fleet) {
    // oxlint-disable-next-line no-await-in-loop -- measured one after the other
    const seconds = await repeat(scale.runs, () => restartOnce(size));
    const value = medianBy(seconds, (it) => it);
    rows.push(within({ name: 'restart', size: labelOf(size), value, unit: 's', floor: 3 }));
  }
  return rows;
}

async function restartOnce({ nodes, pods, concurrency }: Fleet): Promise<number> {
  const stage = await Stage.start({ nodes, pods, jobMs: JOB_MS, bootMs: 300 });
  try {
    await stage.startAgent();
    const over = stage.cluster.call('rollout', 'measured', { ...SPEC, concurrency });
    await stage.cluster.call('progress', 'measured', Math.floor(nodes / 3));
    await stage.stopAgent('SIGKILL');
    const next = stage.cluster.call('nextJob');
    const began = Date.now();
    stage.launchAgent();
    const seconds = ((await next) - began) / 1000;
    await over;
    return seconds;
  } finally {
    await stage.stop();
  }
}
