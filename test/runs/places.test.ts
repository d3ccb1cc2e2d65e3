import { expect, test } from 'vitest';
import type { NodeOp, NodeOpStatus } from '../../src/api/nodeop.ts';
import { placeHeld, takesPlace } from '../../src/core/runs/places.ts';

const HOLD = { 'agent.nodeop.dev/hold': '' };

function run(status: object, { suspend = false, annotations = {} } = {}): NodeOp {
  const metadata = { annotations: { 'agent.nodeop.dev/run': ':runs/a.yaml', ...annotations } };
  return { metadata, spec: { suspend }, status: status as NodeOpStatus } as unknown as NodeOp;
}

const reconciling = (reason: string, inFlight = 0) => ({
  phase: 'Running',
  summary: { inFlight },
  conditions: [{ type: 'Reconciling', status: 'True', reason }],
});

test.each<[string, NodeOp, boolean]>([
  ['just made', run({}), true],
  ['about to start a node', run(reconciling('Progressing')), true],
  ['with nodes in flight', run(reconciling('Waiting', 1)), true],
  ['suspended, with nodes in flight', run(reconciling('Waiting', 1), { suspend: true }), true],
  ['suspended', run({}, { suspend: true }), false],
  ['held', run({}, { annotations: HOLD }), false],
  ['held by the cluster', run(reconciling('Held')), false],
  ['that waits or soaks', run(reconciling('Waiting')), false],
  ['that is over', run({ phase: 'Failed', summary: { inFlight: 1 } }), false],
])('a run %s takes a place: %s', (_, nodeOp, takes) => {
  expect(takesPlace(nodeOp)).toBe(takes);
});

test('one that gave its place away waits until there is one', () => {
  const [busy, idle] = [run(reconciling('Progressing', 1)), run(reconciling('Waiting'))];
  expect(placeHeld(idle, [[busy]], 1)).toMatch(/waiting for its turn/);
  expect(placeHeld(idle, [[busy]], 2)).toBeUndefined();
  expect(placeHeld(idle, [[idle]], 1)).toBeUndefined();
  expect(placeHeld(busy, [[run(reconciling('Progressing', 1))]], 1)).toBeUndefined();
  const byHand = { ...idle, metadata: {} };
  expect(placeHeld(byHand, [[busy]], 1)).toBeUndefined();
});

test('a place is taken until the end of its last node is on record', () => {
  const idle = run(reconciling('Waiting'));
  const over = run({ phase: 'Completed', summary: { inFlight: 0 } });
  expect(placeHeld(idle, [[over, run(reconciling('Progressing', 1))]], 1)).toMatch(/waiting for its turn/);
  expect(placeHeld(idle, [[over, over]], 1)).toBeUndefined();
});
