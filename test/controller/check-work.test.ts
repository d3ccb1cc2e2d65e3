import { expect, test } from 'vitest';
import { CheckWork } from '../../src/agent/rollouts/check-work.ts';
import { LABEL_CHECK, LABEL_NODEOP_UID } from '../../src/api/labels.ts';
import type { Pod } from '../../src/api/kubernetes.ts';

const podOf = (key: string, uid: string): Pod => ({
  metadata: { name: uid, uid, labels: { [LABEL_NODEOP_UID]: 'op', [LABEL_CHECK]: key } },
});

test('of a check that is asked again and again only the last tries are kept, and none of another check goes', () => {
  const work = new CheckWork();
  work.answered('op', '0.1.1', { passed: true, seen: 'of another check' });
  for (let i = 1; i <= 1000; i += 1) work.answered('op', `0.0.${i}`, { passed: true, seen: `try ${i}` });
  expect([...work.facts('op').answers.keys()]).toEqual(['0.1.1', '0.0.1000']);
});

test('a pod that goes is remembered, a namesake that is there does not go with it', () => {
  const work = new CheckWork();
  work.change(podOf('0.0.1', 'first'), false);
  work.change(podOf('0.0.1', 'second'), true);
  expect(work.facts('op').pods.size).toBe(1);
  work.change(podOf('0.0.1', 'first'), true);
  work.lookedUp('op', '0.0.1', 7, false);
  const { pods, seen, gone, readAt } = work.facts('op');
  expect([pods.size, [...seen], [...gone], [...readAt]]).toEqual([0, ['0.0.1'], ['0.0.1'], [['0.0.1', 7]]]);
});

test('what is no pod of a check is none of its business', () => {
  expect(
    new CheckWork().change({ metadata: { labels: { [LABEL_NODEOP_UID]: 'op' } } }, false),
  ).toBeUndefined();
});
