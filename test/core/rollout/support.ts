import type { NodeStatus } from '../../../src/api/nodeop.ts';
import type { Action } from '../../../src/core/rollout/actions.ts';
import { decide } from '../../../src/core/rollout/decide.ts';
import type {
  JobFacts,
  NodeFacts,
  PodFacts,
  RolloutFacts,
  WorkFacts,
} from '../../../src/core/rollout/facts.ts';
import { World } from '../../support/world.ts';

export const BEGAN = Date.parse('2030-01-01T00:00:00Z');

export const POD: PodFacts = {
  name: 'flash-node-1-pod',
  uid: 'uid-pod',
  createdAt: BEGAN,
  state: 'running',
  started: true,
  deleting: false,
  exitCode: undefined,
  reason: undefined,
  message: undefined,
};

export const JOB: JobFacts = {
  name: 'flash-node-1',
  uid: 'uid-job',
  createdAt: BEGAN,
  deleting: false,
  state: 'active',
  attempts: 1,
  reason: undefined,
  message: undefined,
  pod: undefined,
};

export interface Given {
  spec?: object;
  /** The entry of the one node, as it is on record. */
  entry: Partial<NodeStatus>;
  node?: Partial<NodeFacts>;
  work?: WorkFacts;
  facts?: Partial<RolloutFacts>;
  /** Milliseconds since the beginning. */
  at?: number;
}

export interface Seen {
  entry: Partial<NodeStatus>;
  actions: Action[];
  does: string[];
  /** Milliseconds since the beginning. */
  again: number | undefined;
}

/** One look at a rollout with one node in flight. */
export function lookAt({ spec = {}, entry, node = {}, work, facts = {}, at = 0 }: Given): Seen {
  const world = new World(spec, { 'node-1': {} });
  world.adopted = true;
  world.change('node-1', node);
  if (work !== undefined) world.work.set('node-1', work);
  const began = { phaseStartedAt: '2030-01-01T00:00:00Z', startedAt: '2030-01-01T00:00:00Z' };
  const known = { rebootStatus: 'not-requested', ...began, ...entry } as NodeStatus;
  world.status = { phase: 'Running', observedGeneration: 1, nodeStatuses: { 'node-1': known } };
  world.persist();
  const { actions, status, lookAgainAt } = decide({ ...world.facts(), ...facts }, BEGAN + at);
  return {
    entry: status.nodeStatuses?.['node-1'] ?? {},
    actions,
    does: actions.map(({ type }) => type),
    again: lookAgainAt === undefined ? undefined : lookAgainAt - BEGAN,
  };
}
