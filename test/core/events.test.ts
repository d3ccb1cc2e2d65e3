import { expect, test } from 'vitest';
import type { NodeOpStatus, NodeStatus } from '../../src/api/nodeop.ts';
import { type News, newsOf } from '../../src/core/rollout/events.ts';

const change = (before: NodeStatus, after: NodeStatus) =>
  newsOf(
    { phase: 'Running', nodeStatuses: { a: before } },
    { phase: 'Running', nodeStatuses: { a: after } },
    new Map([['a', before]]),
  );

test.each([
  ['Preflight', 'PreflightFailed'],
  ['Draining', 'DrainFailed'],
  ['Running', 'JobFailed'],
  ['Rebooting', 'RebootTimedOut'],
  ['Postflight', 'PostflightFailed'],
  ['Pending', 'NodeFailed'],
] as const)('a failure in %s is told as %s', (phase, reason) => {
  expect(change({ phase }, { phase: 'Failed', message: 'why' })).toEqual([
    { type: 'Warning', reason, message: 'why', node: 'a' },
  ]);
});

test('a blocked drain is told once, not at each look', () => {
  const blocked: NodeStatus = { phase: 'Draining', message: 'eviction blocked: default/a (budget)' };
  expect(change({ phase: 'Draining' }, blocked)[0]?.reason).toBe('DrainBlocked');
  expect(change(blocked, { ...blocked, message: 'eviction blocked: default/b (budget)' })).toEqual([]);
});

test('nothing changed is no news', () => {
  const status: NodeStatus = { phase: 'Running' };
  expect(change(status, status)).toEqual([]);
});

test.each<[NodeStatus, NodeStatus, string[]]>([
  [{ phase: 'Pending' }, { phase: 'Draining' }, ['Normal Draining: cordoning and draining']],
  [{ phase: 'Draining' }, { phase: 'Running' }, ['Normal Started: running the command']],
  [{ phase: 'Running' }, { phase: 'Rebooting' }, ['Normal Rebooting: the command succeeded, rebooting']],
  [{ phase: 'Running' }, { phase: 'Completed', jobName: 'a' }, ['Normal Succeeded: done']],
  [
    { phase: 'Preflight' },
    { phase: 'Completed', message: 'Skipped by preflight: done before' },
    ['Normal Skipped: Skipped by preflight: done before'],
  ],
  [{ phase: 'Pending' }, { phase: 'Preflight' }, []],
  [{ phase: 'Rebooting' }, { phase: 'Postflight' }, []],
  [{ phase: 'Pending' }, { phase: 'Cancelled', message: 'Cancelled: why' }, []],
])('from %j to %j: %j', (before, after, told) => {
  expect(change(before, after).map(({ type, reason, message }) => `${type} ${reason}: ${message}`)).toEqual(
    told,
  );
});

test('a node that is only cordoned is not said to be drained', () => {
  const [before, after]: NodeStatus[] = [{ phase: 'Pending' }, { phase: 'Draining' }];
  const news = newsOf(
    {},
    { nodeStatuses: { a: after as NodeStatus } },
    new Map([['a', before as NodeStatus]]),
    false,
  );
  expect(news).toEqual([{ type: 'Normal', reason: 'Cordoning', message: 'cordoning', node: 'a' }]);
});

const whole = (before: NodeOpStatus, after: NodeOpStatus): News[] => newsOf(before, after, new Map());
const step = (phase: 'Running' | 'Soaking' | 'Passed' | 'Failed', message?: string): NodeOpStatus => ({
  phase: 'Running',
  steps: [
    { name: 'first', phase, nodes: 1, finished: 1, failed: 0, ...(message !== undefined && { message }) },
  ],
});

test.each<[NodeOpStatus, NodeOpStatus, string[]]>([
  [step('Running'), step('Soaking'), ['Normal StepSoaking: step first soaks']],
  [step('Running'), step('Soaking', 'soaks for 60 s'), ['Normal StepSoaking: step first: soaks for 60 s']],
  [step('Soaking'), step('Passed'), ['Normal StepPassed: step first is passed']],
  [
    step('Soaking'),
    step('Passed', 'no node is in it'),
    ['Normal StepPassed: step first is passed: no node is in it'],
  ],
  [
    step('Soaking'),
    step('Failed', '2 of 2 failed'),
    ['Warning StepFailed: step first has failed: 2 of 2 failed'],
  ],
  [step('Soaking', 'soaks'), step('Soaking', 'still'), []],
  [{ phase: 'Pending' }, step('Running'), []],
])('of steps: from %j to %j: %j', (before, after, told) => {
  expect(whole(before, after).map(({ type, reason, message }) => `${type} ${reason}: ${message}`)).toEqual(
    told,
  );
});

const ended = (phase: 'Completed' | 'Failed' | 'Cancelled', reason: string): NodeOpStatus => ({
  phase,
  conditions: [{ type: 'Ready', status: 'False', reason, message: 'how it was', lastTransitionTime: '' }],
});

test.each<[NodeOpStatus, string]>([
  [ended('Completed', 'Completed'), 'Normal RolloutCompleted: how it was'],
  [ended('Cancelled', 'Cancelled'), 'Warning RolloutCancelled: how it was'],
  [ended('Failed', 'Failed'), 'Warning RolloutFailed: how it was'],
  [ended('Failed', 'NoNodesMatched'), 'Warning NoNodesMatched: how it was'],
  [
    { phase: 'Failed', summary: { total: 1, failed: 1 } } as NodeOpStatus,
    'Warning RolloutFailed: 0 of 1 node completed, 1 failed',
  ],
])('the end %j is told once: %s', (after, told) => {
  const [news, ...more] = whole({ phase: 'Running' }, after);
  expect(`${news?.type} ${news?.reason}: ${news?.message}`).toBe(told);
  expect(more).toEqual([]);
  expect(whole(after, after)).toEqual([]);
});

test('what keeps a NodeOp from being begun is told until it is another thing', () => {
  const stalled = (message: string, phase: 'Pending' | 'Running' = 'Pending'): NodeOpStatus => ({
    phase,
    conditions: [{ type: 'Stalled', status: 'True', reason: 'NotAdopted', message, lastTransitionTime: '' }],
  });
  const told = [{ type: 'Warning', reason: 'NotAdopted', message: 'denied' }];
  expect(whole({ phase: 'Pending' }, stalled('denied'))).toEqual(told);
  expect(whole(stalled('denied'), stalled('denied'))).toEqual([]);
  expect(whole(stalled('away'), stalled('denied'))).toEqual(told);
  expect(whole(stalled('denied', 'Running'), stalled('denied', 'Running'))).toEqual([]);
});

test.each(['SpecChanged', 'RetriesUnguarded'])('%s is told once', (type) => {
  const after: NodeOpStatus = {
    phase: 'Running',
    conditions: [{ type, status: 'True', reason: type, message: 'why', lastTransitionTime: '' }],
  };
  expect(whole({ phase: 'Running' }, after).map(({ reason }) => reason)).toEqual([type]);
  expect(whole(after, after)).toEqual([]);
});
