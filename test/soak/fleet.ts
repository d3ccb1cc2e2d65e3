import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { NodeOpStatus } from '../../src/api/nodeop.ts';
import type { Script } from '../../src/sim/index.ts';
import { Cluster } from '../support/cluster.ts';
import type { Row } from './measure.ts';

const LABEL = 'soak/part';

/** Many NodeOps at once, each on a part of the fleet, on virtual time: each node has its command once, never more than allowed. */
export async function fleet({ runs, nodes }: { runs: number; nodes: number }): Promise<Row[]> {
  const starts = new Map<string, number>();
  const script: Script = (pod, node) => {
    if (pod.metadata.labels?.['job-name'] === undefined) return undefined;
    starts.set(node, (starts.get(node) ?? 0) + 1);
    return { durationMs: 3_000 };
  };
  const cluster = await Cluster.virtual({ nodes, script }, { maxConcurrent: runs });
  try {
    const { store } = cluster.sim;
    for (const [i, node] of store.all('nodes').entries()) {
      const labels = { ...node.metadata.labels, [LABEL]: String(i % runs) };
      store.update('nodes', { ...node, metadata: { ...node.metadata, labels } });
    }
    const delay = monitorEventLoopDelay({ resolution: 10 });
    delay.enable();
    for (let run = 0; run < runs; run += 1) {
      const nodeSelector = { matchLabels: { [LABEL]: String(run) } };
      // oxlint-disable-next-line no-await-in-loop -- in this order
      await cluster.nodeOp({ nodeSelector, concurrency: 10, cordon: true });
    }
    const statuses = () =>
      store.all('nodeops.operator.kairos.io').map(({ status }) => (status ?? {}) as NodeOpStatus);
    await cluster.passes(() => statuses().every(({ phase }) => phase === 'Completed' || phase === 'Failed'));
    delay.disable();
    const cordoned = store.all('nodes').filter(({ spec }) => spec?.['unschedulable'] === true).length;
    const failed = statuses().filter(({ phase }) => phase !== 'Completed').length;
    const twice = [...starts.values()].filter((count) => count !== 1).length;
    const scenario = `${runs} runs at once over ${nodes} nodes`;
    return [
      { scenario, what: 'nodes with the command', from: nodes, to: starts.size, most: nodes },
      { scenario, what: 'nodes with it twice', from: 0, to: twice, most: 0 },
      { scenario, what: 'runs that failed', from: 0, to: failed, most: 0 },
      { scenario, what: 'nodes left cordoned', from: 0, to: cordoned, most: 0 },
      // The whole cluster is in this process, too.
      { scenario, what: 'longest turn, ms', from: 0, to: Math.round(delay.max / 1e6), most: 2_000 },
    ];
  } finally {
    await cluster.stop();
  }
}
