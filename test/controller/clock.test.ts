import { expect, test } from 'vitest';
import { Cluster } from '../support/cluster.ts';

const HOUR = 3_600_000;

test.each([
  ['back', -HOUR],
  ['forward', HOUR],
])('a clock set %s by an hour in mid-rollout freezes nothing and times nothing out', async (_, by) => {
  const cluster = await Cluster.virtual({
    nodes: 3,
    script: (pod) =>
      pod.metadata.labels?.['kairos.io/reboot'] === undefined ? { durationMs: 3_000 } : { reboot: true },
  });
  const { clock } = cluster;
  try {
    const name = await cluster.nodeOp({
      concurrency: 1,
      preflight: { command: ['check'], activeDeadlineSeconds: 30 },
      command: ['flash'],
      rebootOnSuccess: true,
      rebootTimeoutSeconds: 60,
      soakSeconds: 1,
    });
    await cluster.until(name, ({ status }) => status?.nodeStatuses?.['node-1']?.phase === 'Rebooting');
    clock.set(by);
    const began = clock.steady();
    const { status } = await cluster.ended(name);
    expect(status, JSON.stringify(status?.nodeStatuses, undefined, 1)).toMatchObject({ phase: 'Completed' });
    // Two more nodes, each for half a minute.
    expect(clock.steady() - began).toBeLessThan(120_000);
    // What is recorded has the time people see.
    const last = Date.parse(status?.nodeStatuses?.['node-3']?.finishedAt ?? '');
    expect(Math.abs(last - clock.wall())).toBeLessThan(60_000);
  } finally {
    await cluster.stop();
  }
});
