import { expect, test } from 'vitest';
import { ANNOTATION_HOLD } from '../../src/api/labels.ts';
import type { NodeOp } from '../../src/api/nodeop.ts';
import { standstill } from '../../src/core/runs/standstill.ts';

function nodeOp(
  phase: string,
  inFlight = 0,
  { suspend = false, hold }: { suspend?: boolean; hold?: string } = {},
) {
  const annotations = hold === undefined ? {} : { [ANNOTATION_HOLD]: hold };
  return {
    metadata: { name: 'a', annotations },
    spec: { suspend },
    status: { phase, summary: { inFlight } },
  } as unknown as NodeOp;
}
const waits = (reason: string) => [{ run: 'runs/b.yaml', reason, message: `${reason} it is` }];

test.each<[string, NodeOp[], ReturnType<typeof waits>, string | undefined, string | undefined]>([
  ['nothing is left', [nodeOp('Completed')], [], 'held', undefined],
  ['a run waits for whoever holds', [], waits('Held'), 'held', 'Held it is'],
  [
    'a run waits for keys',
    [nodeOp('Completed')],
    waits('SignaturesUnknown'),
    undefined,
    'SignaturesUnknown it is',
  ],
  ['a run waits for its time', [], waits('NotBefore'), 'held', undefined],
  ['a rollout goes on', [nodeOp('Running', 1)], waits('SignaturesUnknown'), undefined, undefined],
  ['a rollout soaks or waits for its window', [nodeOp('Running')], waits('Queued'), undefined, undefined],
  ['a held rollout has a node in flight', [nodeOp('Running', 1)], [], 'held', undefined],
  ['a held rollout has none', [nodeOp('Running')], waits('Queued'), 'held', 'held'],
  ['a suspended run', [nodeOp('Pending', 0, { suspend: true })], [], undefined, 'suspended by the run file'],
  [
    'a NodeOp that is held',
    [nodeOp('Running', 0, { hold: 'x' })],
    [],
    undefined,
    `held by the annotation ${ANNOTATION_HOLD}: x`,
  ],
  [
    'one of two goes on',
    [nodeOp('Running', 0, { hold: 'x' }), nodeOp('Running', 1)],
    [],
    undefined,
    undefined,
  ],
])('%s', (_, nodeOps, waiting, held, expected) => {
  expect(standstill(nodeOps, waiting, held)).toBe(expected);
});
