import { NO_CHECKS } from '../../src/core/checks/try.ts';
import { NodeOpSpecSchema, type NodeStatus } from '../../src/api/nodeop.ts';
import { decide } from '../../src/core/rollout/decide.ts';
import type { NodeFacts, RolloutFacts, WorkFacts } from '../../src/core/rollout/facts.ts';
import { stepOf } from '../../src/core/rollout/steps/split.ts';
import { atMost, type Row } from '../row.ts';
import type { Scale } from '../scale.ts';

const NOW = Date.parse('2030-01-01T00:00:00Z');

/** So many looks are a slice; short ones, so that many are not disturbed by what else the machine does. */
const NODES_A_SLICE = 20_000;
const SLICES = 60;

/** The row `decide`: one look at a rollout in its middle, in microseconds a node; flat when it does not grow with the fleet. */
export function decisions({ decide: sizes }: Scale): Row[] {
  const fleets = [
    ...sizes.map((nodes) => ({ nodes, facts: midway(nodes), steps: '', times: [] as number[] })),
    ...sizes.slice(-1).map((nodes) => ({
      nodes,
      facts: inSteps(midway(nodes)),
      steps: ', five steps',
      times: [] as number[],
    })),
  ];
  // In turns, so that the compiler has seen all of them and a busy moment falls on all of them.
  for (let i = 0; i < 2 * SLICES; i += 1) {
    for (const { nodes, facts, times } of fleets) times.push(slice(facts, nodes));
  }
  // Nothing makes a pure function faster than it is, and much makes it slower.
  const best = fleets.map(({ times }) => Math.min(...times.slice(SLICES)));
  return fleets.map(({ nodes, steps }, i) =>
    atMost(1.3, {
      name: 'decide',
      size: `${nodes} nodes${steps}`,
      value: best[i] ?? Number.NaN,
      unit: 'µs a node',
      // With steps it is compared with the same fleet without.
      floor: best[steps === '' ? 0 : sizes.length - 1] ?? Number.NaN,
    }),
  );
}

/** The same rollout in the second of five steps. */
function inSteps(facts: RolloutFacts): RolloutFacts {
  const { spec, status, nodes } = facts;
  const shares = ['10%', '60%', '70%', '80%', '90%'];
  const steps = shares.map((upTo, i) => ({ name: `step-${i}`, upTo, soakSeconds: 60 }));
  const split = NodeOpSpecSchema.parse({ ...spec, steps });
  const inStep = { stepOf: stepOf(split, [...nodes.keys()], nodes, undefined) ?? '' };
  const first = { ...facts, spec: split, status: { ...status, ...inStep } };
  const { steps: standing = [] } = decide(first, NOW).status;
  const passed = standing.map((it, i) => (i === 0 ? { ...it, phase: 'Passed' as const } : it));
  const known = { ...first.status, steps: passed };
  return { ...first, status: known, persisted: known };
}

function slice(facts: RolloutFacts, nodes: number): number {
  const looks = Math.ceil(NODES_A_SLICE / nodes);
  const began = performance.now();
  for (let i = 0; i < looks; i += 1) decide(facts, NOW);
  return ((performance.now() - began) * 1000) / looks / nodes;
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
      uid: name,
      labels: { zone: `zone-${i % 3}` },
      ready: true,
      readySince: 0,
      unschedulable: false,
      cordonedBy: undefined,
      bootID: 'boot',
    });
    const jobName = `op-${name}`;
    const waits = { exitCode: undefined, reason: undefined, message: undefined };
    const object = { uid: jobName, createdAt: 0, deleting: false };
    const pod = { ...object, name: `${jobName}-1`, state: 'running', started: true, ...waits } as const;
    const job = {
      ...object,
      name: jobName,
      attempts: 1,
      reason: undefined,
      message: undefined,
      pod: undefined,
    };
    if (i < count / 3) {
      nodeStatuses[name] = { phase: 'Completed', jobName, attempts: 1, startedAt: at, finishedAt: at };
      work.set(name, { job: { ...job, state: 'succeeded' } });
    } else if (i < count / 3 + count / 10) {
      nodeStatuses[name] = { phase: 'Running', jobName, attempts: 1, startedAt: at, phaseStartedAt: at };
      work.set(name, { job: { ...job, state: 'active', pod }, attempts: [pod], commandBegan: true });
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
    rehearsal: undefined,
    found: {},
    checks: NO_CHECKS,
    troubles: new Map(),
    refusedSince: () => undefined,
    refusal: () => undefined,
    busy: new Set(),
    cancelledAt: undefined,
    adopted: true,
    finalized: true,
    hold: undefined,
    placeHeld: undefined,
    awaitsRecordSince: undefined,
    obstacle: undefined,
    cancelled: undefined,
    deleted: false,
    status: { phase: 'Running', startedAt: at, nodeStatuses },
    persisted: { phase: 'Running', nodeStatuses },
    nodes,
    work,
    window: undefined,
    claims: new Map(),
    heirs: new Map(),
    agentNode: undefined,
    agentPod: undefined,
    wall: NOW,
  };
  return { ...base, status: decide(base, NOW).status };
}
