import { expect, test } from 'vitest';
import type { NodeOpReport } from '../../src/api/report.ts';
import { withoutInFlight } from '../../src/core/runs/lost.ts';

test('a report that is final names no node as being worked on', () => {
  const status: NodeOpReport['status'] = {
    phase: 'Running',
    summary: { total: 4, pending: 1, inFlight: 1, completed: 1, failed: 1, cancelled: 0 },
    nodes: [
      { name: 'a', phase: 'Completed' },
      { name: 'b', phase: 'Failed', message: 'command failed: exit code 7' },
      { name: 'c', phase: 'Rebooting', message: 'boot ID is still the old one' },
      { name: 'd', phase: 'Pending' },
    ],
  };
  expect(withoutInFlight(status)).toEqual({
    phase: 'Running',
    summary: { total: 4, pending: 0, inFlight: 0, completed: 1, failed: 2, cancelled: 1 },
    nodes: [
      { name: 'a', phase: 'Completed' },
      { name: 'b', phase: 'Failed', message: 'command failed: exit code 7' },
      {
        name: 'c',
        phase: 'Failed',
        message: 'outcome unknown: the NodeOp was deleted while the node was Rebooting',
      },
      { name: 'd', phase: 'Cancelled', message: 'Cancelled: the NodeOp was deleted' },
    ],
  });
});

test('one that never had nodes stays as it is', () => {
  const status: NodeOpReport['status'] = { phase: 'Pending' };
  expect(withoutInFlight(status)).toBe(status);
});
