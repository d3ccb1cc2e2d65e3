import { Stage } from '../cluster.ts';
import { cpuMs, peakMb } from '../process.ts';
import { atMost, medianBy, type Row, within } from '../row.ts';
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
  const runs: { small: Run; large: Run }[] = [];
  for (let run = 0; run < scale.runs; run += 1) {
    // oxlint-disable no-await-in-loop -- measured one after the other
    const small = await measure(scale.fleet.small);
    const large = await measure(scale.fleet.large);
    // oxlint-enable no-await-in-loop
    runs.push({ small, large });
  }
  const median = (size: 'small' | 'large', key: keyof Run) =>
    medianBy(
      runs.map((run) => run[size]),
      (run) => run[key],
    );
  const label = (size: 'small' | 'large') => {
    const { nodes, pods } = scale.fleet[size];
    return `${nodes} nodes, ${pods} pods`;
  };
  const bytes = median('large', 'writtenBytes');
  const cpu = (size: 'small' | 'large') => ({
    name: 'cpu',
    size: label(size),
    value: median(size, 'cpuMsANode').cpuMsANode,
    unit: 'ms a node',
    floor: 6,
  });
  const memory = (size: 'small' | 'large', floor: number) => ({
    name: 'memory',
    size: label(size),
    value: median(size, 'peakMb').peakMb,
    unit: 'MB',
    floor,
  });
  return [
    atMost(40, {
      name: 'status-bytes',
      size: `${label('large')}, written`,
      value: bytes.writtenBytes / 1024,
      unit: 'KiB',
      floor: bytes.statusBytes / 1024,
    }),
    within({
      name: 'status-bytes',
      size: `${label('large')}, final`,
      value: bytes.statusBytes / 1024,
      unit: 'KiB',
      floor: 1024,
    }),
    within(memory('small', 130)),
    within(memory('large', 220)),
    within(cpu('small')),
    within(cpu('large')),
  ];
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
  const { nodes, pods, concurrency } = scale.fleet.large;
  const seconds: number[] = [];
  for (let run = 0; run < scale.runs; run += 1) {
    // oxlint-disable no-await-in-loop -- measured one after the other
    const stage = await Stage.start({ nodes, pods, jobMs: JOB_MS, bootMs: 300 });
    try {
      await stage.startAgent();
      const over = stage.cluster.call('rollout', 'measured', { ...SPEC, concurrency });
      await stage.cluster.call('progress', 'measured', Math.floor(nodes / 3));
      await stage.stopAgent('SIGKILL');
      const next = stage.cluster.call('nextJob');
      const began = Date.now();
      stage.launchAgent();
      seconds.push(((await next) - began) / 1000);
      await over;
    } finally {
      await stage.stop();
    }
    // oxlint-enable no-await-in-loop
  }
  const value = medianBy(seconds, (it) => it);
  return [within({ name: 'restart', size: `${nodes} nodes, ${pods} pods`, value, unit: 's', floor: 3 })];
}
