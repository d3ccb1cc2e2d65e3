import { describe, expect, test } from 'vitest';
import type { NodeOp, NodeStatus } from '../../src/api/nodeop.ts';
import type { NodeOpReport, ReportNode } from '../../src/api/report.ts';
import { stepsByNode } from '../../src/core/rollout/steps/split.ts';
import { caughtUp } from '../../src/core/runs/restored.ts';

const NOW = new Date('2030-01-02T00:00:00Z');
const UID = 'b5b0f0a4-0000-4000-8000-000000000001';

function stored(nodeStatuses: Record<string, Partial<NodeStatus>> | undefined): NodeOp {
  const status = nodeStatuses && { phase: 'Running', nodeStatuses };
  return { metadata: { name: 'flash', namespace: 'ops', uid: UID }, spec: {}, status } as unknown as NodeOp;
}

function reported(nodes: (Partial<ReportNode> & { name: string })[], more: object = {}): NodeOpReport {
  const status = { phase: 'Running', startedAt: '2030-01-01T00:00:00Z', nodes, ...more };
  return { nodeOp: { name: 'flash', uid: UID }, status } as unknown as NodeOpReport;
}

const entries = (nodeOp: NodeOp, report: NodeOpReport) => caughtUp(nodeOp, report, NOW)?.nodeStatuses;

describe('nothing is caught up with', () => {
  test('when the report knows no more', () => {
    const nodeOp = stored({ a: { phase: 'Running' }, b: { phase: 'Pending' } });
    expect(
      entries(
        nodeOp,
        reported([
          { name: 'a', phase: 'Draining' },
          { name: 'b', phase: 'Pending' },
        ]),
      ),
    ).toBeUndefined();
  });

  test('when the report is of another NodeOp', () => {
    const report = {
      ...reported([{ name: 'a', phase: 'Completed' }]),
      nodeOp: { name: 'flash', uid: 'other' },
    };
    expect(entries(stored({ a: { phase: 'Pending' } }), report)).toBeUndefined();
  });

  test('when a report that has not begun names no nodes', () => {
    expect(entries(stored(undefined), reported([], { nodes: undefined }))).toBeUndefined();
  });
});

test('verdicts of the report are taken over with all they tell, and those of the status stand', () => {
  const nodeOp = stored({
    a: { phase: 'Running', jobName: 'job-a', bootID: 'x' },
    b: { phase: 'Completed', jobName: 'job-b' },
    c: { phase: 'Pending' },
  });
  const told = {
    message: 'exit code 3',
    exitCode: 3,
    attempts: 2,
    cordoned: true,
    rebootStatus: 'cancelled',
  };
  const report = reported([
    { name: 'a', phase: 'Failed', ...told },
    { name: 'b', phase: 'Failed' },
    { name: 'c', phase: 'Completed' },
  ]);
  const { a, b, c } = entries(nodeOp, report) ?? {};
  expect(a).toEqual({ phase: 'Failed', ...told, jobName: expect.stringMatching(/^flash-/) });
  expect(b).toEqual({ phase: 'Completed', jobName: 'job-b' });
  // Nothing was to be done on it.
  expect(c).toEqual({ phase: 'Completed' });
});

test.each([
  ['at work by the report', 'Pending', 'Running'],
  ['at work by the status', 'Preflight', 'Preflight'],
  ['further by the report', 'Preflight', 'Rebooting'],
] as const)('of a node %s the outcome is unknown', (_, before, phase) => {
  const nodeOp = stored({ a: { phase: before }, z: { phase: 'Pending' } });
  const report = reported([
    { name: 'a', phase },
    { name: 'z', phase: 'Completed' },
  ]);
  expect(entries(nodeOp, report)?.['a']).toMatchObject({
    phase: 'Failed',
    message: expect.stringMatching(/^outcome unknown/),
    outcomeUnknown: true,
    finishedAt: '2030-01-02T00:00:00.000Z',
  });
});

test('targets that were not on record yet are those of the report', () => {
  const report = reported([
    { name: 'a', phase: 'Completed', attempts: 1 },
    { name: 'b', phase: 'Pending', rebootStatus: 'pending' },
  ]);
  expect(caughtUp(stored(undefined), report, NOW)).toMatchObject({
    startedAt: '2030-01-01T00:00:00Z',
    nodeStatuses: { a: { phase: 'Completed' }, b: { phase: 'Pending', rebootStatus: 'pending' } },
  });
});

test('steps are where the report has them', () => {
  const step = { name: 'canary', phase: 'Passed', nodes: 1, finished: 1, failed: 0 };
  const report = reported([{ name: 'a', phase: 'Completed' }], {
    steps: [{ ...step, amounts: { concurrency: 1 } }],
  });
  expect(caughtUp(stored({ a: { phase: 'Running' } }), report, NOW)?.steps).toEqual([step]);
});

test('which node is in which step is known by the report where the backup was made before', () => {
  const spec = { steps: [{ name: 'canary' }, { name: 'tenth' }] };
  const nodes = [
    { name: 'b', phase: 'Completed', step: 'canary' },
    { name: 'a', phase: 'Pending', step: 'rest' },
    { name: 'c', phase: 'Pending', step: 'tenth' },
  ] as const;
  const before = { ...stored(undefined), spec } as unknown as NodeOp;
  const found = caughtUp(before, reported([...nodes]), NOW);
  expect(found?.stepOf).toBe('201');
  expect(stepsByNode(found ?? {}).size).toBe(3);
  const kept = { ...before, status: { stepOf: '001' } } as unknown as NodeOp;
  expect(caughtUp(kept, reported([...nodes]), NOW)?.stepOf).toBe('001');
  for (const step of [undefined, 'other'])
    expect(caughtUp(before, reported([{ ...nodes[0], step }]), NOW)).not.toHaveProperty('stepOf');
  expect(caughtUp(stored(undefined), reported([...nodes]), NOW)).not.toHaveProperty('stepOf');
});

test('what people wrote into a report and no status takes is left out', () => {
  const report = reported([{ name: 'a', phase: 'Completed', startedAt: 'yesterday', attempts: 1 }], {
    startedAt: 'then',
    steps: [{ name: 'x' }],
  });
  const found = caughtUp(stored({ a: { phase: 'Pending' } }), report, NOW);
  expect(found?.nodeStatuses?.['a']).toEqual({ phase: 'Completed' });
  expect(found).not.toHaveProperty('startedAt');
  expect(found).not.toHaveProperty('steps');
});
