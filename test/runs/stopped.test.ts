import { expect, test } from 'vitest';
import type { NodeOp } from '../../src/api/nodeop.ts';
import { briefOfText } from '../../src/core/runs/brief.ts';
import { formatReport, reportNodeOp, reportVerdict } from '../../src/core/runs/report.ts';

const AT = '2030-01-01T02:00:00Z';
const node = (phase: string, message?: string) => ({ phase, message, finishedAt: AT });

function report(phase: string, conditions: object[], nodeStatuses: object) {
  const status = { phase, conditions, nodeStatuses, startedAt: AT, completedAt: AT };
  const nodeOp = { metadata: { name: 'a', uid: 'u' }, spec: {}, status } as unknown as NodeOp;
  return reportNodeOp({ path: 'runs/a.yaml' }, nodeOp, new Map(), undefined, []);
}

const removed = 'the run file was removed by Ada <ada@example.org> in commit 0123456789ab';
const cancelled = (message: string) => [
  { type: 'Cancelled', status: 'True', message, lastTransitionTime: AT },
];

test.each([
  ['people removed the file', 'Cancelled', cancelled(removed), { n1: node('Cancelled') }, removed],
  [
    'people deleted the NodeOp when a node had failed',
    'Failed',
    cancelled('the NodeOp was deleted'),
    { n1: node('Failed', 'exit 3'), n2: node('Cancelled') },
    'the NodeOp was deleted',
  ],
  [
    'too many failed',
    'Failed',
    [],
    { n1: node('Failed', 'exit 3'), n2: node('Cancelled', 'Cancelled: 1 failed, 0 tolerated') },
    '1 failed, 0 tolerated',
  ],
])('a report says what stopped the run, and when: %s', (_, phase, conditions, nodes, message) => {
  const told = report(phase, conditions, nodes);
  expect(told.status).toMatchObject({ phase, stopped: { message, at: AT } });
  expect(briefOfText(formatReport(told))).toMatchObject({ run: 'runs/a.yaml', phase });
});

test('one that was not stopped says nothing of it', () => {
  expect(report('Completed', [], { n1: node('Completed') }).status).not.toHaveProperty('stopped');
});

test('an end without its NodeOp is read as quickly as others', () => {
  const before = report('Running', [], { n1: node('Completed'), n2: node('Running') });
  const verdict = { phase: 'Cancelled', reason: 'NodeOpDeleted', message: 'it was deleted' } as const;
  const told = reportVerdict({ path: 'runs/a.yaml' }, verdict, before, new Date(AT));
  expect(told.status.stopped).toEqual({ message: 'it was deleted', at: AT });
  expect(briefOfText(formatReport(told))).toMatchObject({ phase: 'Cancelled', reason: 'NodeOpDeleted' });
});
