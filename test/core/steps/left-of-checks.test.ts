import { expect, test } from 'vitest';
import type { CheckStatus } from '../../../src/api/checks.ts';
import type { StepPhase, StepStatus } from '../../../src/api/steps.ts';
import { NO_CHECKS } from '../../../src/core/checks/try.ts';
import type { PodFacts } from '../../../src/core/rollout/facts.ts';
import { leftOfChecks } from '../../../src/core/rollout/steps/follow.ts';
import { World } from '../../support/world.ts';
import { POD } from '../rollout/support.ts';

const ASKING: CheckStatus = {
  name: 'ok',
  phase: 'Asking',
  tries: 2,
  attempt: 1,
  changedAt: '2030-01-01T00:00:00Z',
};
const ENDED: PodFacts = { ...POD, state: 'succeeded', exitCode: 0 };

function step(phase: StepPhase, check: CheckStatus): StepStatus {
  return { name: 'first', phase, nodes: 1, finished: 1, failed: 0, checks: [check] };
}

/** Which pods of tries go: by the number of the try. */
function goes(
  pods: Record<string, PodFacts>,
  now: StepStatus,
  { recorded = now, isStopped = false }: { recorded?: StepStatus; isStopped?: boolean } = {},
): string[] {
  const facts = {
    ...new World({}, { 'node-1': {} }).facts(),
    checks: { ...NO_CHECKS, pods: new Map(Object.entries(pods)) },
    persisted: { steps: [recorded] },
  };
  return leftOfChecks(facts, [now], isStopped).map((it) =>
    it.type === 'delete-check-pod' ? `${it.step}.${it.check}.${it.number} ${it.uid}` : it.type,
  );
}

test.each<[StepPhase, string[]]>([
  ['Soaking', []],
  ['Checking', []],
  ['Failed', ['0.0.2 uid-pod']],
  ['Cancelled', ['0.0.2 uid-pod']],
  ['Passed', ['0.0.2 uid-pod']],
])('the pod of a try that is under way in a step that is %s: %j', (phase, left) => {
  expect(goes({ '0.0.2': POD }, step(phase, ASKING))).toEqual(left);
});

test('in a rollout that is stopped no try goes on', () => {
  expect(goes({ '0.0.2': POD }, step('Soaking', ASKING), { isStopped: true })).toEqual(['0.0.2 uid-pod']);
});

test('pods of tries before go, those that run as well', () => {
  expect(goes({ '0.0.1': POD, '0.0.2': POD }, step('Soaking', ASKING))).toEqual(['0.0.1 uid-pod']);
});

test('one that has ended stays until its verdict is on record', () => {
  const judged = step('Soaking', { ...ASKING, phase: 'Waiting', attempt: 0 });
  const before = step('Soaking', ASKING);
  expect(goes({ '0.0.2': ENDED }, judged, { recorded: before })).toEqual([]);
  expect(goes({ '0.0.2': ENDED }, judged)).toEqual(['0.0.2 uid-pod']);
  // One that still runs has no verdict that could be lost.
  expect(goes({ '0.0.2': POD }, judged, { recorded: before })).toEqual(['0.0.2 uid-pod']);
});

test('what is being deleted, and what is named like no try, is left alone', () => {
  expect(goes({ '0.0.2': { ...POD, deleting: true }, other: POD }, step('Failed', ASKING))).toEqual([]);
});
