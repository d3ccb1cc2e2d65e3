import { expect, test } from 'vitest';
import type { NodeOpReport } from '../../src/api/report.ts';
import { planRuns, type RunFacts } from '../../src/core/runs/plan.ts';

const NOW = new Date('2030-01-01T00:00:00Z');
const file: NonNullable<RunFacts['file']> = {
  blob: 'b',
  order: 0,
  prepare: () => {
    throw new Error('what began is never prepared again');
  },
};
const report = (status: object) => ({ status }) as unknown as NodeOpReport;
const plan = (facts: Partial<RunFacts>) =>
  planRuns([{ path: 'runs/a.yaml', passedOver: false, judged: false, ...facts }], NOW, { maxConcurrent: 1 });

/** It began, by the cluster's record, and its NodeOp is gone. */
test.each<[string, Partial<RunFacts>, object[]]>([
  ['people took its file and its report away', {}, []],
  ['it is passed over', { file, passedOver: true }, []],
  [
    'its report is gone',
    { file },
    [{ phase: 'Cancelled', message: 'it began, and its NodeOp and its report are gone' }],
  ],
  [
    'its report was changed',
    { file, report: report({ phase: 'Invalid' }) },
    [{ phase: 'Cancelled', message: expect.stringMatching(/the report was changed to say otherwise/) }],
  ],
  [
    'no node was in flight',
    { file, report: report({ phase: 'Running', nodes: [{ name: 'a', phase: 'Completed' }] }) },
    [{ phase: 'Cancelled', message: 'the NodeOp was deleted before it was finished' }],
  ],
  [
    'a node was in flight, of which nobody knows what was done',
    { report: report({ phase: 'Running', nodes: [{ name: 'a', phase: 'Running' }] }) },
    [{ phase: 'Failed', message: 'the NodeOp was deleted before it was finished' }],
  ],
])('a lost run never begins again: %s', (_, facts, verdicts) => {
  const actions = plan({ begun: true, ...facts });
  expect(actions).toMatchObject(
    verdicts.map((verdict) => ({ type: 'conclude', verdict: { reason: 'NodeOpDeleted', ...verdict } })),
  );
  expect(actions).toHaveLength(verdicts.length);
});

test('a run whose signatures cannot be judged now waits, whatever is wrong with it', () => {
  const unread = { ...file, prepare: () => ({ ok: false as const, problems: [] }) };
  expect(plan({ file: unread, held: 'the keyring cannot be read' })).toMatchObject([
    {
      type: 'wait',
      reason: 'SignaturesUnknown',
      message: expect.stringMatching(/signatures cannot be checked now/),
    },
  ]);
});
