import { NO_CHECKS } from '../../src/core/checks/try.ts';
import { NodeOpSpecSchema, type NodeStatus } from '../../src/api/nodeop.ts';
import { decide } from '../../src/core/rollout/decide.ts';
import { Memory } from '../../src/core/rollout/memory.ts';
import type { NodeFacts, RolloutFacts, WorkFacts } from '../../src/core/rollout/facts.ts';
import { stepOf } from '../../src/core/rollout/steps/split.ts';
import { atMost, type Row } from '../row.ts';
import type { Scale } from '../scale.ts';

const NOW = Date.parse('2030-01-01T00:00:00Z');

/** So many looks are a slice; short ones, so that many are not disturbed by what else the machine does. */
const NODES_A_SLICE = 20_000;
const SLICES = 60;

/** So many looks after a change are a slice. */
const CHANGES = 500;

/**
 * The rows `decide` and `look`: one look at all of a rollout in its middle, in microseconds a node, and one at a node of which
 * something was heard, in microseconds. Both are flat when they do not grow with the fleet.
 */
export function decisions(scale: Scale, only?: string): Row[] {
  return [...(only === 'look' ? [] : wholeLooks(scale)), ...(only === 'decide' ? [] : nextLooks(scale))];
}

function nextLooks({ decide: sizes }: Scale): Row[] {
  const fleets = sized(sizes).map((fleet) => {
    const memory = new Memory();
    const { status } = decide(fleet.facts, NOW, memory);
    return { ...fleet, facts: { ...fleet.facts, status }, memory };
  });
  for (let i = 0; i < 2 * SLICES; i += 1) for (const fleet of fleets) fleet.times.push(changes(fleet));
  const best = fleets.map(({ times }) => Math.min(...times.slice(SLICES)));
  const [floor = Number.NaN] = best;
  return fleets.map(({ size }, i) =>
    atMost(2, { name: 'look', size, value: best[i] ?? Number.NaN, unit: 'µs', floor }),
  );
}

/** The command on one node begins again and again: its entry changes at each look. */
function changes(fleet: { nodes: number; facts: RolloutFacts; memory: Memory }): number {
  const { nodes, memory } = fleet;
  const work = fleet.facts.work as Map<string, WorkFacts>;
  const node = nameOf(Math.ceil(nodes / 3));
  const known = work.get(node) ?? {};
  const began = performance.now();
  for (let i = 0; i < CHANGES; i += 1) {
    const attempts = 1 + (i % 2);
    if (typeof known.job === 'object') work.set(node, { ...known, job: { ...known.job, attempts } });
    memory.touch(node);
    fleet.facts = { ...fleet.facts, status: decide(fleet.facts, NOW, memory).status };
  }
  return ((performance.now() - began) * 1000) / CHANGES;
}

const nameOf = (i: number): string => `node-${String(i).padStart(5, '0')}`;

interface Fleet {
  nodes: number;
  size: string;
  facts: RolloutFacts;
  times: number[];
}

/** Each size, and the largest in steps as well. */
function sized(sizes: readonly number[]): Fleet[] {
  const plain = sizes.map((nodes) => ({ nodes, size: `${nodes} nodes`, facts: midway(nodes), times: [] }));
  const stepped = sizes.slice(-1).map((nodes) => {
    return { nodes, size: `${nodes} nodes, five steps`, facts: inSteps(midway(nodes)), times: [] };
  });
  return [...plain, ...stepped];
}

function wholeLooks({ decide: sizes }: Scale): Row[] {
  const fleets = sized(sizes);
  // In turns, so that the compiler has seen all of them and a busy moment falls on all of them.
  for (let i = 0; i < 2 * SLICES; i += 1) {
    for (const { nodes, facts, times } of fleets) times.push(slice(facts, nodes));
  }
  // Nothing makes a pure function faster than it is, and much makes it slower.
  const best = fleets.map(({ times }) => Math.min(...times.slice(SLICES)));
  return fleets.map(({ size }, i) =>
    atMost(3, {
      name: 'decide',
      size,
      value: best[i] ?? Number.NaN,
      unit: 'µs a node',
      // With steps it is compared with the same fleet without.
      floor: best[i < sizes.length ? 0 : sizes.length - 1] ?? Number.NaN,
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
    const name = nameOf(i);
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
    mayComeUntil: () => undefined,
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
