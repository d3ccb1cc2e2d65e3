import { expect, test } from 'vitest';
import type { NodeOp, NodeOpStatus } from '../../src/api/nodeop.ts';
import type { Known } from '../../src/cli/look-up.ts';
import { outlook } from '../../src/cli/steer/outlook.ts';
import type { Verb } from '../../src/cli/steer/verbs.ts';
import { summarise } from '../../src/core/rollout/summary.ts';

const nodeStatuses = {
  'node-1': { phase: 'Completed', jobName: 'job' },
  'node-2': { phase: 'Running' },
  'node-3': { phase: 'Pending' },
  'node-4': { phase: 'Pending' },
} as const;

function begun(status: NodeOpStatus): Known {
  const summary = summarise(Object.values(nodeStatuses));
  const nodeOp = { metadata: { name: 'flash' }, spec: {}, status: { nodeStatuses, summary, ...status } };
  return { kind: 'nodeOp', nodeOp: nodeOp as unknown as NodeOp };
}

const waits: Known = {
  kind: 'waiting',
  run: { run: 'runs/a.yaml', reason: 'Queued', message: 'other runs come first' },
};
const held = {
  type: 'Held',
  status: 'True',
  reason: 'HeldByPeople',
  message: 'held by Ada: disks fail',
} as const;

test.each<[string, Verb, Known, string]>([
  [
    'suspend while it goes on',
    'suspend',
    begun({ phase: 'Running' }),
    'In this cluster it is Running: 1 of 4 nodes completed, 3 left; in flight: node-2; 2 more nodes would wait.',
  ],
  [
    'cancel while it goes on',
    'cancel',
    begun({ phase: 'Running' }),
    'In this cluster it is Running: 1 of 4 nodes completed, 3 left; in flight: node-2; 2 more nodes would never begin.',
  ],
  [
    'resume',
    'resume',
    begun({ phase: 'Running' }),
    'In this cluster it is Running: 1 of 4 nodes completed, 3 left.',
  ],
  [
    'resume of what is held in the cluster',
    'resume',
    begun({ phase: 'Running', conditions: [held] }),
    'In this cluster it is Running: 1 of 4 nodes completed, 3 left. But what the file says does not count: held by Ada: disks fail.',
  ],
  [
    'suspend of what is over',
    'suspend',
    begun({ phase: 'Failed' }),
    'In this cluster it is over, Failed: 1 of 4 nodes completed, 3 left. Nothing changes there.',
  ],
  [
    'suspend of what waits',
    'suspend',
    waits,
    'In this cluster it waits (Queued: other runs come first): it does not begin before it is resumed.',
  ],
  [
    'cancel of what waits',
    'cancel',
    waits,
    'In this cluster it waits (Queued: other runs come first): it never begins.',
  ],
  [
    'cancel of what never begins',
    'cancel',
    { kind: 'passedOver', run: 'runs/a.yaml' },
    'In this cluster it was passed over and never begins: nothing changes there.',
  ],
])('%s', (_, verb, known, text) => {
  expect(outlook(verb, known)).toBe(text);
});
