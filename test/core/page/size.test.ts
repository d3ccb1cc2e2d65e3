import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { NodeStatus } from '../../../src/api/nodeop.ts';
import { nodesView } from '../../../src/core/page/nodes.ts';
import { runView } from '../../../src/core/page/run.ts';
import { runsView } from '../../../src/core/page/runs.ts';
import { aNode, aNodeOp, facts } from '../../support/page-facts.ts';

const NODES = 5_000;
const name = (i: number) => `rack-${Math.floor(i / 40)}-node-${i}`;
const PHASES = ['Completed', 'Completed', 'Failed', 'Running', 'Pending'] as const;

function status(i: number): NodeStatus {
  const phase = PHASES[i % PHASES.length] ?? 'Pending';
  if (phase === 'Pending') return { phase };
  const startedAt = new Date(Date.parse('2030-01-31T20:00:00Z') + i * 500).toISOString();
  const finishedAt = new Date(Date.parse(startedAt) + 60_000).toISOString();
  const times = phase === 'Running' ? { startedAt } : { startedAt, finishedAt };
  const failed = {
    message: 'command failed: exit code 3: write protected',
    exitCode: 3,
    cause: 'write protected',
  };
  return { phase, jobName: `flash-${i}`, attempts: 1, ...times, ...(phase === 'Failed' && failed) };
}

const nodeOp = aNodeOp('flash', {
  phase: 'Running',
  startedAt: '2030-01-31T20:00:00Z',
  nodeStatuses: Object.fromEntries(Array.from({ length: NODES }, (_, i) => [name(i), status(i)])),
});
const FACTS = facts({
  nodeOps: Array.from({ length: 20 }, (_, i) => ({
    ...nodeOp,
    metadata: { ...nodeOp.metadata, name: `flash-${i}`, uid: `uid-${i}` },
  })),
  nodes: Array.from({ length: NODES }, (_, i) =>
    aNode(name(i), i % 50 === 0 ? { by: 'ops/flash-1@uid-1' } : {}),
  ),
});

test.each([
  ['one run', () => runView({ id: '~ops/flash', nodeOp }, FACTS), 300],
  ['all nodes', () => nodesView(FACTS), 300],
  ['all runs', () => runsView(FACTS), 300],
] as const)(
  '%s of five thousand nodes is worked out in pieces, and is small enough to send',
  (_, view, kilobytes) => {
    const steps = view();
    let pieces = 0;
    let rows: readonly object[] = [];
    for (let step = steps.next(); ; step = steps.next()) {
      pieces += 1;
      if (step.done !== true) continue;
      rows = step.value.rows;
      break;
    }
    expect(pieces).toBeGreaterThan(3);
    expect(rows.length).toBeGreaterThanOrEqual(20);
    expect(gzipSync(JSON.stringify(rows)).length).toBeLessThan(kilobytes * 1024);
  },
);
