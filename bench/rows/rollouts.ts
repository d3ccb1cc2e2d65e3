import { Stage } from '../cluster.ts';
import type { FloorCalls } from '../floor-process.ts';
import { Remote } from '../process.ts';
import { atMost, type Calls, medianBy, repeat, type Row } from '../row.ts';
import type { Scale } from '../scale.ts';

const PLAIN = { image: 'busybox', command: ['true'] };
const FULL = {
  ...PLAIN,
  preflight: { command: ['check'] },
  drainOptions: { enabled: true },
  rebootOnSuccess: true,
};
const JOB_MS = 1000;
const PODS_A_NODE = 4;

type Size = Scale['rollout'][number];

interface Run {
  ms: number;
  floorMs: number;
  calls: Calls;
}

/** The rows `rollout`, `rollout-full` and `requests`: the agent against a bare loop of the same calls. */
export async function rollouts({ rollout, runs }: Scale, only?: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (const size of rollout) {
    const [plain, full] = [
      only === 'rollout-full' ? [] : await repeat(runs, () => compare(PLAIN, 0, size)),
      only === 'rollout' ? [] : await repeat(runs, () => compare(FULL, PODS_A_NODE, size)),
    ];
    if (plain.length > 0) rows.push(...rowsOf(plain, size, false));
    if (full.length > 0) rows.push(...rowsOf(full, size, true));
  }
  return rows;
}

function rowsOf(runs: readonly Run[], { nodes, concurrency }: Size, isFull: boolean): Row[] {
  const { ms, floorMs } = medianBy(runs, (it) => it.ms / it.floorMs);
  const { calls } = medianBy(runs, (it) => total(it.calls, 'value') / total(it.calls, 'floor'));
  const size = `${nodes} nodes, ${concurrency} at once`;
  const makespan = { size, value: ms / 1000, unit: 's', floor: floorMs / 1000 };
  const requests = {
    name: 'requests',
    size: `${size}, ${isFull ? 'full' : 'plain'}`,
    value: total(calls, 'value') / nodes,
    unit: 'a node',
    floor: total(calls, 'floor') / nodes,
    calls,
  };
  return isFull
    ? [atMost(1.25, { name: 'rollout-full', ...makespan }), atMost(1, requests, 1.5)]
    : [atMost(1.1, { name: 'rollout', ...makespan }), atMost(1.3, requests)];
}

async function compare(spec: object, podsANode: number, { nodes, concurrency }: Size): Promise<Run> {
  const stage = await Stage.start({ nodes, pods: nodes * podsANode, jobMs: JOB_MS, bootMs: 300 });
  const bare = new Remote<FloorCalls>('./floor-process.ts');
  try {
    const wanted = { ...spec, concurrency };
    await stage.cluster.call('stats');
    const names = Array.from({ length: nodes }, (_, i) => `node-${i + 1}`);
    const floorMs = await bare.call('run', stage.url, names, concurrency, wanted);
    const floor = await stage.cluster.call('stats');
    await stage.cluster.call('reset');
    await stage.startAgent();
    await stage.cluster.call('stats');
    const { ms, phase } = await stage.cluster.call('rollout', 'measured', wanted);
    if (phase !== 'Completed') throw new Error(`the rollout ended as ${phase}`);
    const own = await stage.cluster.call('stats');
    return { ms, floorMs, calls: callsOf(own.requests, floor.requests) };
  } finally {
    await bare.stop();
    await stage.stop();
  }
}

function callsOf(own: Record<string, number>, floor: Record<string, number>): Calls {
  const names = [...new Set([...Object.keys(own), ...Object.keys(floor)])].toSorted();
  return Object.fromEntries(names.map((call) => [call, { value: own[call] ?? 0, floor: floor[call] ?? 0 }]));
}

function total(calls: Calls, of: 'value' | 'floor'): number {
  return Object.values(calls).reduce((sum, count) => sum + count[of], 0);
}
