import { describe, expect, test } from 'vitest';
import type { NodeOpStatus } from '../../../src/api/nodeop.ts';
import { decide } from '../../../src/core/rollout/decide.ts';
import type { RolloutFacts } from '../../../src/core/rollout/facts.ts';
import { World } from '../../support/world.ts';

function look(
  spec: object,
  facts: Partial<RolloutFacts> = {},
  nodes: Record<string, object> = { a: {}, b: {} },
) {
  const world = new World(spec, nodes);
  world.adopted = true;
  const { actions, status } = decide({ ...world.facts(), ...facts }, world.now);
  return { status, does: actions.map(({ type }) => type) };
}

describe('the first look', () => {
  test('names all targets and does nothing', () => {
    const { status, does } = look({});
    expect(does).toEqual([]);
    expect(status).toMatchObject({
      phase: 'Pending',
      nodeStatuses: { a: { phase: 'Pending' }, b: { phase: 'Pending' } },
      summary: { total: 2, pending: 2 },
    });
    expect(status.steps).toBeUndefined();
  });

  test('says of each that its reboot is to come, where there is one', () => {
    expect(look({}).status.nodeStatuses?.['a']?.rebootStatus).toBe('not-requested');
    expect(look({ rebootOnSuccess: true }).status.nodeStatuses?.['a']?.rebootStatus).toBe('pending');
  });

  test('puts each of them into its step', () => {
    const { status } = look({ steps: [{ name: 'first', upTo: 1 }] });
    expect(status.stepOf).toBe('01');
    expect(status.steps?.map(({ name, nodes, phase }) => `${name} ${nodes} ${phase}`)).toEqual([
      'first 1 Pending',
      'rest 1 Pending',
    ]);
  });

  test('without a target is the end', () => {
    const { status } = look({
      nodeSelector: { matchLabels: { firmware: 'old' } },
      steps: [{ name: 'first', upTo: 1 }],
    });
    expect(status.phase).toBe('Failed');
    expect(status.steps).toBeUndefined();
    expect(status.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
      reason: 'NoNodesMatched',
      message: 'no node matches the selector: no node has the label firmware',
    });
  });
});

test('nothing begins before the targets are on record: a restart would choose others', () => {
  const nodeStatuses = { a: { phase: 'Pending' as const, rebootStatus: 'not-requested' as const } };
  const status: NodeOpStatus = { phase: 'Pending', nodeStatuses };
  const rehearsal = { kind: 'accepted' } as const;
  const unrecorded = look({}, { status, persisted: { phase: 'Pending' }, rehearsal });
  expect(unrecorded.does).toEqual([]);
  expect(unrecorded.status).toBe(status);
  expect(look({}, { status, persisted: status, rehearsal }).does).toEqual(['create-job']);
});

test('targets that are on record stay, whatever the nodes have come to', () => {
  const nodeStatuses = { a: { phase: 'Pending' as const, rebootStatus: 'not-requested' as const } };
  const status: NodeOpStatus = { phase: 'Pending', nodeStatuses };
  const selector = { nodeSelector: { matchLabels: { firmware: 'old' } } };
  const { status: next } = look(selector, { status, persisted: status, rehearsal: { kind: 'accepted' } });
  expect(Object.keys(next.nodeStatuses ?? {})).toEqual(['a']);
});
