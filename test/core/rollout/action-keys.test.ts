import { expect, test } from 'vitest';
import { type Action, actionKey, nodeKey } from '../../../src/core/rollout/actions.ts';

/** What may be under way at the same time has keys of its own; the same step has the same key, whatever the reason. */
const pod = { namespace: 'shop', name: 'web', uid: 'uid-web' };
const ON_NODE = { node: 'node-1', reason: '' };
const TRY = { step: 0, check: 1, number: 2, reason: '' };

test.each<[Action, string]>([
  [{ type: 'adopt', reason: '' }, 'adopt'],
  [{ type: 'create-job', ...ON_NODE }, 'create-job/node-1'],
  [{ type: 'evict', pod, ...ON_NODE }, 'evict/node-1/uid-web'],
  [{ type: 'delete-pod', name: 'a', uid: 'uid-a', ...ON_NODE }, 'delete-pod/node-1/uid-a'],
  [{ type: 'delete-job', name: 'a', uid: 'uid-a', ...ON_NODE }, 'delete-job/node-1'],
  [{ type: 'ask-check', ...TRY }, 'ask-check/0.1.2'],
  [{ type: 'look-up-check', ...TRY }, 'look-up-check/0.1.2'],
  [{ type: 'delete-check-pod', name: 'a', uid: 'uid-a', ...TRY }, 'delete-check-pod/0.1.2'],
])('%j is %s', (action, key) => {
  expect(actionKey(action)).toBe(key);
});

test('the key of what there is one of for each node', () => {
  expect(nodeKey('create-job', 'node-1')).toBe(actionKey({ type: 'create-job', ...ON_NODE }));
});
