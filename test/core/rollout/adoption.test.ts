import { describe, expect, test } from 'vitest';
import { decide } from '../../../src/core/rollout/decide.ts';
import type { RolloutFacts } from '../../../src/core/rollout/facts.ts';
import { World } from '../../support/world.ts';

const world = new World({ startTimeoutSeconds: 90 }, { 'node-1': {} });
const BEGAN = world.now;
const TROUBLES = new Map([['adopt', 'denied by a webhook']]);

function look(facts: Partial<RolloutFacts>, afterMs = 0) {
  const { actions, status, lookAgainAt } = decide({ ...world.facts(), ...facts }, BEGAN + afterMs);
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  const stalled = status.conditions?.find(({ type }) => type === 'Stalled')?.status;
  const again = lookAgainAt === undefined ? undefined : lookAgainAt - BEGAN;
  return { does: actions.map(({ type }) => type), phase: status.phase, ready, stalled, again };
}

describe('a NodeOp whose run is not found in the repository yet', () => {
  test('is not begun; for five seconds nobody is told', () => {
    const facts = { awaitsRecordSince: BEGAN };
    const unsaid = { does: [], phase: undefined, ready: undefined, again: 5_000 };
    expect(look(facts)).toMatchObject(unsaid);
    expect(look(facts, 4_999)).toMatchObject(unsaid);
    const said = look(facts, 5_000);
    expect(said).toMatchObject({ does: [], phase: 'Pending', stalled: 'False', again: undefined });
    expect(said.ready?.message).toBe('waits until the agent has found its run in the repository');
  });

  test('waits for it before all else', () => {
    expect(look({ awaitsRecordSince: BEGAN, obstacle: 'fields are dropped' }, 5_000).ready?.reason).toBe(
      'Waiting',
    );
    expect(look({ awaitsRecordSince: BEGAN, troubles: TROUBLES }).does).toEqual([]);
  });
});

test('where the definition of NodeOps would drop fields nothing begins, and somebody has to see to it', () => {
  const said = look({ obstacle: 'the definition lacks spec.steps' });
  expect(said).toMatchObject({ does: [], phase: 'Pending', stalled: 'True' });
  expect(said.ready?.message).toBe('the definition lacks spec.steps');
});

describe('a NodeOp that nothing keeps from being marked', () => {
  test('is marked before anything else is done or said', () => {
    expect(look({})).toMatchObject({ does: ['adopt'], phase: undefined, again: undefined });
  });

  test('is marked again and again while the API server does not answer, however long that takes', () => {
    const facts = { troubles: TROUBLES, refusedSince: () => undefined };
    for (const afterMs of [0, 86_400_000])
      expect(look(facts, afterMs)).toMatchObject({
        does: ['adopt'],
        phase: 'Pending',
        stalled: 'True',
        again: undefined,
      });
    expect(look(facts).ready?.message).toBe("cannot be marked as this agent's: denied by a webhook");
  });

  test('has failed once that was refused for startTimeoutSeconds, and no earlier', () => {
    const facts = { troubles: TROUBLES, refusedSince: () => BEGAN };
    expect(look(facts, 89_999)).toMatchObject({ does: ['adopt'], phase: 'Pending', again: 90_000 });
    const end = look(facts, 90_000);
    expect(end).toMatchObject({ does: [], phase: 'Failed', again: undefined });
    expect(end.ready).toMatchObject({
      reason: 'NotAdopted',
      message: "it could not be marked as this agent's for 90 s: denied by a webhook",
    });
  });
});

test('one that is taken back is not marked any more: its targets are put on record, so that it can end', () => {
  expect(look({ cancelled: 'the run file was removed' })).toMatchObject({ does: [], phase: 'Pending' });
});
