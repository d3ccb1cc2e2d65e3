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

const held = (own: NodeOp, others: NodeOp[][], most: number) =>
  placeHeld(own, { others, isAnyUnseen: false }, most);

test('one that gave its place away waits until there is one', () => {
  const [busy, idle] = [run(reconciling('Progressing', 1)), run(reconciling('Waiting'))];
  expect(held(idle, [[busy]], 1)).toMatch(/waiting for its turn/);
  expect(held(idle, [[busy]], 2)).toBeUndefined();
  expect(held(idle, [[idle]], 1)).toBeUndefined();
  expect(held(busy, [[run(reconciling('Progressing', 1))]], 1)).toBeUndefined();
  const byHand = { ...idle, metadata: {} };
  expect(held(byHand, [[busy]], 1)).toBeUndefined();
});

test('a place is taken until the end of its last node is on record', () => {
  const idle = run(reconciling('Waiting'));
  const over = run({ phase: 'Completed', summary: { inFlight: 0 } });
  expect(held(idle, [[over, run(reconciling('Progressing', 1))]], 1)).toMatch(/waiting for its turn/);
  expect(held(idle, [[over, over]], 1)).toBeUndefined();
  const stale = run({ phase: 'Failed', summary: { inFlight: 1 } });
  expect(held(idle, [[stale]], 1)).toBeUndefined();
});

test('one that is idle waits until it is known what others have in flight', () => {
  const [idle, busy] = [run(reconciling('Waiting')), run(reconciling('Progressing', 1))];
  const unseen = { others: [], isAnyUnseen: true };
  expect(placeHeld(idle, unseen, 1)).toMatch(/until it is seen what other runs have in flight/);
  expect(placeHeld(busy, unseen, 1)).toBeUndefined();
  expect(placeHeld(idle, unseen, Infinity)).toBeUndefined();
});
