import { LABEL_RECORD_PART } from '../../src/api/labels.ts';
import type { Sim } from '../../src/sim/index.ts';

/** What the agent has on record of runs that have not begun, as one of its ConfigMaps. */
export function putRecordHead(sim: Sim, data: Record<string, string>): void {
  const metadata = {
    name: 'nodeop-agent-record-head',
    namespace: 'nodeop-system',
    labels: { [LABEL_RECORD_PART]: 'head' },
  };
  sim.store.create('configmaps', { metadata, data });
}
