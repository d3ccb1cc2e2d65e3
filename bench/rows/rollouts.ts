import { Stage } from '../cluster.ts';
import type { FloorCalls } from '../floor-process.ts';
import { Remote } from '../process.ts';
import { atMost, medianBy, type Row } from '../row.ts';
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

interface Run {
  ms: number;
  floorMs: number;
  /** Requests a node, of the agent and of the bare loop. */
  requests: number;
  floorRequests: number;
}

/** The rows `rollout`, `rollout-full` and `requests`: the agent against a bare loop of the same calls. */
export async function rollouts({ rollout, runs }: Scale): Promise<Row[]> {
  const plain: Run[] = [];
  const full: Run[] = [];
  for (let run = 0; run < runs; run += 1) {
    // oxlint-disable no-await-in-loop -- measured one after the other
    plain.push(await compare(PLAIN, 0, rollout));
    full.push(await compare(FULL, PODS_A_NODE, rollout));
    // oxlint-enable no-await-in-loop
  }
  const [p, f] = [plain, full].map((list) => medianBy(list, ({ ms, floorMs }) => ms / floorMs));
  if (!p || !f) return [];
  const size = `${rollout.nodes} nodes, ${rollout.concurrency} at once`;
  return [
    atMost(1.1, { name: 'rollout', size, value: p.ms / 1000, unit: 's', floor: p.floorMs / 1000 }),
    atMost(1.25, { name: 'rollout-full', size, value: f.ms / 1000, unit: 's', floor: f.floorMs / 1000 }),
    atMost(1.3, {
      name: 'requests',
      size: `${size}, plain`,
      value: p.requests,
      unit: 'a node',
      floor: p.floorRequests,
    }),
    atMost(
      1,
      { name: 'requests', size: `${size}, full`, value: f.requests, unit: 'a node', floor: f.floorRequests },
      1.5,
    ),
  ];
}

async function compare(
  spec: object,
  podsANode: number,
  { nodes, concurrency }: Scale['rollout'],
): Promise<Run> {
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
    if (process.env['BENCH_REQUESTS'] !== undefined) {
      process.stderr.write(`${JSON.stringify({ floor: floor.requests, own: own.requests }, undefined, 2)}
`);
    }
    return {
      ms,
      floorMs,
      requests: total(own.requests) / nodes,
      floorRequests: total(floor.requests) / nodes,
    };
  } finally {
    await bare.stop();
    await stage.stop();
  }
}

function total(requests: Record<string, number>): number {
  return Object.values(requests).reduce((sum, count) => sum + count, 0);
}
