import { expect, test } from 'vitest';
import type { Node } from '../../src/api/kubernetes.ts';
import { ANNOTATION_CORDONED_BY } from '../../src/api/labels.ts';
import type { NodeOp, NodePhase, RolloutPhase } from '../../src/api/nodeop.ts';
import { Cordons } from '../../src/core/cordon.ts';

const node = {
  metadata: { name: 'node-1', annotations: { [ANNOTATION_CORDONED_BY]: 'ops/flash@1' } },
  spec: { unschedulable: true },
} as unknown as Node;

function cordons(phase: RolloutPhase, ofNode: NodePhase): Cordons {
  const nodeOp = {
    metadata: { namespace: 'ops', name: 'flash', uid: '1' },
    spec: { command: ['flash'] },
    status: { phase, nodeStatuses: { 'node-1': { phase: ofNode } } },
  };
  return new Cordons([nodeOp as unknown as NodeOp]);
}

test.each([
  ['Running', 'Pending', 'it has just been cordoned, and the status tells of it a moment later'],
  ['Running', 'Running', 'it is worked on'],
] as const)('of a rollout that is %s a %s node is not left cordoned: %s', (phase, ofNode, _why) => {
  const its = cordons(phase, ofNode);
  expect(its.left(node)).toBeUndefined();
  expect(its.text(node)).toContain('which works on it');
});

test.each([
  ['Running', 'Failed'],
  ['Failed', 'Failed'],
  ['Cancelled', 'Pending'],
] as const)('of a rollout that is %s a %s node is left cordoned', (phase, ofNode) => {
  const its = cordons(phase, ofNode);
  expect(its.left(node)?.node).toBe('node-1');
  expect(its.text(node)).toContain('which is over here');
});
