import { expect, test } from 'vitest';
import { ANNOTATION_CANCEL, ANNOTATION_HOLD } from '../../src/api/labels.ts';
import type { NodeOp } from '../../src/api/nodeop.ts';
import { cancelText, clusterHoldText, nodeOpHoldText } from '../../src/core/holds.ts';
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
