import { describe, expect, test } from 'vitest';
import type { NodeStatus } from '../../../src/api/nodeop.ts';
import { decide } from '../../../src/core/rollout/decide.ts';
import type { NodeFacts, RolloutFacts, WorkFacts } from '../../../src/core/rollout/facts.ts';
import { MARK, World } from '../../support/world.ts';
import { POD as RUNNING } from './support.ts';

const FAILED: NodeStatus = { phase: 'Failed', rebootStatus: 'not-requested', jobName: 'flash-node-1' };
const COMPLETED: NodeStatus = { ...FAILED, phase: 'Completed' };
const CORDONED = { unschedulable: true, cordonedBy: MARK };
const POD = { ...RUNNING, name: 'pod-1', uid: 'uid-2', createdAt: 0 };

interface Given {
  entry?: NodeStatus;
  node?: Partial<NodeFacts>;
  work?: WorkFacts;
  heir?: string;
  facts?: Partial<RolloutFacts>;
}

/** What is done about one node after the end of its rollout, and whether the NodeOp may go. */
function actionsOf({ entry = FAILED, node = {}, work, heir, facts = {} }: Given): string[] {
  const world = new World({ cordon: true }, { 'node-1': {} });
  world.adopted = true;
  world.change('node-1', node);
  if (work !== undefined) world.work.set('node-1', work);
  world.status = { phase: 'Failed', observedGeneration: 1, nodeStatuses: { 'node-1': entry } };
  world.persist();
  const heirs = new Map(heir === undefined ? [] : [['node-1', heir]]);
  const { actions } = decide({ ...world.facts(), heirs, ...facts }, world.now);
  return actions.map((action) => ('to' in action ? `${action.type} to ${action.to}` : action.type));
}

describe('the cordon of a node after the end', () => {
  test('stays where the node has failed, and keeps the NodeOp, which says why', () => {
    expect(actionsOf({ node: CORDONED })).toEqual([]);
  });

  test('goes when nothing is left to be cordoned for', () => {
    expect(actionsOf({ node: CORDONED, entry: COMPLETED })).toEqual(['uncordon']);
    expect(actionsOf({ node: CORDONED, entry: COMPLETED, heir: 'ops/next@uid-9' })).toEqual([
      'hand-over to ops/next@uid-9',
    ]);
  });

  test('goes with the NodeOp', () => {
    expect(actionsOf({ node: CORDONED, facts: { deleted: true } })).toEqual(['uncordon']);
    expect(actionsOf({ node: CORDONED, facts: { deleted: true }, heir: 'ops/next@uid-9' })).toEqual([
      'hand-over to ops/next@uid-9',
    ]);
  });

  test('undone by somebody else leaves a mark, which is taken off and is nobody’s to inherit', () => {
    const node = { unschedulable: false, cordonedBy: MARK };
    expect(actionsOf({ node })).toEqual(['uncordon']);
    expect(actionsOf({ node, heir: 'ops/next@uid-9' })).toEqual(['uncordon']);
    expect(actionsOf({ node, heir: 'ops/next@uid-9', entry: COMPLETED })).toEqual(['uncordon']);
  });

  test('of somebody else is not touched', () => {
    const node = { unschedulable: true, cordonedBy: 'ops/other@uid-9' };
    expect(actionsOf({ node, entry: COMPLETED })).toEqual(['release']);
    expect(actionsOf({ node: { unschedulable: true }, entry: COMPLETED })).toEqual(['release']);
  });
});

describe('the NodeOp goes after the end', () => {
  test('once nothing is left', () => {
    expect(actionsOf({})).toEqual(['release']);
  });

  test('not before its finalizer is there, nor before its outcome is on record', () => {
    expect(actionsOf({ facts: { finalized: false } })).toEqual([]);
    expect(actionsOf({ facts: { persisted: { phase: 'Running' } } })).toEqual([]);
  });

  test('not before what runs there yet is deleted and gone', () => {
    expect(actionsOf({ work: { preflight: POD } })).toEqual(['delete-pod']);
    expect(actionsOf({ work: { preflight: { ...POD, deleting: true } } })).toEqual([]);
  });

  test('though a node that is not Ready holds on to a pod that is being deleted: nothing of it starts any more', () => {
    const node = { ready: false };
    expect(actionsOf({ node, work: { preflight: POD } })).toEqual(['delete-pod']);
    expect(actionsOf({ node, work: { preflight: { ...POD, deleting: true } } })).toEqual(['release']);
  });

  test('not before the pods of its checks are deleted', () => {
    const pods = new Map([['0.0.1', POD]]);
    const steps = [{ name: 'first', phase: 'Checking', nodes: 1, finished: 1, failed: 0 }] as const;
    const checks = {
      answers: new Map(),
      pods,
      seen: new Set<string>(),
      gone: new Set<string>(),
      readAt: new Map(),
    };
    const status = { phase: 'Failed' as const, observedGeneration: 1, nodeStatuses: { 'node-1': FAILED } };
    const facts = { checks, status: { ...status, steps: [...steps] } };
    expect(actionsOf({ facts })).toEqual(['delete-check-pod']);
  });
});
