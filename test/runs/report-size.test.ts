import { expect, test } from 'vitest';
import { contentOf } from '../../src/agent/repository/stored.ts';
import type { NodeOp } from '../../src/api/nodeop.ts';
import { parseReport } from '../../src/api/report.ts';
import { formatReport, reportNodeOp } from '../../src/core/runs/report.ts';

/** A run of 5,000 nodes whose names are as long as a label may be. */
function large(phase: 'Running' | 'Completed'): string {
  const names = Array.from({ length: 5000 }, (_, i) => `node-${i}-`.padEnd(63, 'x'));
  const node = {
    phase: 'Failed' as const,
    message: 'exit 3: flash is write-protected, and "quotes" are here as well: see the manual',
    attempts: 3,
    exitCode: 3,
    rebootStatus: 'not-requested' as const,
    startedAt: '2030-01-01T00:00:00Z',
    finishedAt: '2030-01-01T01:00:00Z',
    lastUpdated: '2030-01-01T01:00:00Z',
  };
  const nodeOp = {
    metadata: { namespace: 'ops', name: 'flash', uid: 'u1' },
    spec: {},
    status: { phase, nodeStatuses: Object.fromEntries(names.map((name) => [name, node])) },
  } as unknown as NodeOp;
  return formatReport(reportNodeOp({ path: 'runs/flash.yaml' }, nodeOp, new Map(), undefined, []));
}

test.each([
  ['Running', 'unfinished'],
  ['Completed', 'over'],
] as const)('a report of 5,000 nodes with long names is read back: %s', async (phase, standing) => {
  const bytes = new TextEncoder().encode(large(phase));
  expect(bytes.length).toBeGreaterThan(1024 * 1024);
  expect(await contentOf('b', bytes)).toMatchObject({ file: { standing }, brief: { phase } });
  expect(parseReport(bytes)?.status.nodes).toHaveLength(5000);
});
