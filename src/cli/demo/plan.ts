import { join } from 'node:path';
import { fitted } from '../../core/text/fit.ts';
import { previewTable } from '../../core/preview/text.ts';
import { ReadOnlyCluster } from '../cluster.ts';
import { viewOfCluster } from '../plan/from-cluster.ts';
import type { PlanContext } from '../plan/context.ts';
import { planAll } from '../plan/plan-run.ts';
import { readRun } from '../plan/read-run.ts';

const NAMESPACE = 'nodeop-system';

/** What `plan` says of a run file in a clone. */
export async function planOf(
  kubeconfig: string,
  clone: string,
  file: string,
  width: number | undefined,
): Promise<string> {
  const cluster = new ReadOnlyCluster({ kubeconfig });
  try {
    const view = await viewOfCluster(cluster, { namespace: NAMESPACE, name: 'none' });
    const context: PlanContext = {
      root: clone,
      results: clone,
      layout: { nodeops: 'nodeops', runs: 'runs', results: 'results' },
      namespace: NAMESPACE,
      executor: 'agent',
      defaultImage: undefined,
      maxConcurrent: 1,
      maxAgeMs: Infinity,
      verifies: false,
      definitions: [],
      nodeSeconds: 0,
    };
    const run = await readRun(join(clone, file), context);
    // The agent runs beside this cluster, on none of its nodes.
    const [planned] = await planAll([run], context, { ...view, gaps: [] });
    return planned?.kind === 'preview' ? fitted(previewTable(planned.preview), width) : (planned?.kind ?? '');
  } finally {
    await cluster.close();
  }
}
