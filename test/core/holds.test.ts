import { expect, test } from 'vitest';
import { ANNOTATION_CANCEL, ANNOTATION_HOLD } from '../../src/api/labels.ts';
import type { NodeOp } from '../../src/api/nodeop.ts';
import { cancelText, clusterHoldText, heldHeading, nodeOpHoldText, reasonIn } from '../../src/core/holds.ts';
import { World } from '../support/world.ts';

const nodeOp = (annotation: string, reason: string) =>
  ({ metadata: { name: 'flash', annotations: { [annotation]: reason } } }) as unknown as NodeOp;

const LOUD = '\n\u001b[31mfans\u001b[0m fail\r\n  on rack 7\u0007\n';

test('what people brake with is told as one line in which nothing acts', () => {
  expect(nodeOpHoldText(nodeOp(ANNOTATION_HOLD, LOUD))).toMatch(/: fans fail on rack 7$/);
  expect(clusterHoldText({ lease: LOUD })).toMatch(/: fans fail on rack 7$/);
  expect(cancelText(nodeOp(ANNOTATION_CANCEL, LOUD))).toBe('fans fail on rack 7');
});

test('a reason without words is none', () => {
  expect(cancelText(nodeOp(ANNOTATION_CANCEL, '\u001b[0m \n'))).toBe(
    `by the annotation ${ANNOTATION_CANCEL}`,
  );
  expect(nodeOpHoldText(nodeOp(ANNOTATION_HOLD, ' '))).toBe(`held by the annotation ${ANNOTATION_HOLD}`);
});

test('a reason of any length is told with a bound', () => {
  expect(cancelText(nodeOp(ANNOTATION_CANCEL, 'x'.repeat(200_000)))?.length).toBe(1000);
});

test('what servers say stands in conditions as one line in which nothing acts', () => {
  const world = new World({ cordon: true }, { 'node-1': {} });
  world.troubles = new Map([['adopt', LOUD]]);
  const messages = () => (world.status.conditions ?? []).map(({ message }) => message);
  world.pass();
  expect(messages()).toContain("cannot be marked as this agent's: fans fail on rack 7");
});

test.each<[string | undefined, string]>([
  ['reason: fans fail', 'fans fail'],
  ['fans fail', 'fans fail'],
  ['', ''],
  ['reason: 7', ''],
  ['- fans fail', ''],
  ['other: fans fail', ''],
  ['reason: [', 'the file cannot be read'],
  [undefined, 'the file cannot be read'],
])('a file with %j holds for the reason %j', (text, reason) => {
  expect(reasonIn(text === undefined ? undefined : Buffer.from(text))).toBe(reason);
});

test('by whom all is held is told, each with its reason', () => {
  expect(clusterHoldText({})).toBeUndefined();
  expect(clusterHoldText({ lease: '' })).toBe(`the whole cluster is held by ${ANNOTATION_HOLD} on the Lease`);
  expect(clusterHoldText({ lease: 'night', repository: 'fans fail' }, 'ops/hold.yaml')).toBe(
    `the whole cluster is held by ${ANNOTATION_HOLD} on the Lease: night; all clusters are held by ops/hold.yaml: fans fail`,
  );
  expect(heldHeading('held by the annotation x: night')).toBe('Held: by the annotation x: night');
});
