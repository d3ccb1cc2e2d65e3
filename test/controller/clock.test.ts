import { expect, test } from 'vitest';
import { Cluster } from '../support/cluster.ts';
import { settableClock } from '../support/fake-clock.ts';

const HOUR = 3_600_000;

test.each([
  ['back', -HOUR],
  ['forward', HOUR],
])('a clock set %s by an hour in mid-rollout freezes nothing and times nothing out', async (_, by) => {
  const clock = settableClock();
  const cluster = await Cluster.start({ nodes: 3, bootMs: 300 }, { clock });
  try {
    const name = await cluster.nodeOp({
      concurrency: 1,
      preflight: { command: ['sleep', '0.2'], activeDeadlineSeconds: 30 },
      command: ['sleep', '0.3'],
      rebootOnSuccess: true,
      rebootTimeoutSeconds: 60,
      soakSeconds: 1,
    });
    await cluster.until(name, ({ status }) => status?.nodeStatuses?.['node-1']?.phase === 'Rebooting');
    clock.set(by);
    const began = performance.now();
    const { status } = await cluster.ended(name);
    expect(status, JSON.stringify(status?.nodeStatuses, undefined, 1)).toMatchObject({ phase: 'Completed' });
    expect(performance.now() - began).toBeLessThan(60_000);
    // What is recorded has the time people see.
    const last = Date.parse(status?.nodeStatuses?.['node-3']?.finishedAt ?? '');
    expect(Math.abs(last - clock.wall())).toBeLessThan(60_000);
  } finally {
    await cluster.stop();
  }
});
