import { NodeOpSpecSchema, type NodeStatus } from '../../src/api/nodeop.ts';
import { decide } from '../../src/core/rollout/decide.ts';
import type { NodeFacts, RolloutFacts, WorkFacts } from '../../src/core/rollout/facts.ts';
import { atMost, medianBy, type Row } from '../row.ts';
import type { Scale } from '../scale.ts';

const NOW = Date.parse('2030-01-01T00:00:00Z');

/** The row `decide`: one look at a rollout in its middle, in microseconds a node; flat when it does not grow with the fleet. */
export function decisions(scale: Scale): Row[] {
  const [first = 100] = scale.decide;
  const floor = microseconds(first);
  return scale.decide.map((nodes) =>
    atMost(1.3, {
      name: 'decide',
      size: `${nodes} nodes`,
      value: nodes === first ? floor : microseconds(nodes),
      unit: 'µs a node',
      floor,
    }),
  );
}

function microseconds(nodes: number): number {
  const facts = midway(nodes);
  const rounds = Math.max(20, Math.ceil(200_000 / nodes));
  // The compiler's own time is none of ours.
  for (let i = 0; i < rounds; i += 1) decide(facts, NOW);
  const times = Array.from({ length: 9 }, () => {
    const began = performance.now();
    for (let i = 0; i < rounds; i += 1) decide(facts, NOW);
    return ((performance.now() - began) * 1000) / rounds / nodes;
  });
  return medianBy(times, (time) => time);
}

/** A third is done, a tenth in flight, the rest waits. */
function midway(count: number): RolloutFacts {
  const nodes = new Map<string, NodeFacts>();
  const work = new Map<string, WorkFacts>();
  const nodeStatuses: Record<string, NodeStatus> = {};
  const at = '2030-01-01T00:00:00Z';
  for (let i = 0; i < count; i += 1) {
    const name = `node-${String(i).padStart(5, '0')}`;
    nodes.set(name, {
      name,
      labels: { zone: `zone-${i % 3}` },
      ready: true,
      readySince: 0,
      unschedulable: false,
      cordonedBy: undefined,
      bootID: 'boot',
    });
    const jobName = `op-${name}`;
    const job = { name: jobName, attempts: 1, reason: undefined, message: undefined, pod: undefined };
    if (i < count / 3) {
      nodeStatuses[name] = { phase: 'Completed', jobName, attempts: 1, startedAt: at, finishedAt: at };
      work.set(name, { job: { ...job, state: 'succeeded' } });
    } else if (i < count / 3 + count / 10) {
      nodeStatuses[name] = { phase: 'Running', jobName, attempts: 1, startedAt: at, phaseStartedAt: at };
      work.set(name, { job: { ...job, state: 'active' } });
    } else nodeStatuses[name] = { phase: 'Pending', rebootStatus: 'not-requested' };
  }
  const base: RolloutFacts = {
    namespace: 'ops',
    name: 'op',
    uid: 'uid',
    generation: 1,
    spec: NodeOpSpecSchema.parse({
      image: 'busybox',
      command: ['true'],
      concurrency: Math.max(1, Math.floor(count / 10)),
    }),
    specChanged: false,
    adopted: true,
    cancelled: undefined,
    deleted: false,
    status: { phase: 'Running', startedAt: at, nodeStatuses },
    persisted: { phase: 'Running', nodeStatuses },
    nodes,
    work,
    window: undefined,
    claims: new Map(),
    agentNode: undefined,
    agentPod: undefined,
  };
  return { ...base, status: decide(base, NOW).status };
}
