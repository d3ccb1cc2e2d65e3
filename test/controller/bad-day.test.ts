import { expect, test } from 'vitest';
import type { Script } from '../../src/sim/index.ts';
import { Cluster } from '../support/cluster.ts';

const NODES = 8;

/** Every request, answer and watch may go wrong; what reaches the nodes must be as if nothing had. */
test.each([1, 2, 3])(
  'a rollout on a bad day, number %i: no command twice, nothing left behind',
  async (seed) => {
    const runs = new Map<string, number>();
    const reboots = new Map<string, number>();
    const count = (map: Map<string, number>, node: string) => map.set(node, (map.get(node) ?? 0) + 1);
    const script: Script = (pod, node) => {
      if (pod.metadata.labels?.['kairos.io/reboot']) {
        count(reboots, node);
        return { durationMs: 5, reboot: true };
      }
      if (pod.metadata.labels?.['kairos.io/preflight']) return { durationMs: 5 };
      if (pod.metadata.labels?.['job-name'] === undefined) return undefined;
      count(runs, node);
      return { durationMs: 20 };
    };
    const faults = { refused: 8, cut: 4, answerLost: 8, watchCut: 4, watchRepeated: 10, watchExpired: 2 };
    const cluster = await Cluster.start({ nodes: NODES, script }, { flaky: { faults, seed } });
    try {
      for (let i = 1; i <= NODES; i += 1) cluster.pod(`web-${i}`, {}, { nodeName: `node-${i}` });
      const op = await cluster.ended(
        await cluster.nodeOp({
          concurrency: 3,
          drainOptions: { enabled: true },
          preflight: { command: ['check'] },
          rebootOnSuccess: true,
        }),
      );
      expect(op.status, JSON.stringify(op.status?.nodeStatuses, undefined, 1)).toMatchObject({
        phase: 'Completed',
        summary: { completed: NODES },
      });
      const once = Array.from({ length: NODES }, () => 1);
      expect([...runs.values()]).toEqual(once);
      expect([...reboots.values()]).toEqual(once);
      const nodes = cluster.sim.store.all('nodes');
      expect(nodes.filter(({ spec }) => spec?.['unschedulable'] === true)).toEqual([]);
      const happened = Object.values(cluster.proxy?.counts ?? {}).reduce((sum, it) => sum + it, 0);
      expect(happened, 'faults that happened').toBeGreaterThan(20);
    } finally {
      await cluster.stop();
    }
  },
);
