import { describe, expect, test } from 'vitest';
import type { Node } from '../../src/api/kubernetes.ts';
import { ANNOTATION_CORDONED_BY, ANNOTATION_RUN } from '../../src/api/labels.ts';
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

describe('in a sentence', () => {
  const marked = (by?: string, unschedulable = true) =>
    ({
      metadata: {
        name: 'node-1',
        ...(by !== undefined && { annotations: { [ANNOTATION_CORDONED_BY]: by } }),
      },
      spec: { unschedulable },
    }) as unknown as Node;
  const op = (name: string, phase: NodePhase, { run, message }: { run?: string; message?: string } = {}) =>
    ({
      metadata: {
        namespace: 'ops',
        name,
        uid: '1',
        annotations: run === undefined ? {} : { [ANNOTATION_RUN]: `:${run}` },
      },
      spec: { command: ['x'] },
      status: {
        phase: 'Running',
        nodeStatuses: { 'node-1': { phase, ...(message && { message }), startedAt: '2030-01-01T00:00:00Z' } },
      },
    }) as unknown as NodeOp;

  test.each<[string, string | undefined, NodeOp[], string]>([
    ['of nobody', undefined, [], 'It is cordoned, and no NodeOp did it: whoever cordoned it has to undo it.'],
    [
      'of one that is gone',
      'ops/flash@1',
      [],
      'It was cordoned by ops/flash, which is gone; nobody will uncordon it.',
    ],
    [
      'of one of the same name',
      'ops/flash@2',
      [op('flash', 'Running')],
      'It was cordoned by ops/flash, which is gone; nobody will uncordon it.',
    ],
    [
      'of a run that works on it',
      'ops/flash@1',
      [op('flash', 'Running', { run: 'runs/a.yaml' })],
      'It is cordoned by runs/a.yaml, which works on it and uncordons it when it is done.',
    ],
    [
      'of one that failed on it',
      'ops/flash@1',
      [op('flash', 'Failed', { message: 'no space' })],
      'It was cordoned by ops/flash, which is over here: Failed: no space. It stays cordoned until somebody has looked at it.',
    ],
    [
      'of one that failed on it while another works on it',
      'ops/flash@1',
      [op('flash', 'Failed', { message: 'no space' }), op('next', 'Running')],
      'It was cordoned by ops/flash, which is over here: Failed: no space. Meanwhile ops/next works on it.',
    ],
  ])('the cordon %s', (_, by, nodeOps, text) => {
    expect(new Cordons(nodeOps).text(marked(by))).toBe(text);
  });

  test('what another namespace may know of is not taken for gone', () => {
    const its = new Cordons([]);
    expect(its.text(marked('ops/flash@1'), 'edge')).toBe(
      'It was cordoned by ops/flash; see what that says without --namespace edge.',
    );
    expect(its.text(marked('edge/flash@1'), 'edge')).toMatch(/which is gone/);
    expect(its.text(marked('ops/flash@1', false))).toBe('It is not cordoned.');
  });

  test('a node that was left cordoned is told with the verdict on it, unless somebody works on it', () => {
    const left = (...nodeOps: NodeOp[]) => new Cordons(nodeOps).left(marked('ops/flash@1'));
    expect(left()).toEqual({ node: 'node-1', by: 'ops/flash', why: 'the NodeOp is gone' });
    expect(left(op('flash', 'Failed', { message: 'no space' }))?.why).toBe('Failed: no space');
    expect(left(op('flash', 'Failed'), op('next', 'Running'))).toBeUndefined();
    expect(new Cordons([]).left(marked())).toBeUndefined();
  });
});
