import { describe, expect, test } from 'vitest';
import type { NodeStatus } from '../../../src/api/nodeop.ts';
import { decide } from '../../../src/core/rollout/decide.ts';
import type { NodeFacts, RolloutFacts, WorkFacts } from '../../../src/core/rollout/facts.ts';
import { MARK, World } from '../../support/world.ts';
import { JOB, POD } from './support.ts';

const WAITS: NodeStatus = { phase: 'Pending', rebootStatus: 'not-requested' };
const ACTIVE: WorkFacts = { job: { ...JOB, pod: POD }, jobSeen: true, attempts: [POD], commandBegan: true };

interface Given {
  spec?: object;
  node?: Partial<NodeFacts>;
  work?: WorkFacts;
  facts?: Partial<RolloutFacts>;
}

/** An agent was killed before it had put on record that it had begun the node `a`. */
function look({ spec = {}, node = {}, work, facts = {} }: Given) {
  const world = new World({ concurrency: 1, ...spec }, { a: {}, b: {} });
  world.adopted = true;
  world.change('a', node);
  if (work !== undefined) world.work.set('a', work);
  world.status = { phase: 'Pending', observedGeneration: 1, nodeStatuses: { a: WAITS, b: WAITS } };
  world.persist();
  const { actions, status } = decide(
    { ...world.facts(), rehearsal: { kind: 'accepted' }, ...facts },
    world.now,
  );
  const { a, b } = status.nodeStatuses ?? {};
  return { a, b, does: actions.map((it) => ('node' in it ? `${it.type} ${it.node}` : it.type)) };
}

describe('a node of which nothing is on record was begun', () => {
  test.each<[string, Given, object]>([
    ['where there is its Job', { work: ACTIVE }, { phase: 'Running', jobName: JOB.name }],
    [
      'where there is its preflight',
      { spec: { preflight: { command: ['check'] } }, work: { preflight: POD } },
      { phase: 'Preflight' },
    ],
    [
      'where it is cordoned by this NodeOp',
      { spec: { cordon: true }, node: { unschedulable: true, cordonedBy: MARK } },
      { phase: 'Running' },
    ],
  ])('%s: it goes on, and takes its place', (_, given, entry) => {
    const { a, b } = look(given);
    expect(a).toMatchObject({ ...entry, startedAt: '2030-01-01T00:00:00Z' });
    expect(b?.phase).toBe('Pending');
  });

  test('and is not where another one has cordoned it', () => {
    const node = { unschedulable: true, cordonedBy: 'ops/other@uid-9' };
    expect(look({ spec: { suspend: true }, node }).a?.phase).toBe('Pending');
  });

  test.each<[string, Given]>([
    ['suspended', { spec: { suspend: true } }],
    ['held', { facts: { hold: { by: 'Lease', text: 'held' } } }],
  ])('and goes on in a rollout that is %s: it is in flight', (_, given) => {
    const { a, does } = look({ ...given, work: ACTIVE });
    expect(a?.phase).toBe('Running');
    expect(does).toEqual([]);
  });

  test('and is ended where the rollout is cancelled: its command runs', () => {
    const { a, b } = look({ work: ACTIVE, facts: { cancelled: 'why', cancelledAt: 0, deleted: true } });
    expect(a?.ending).toMatchObject({ phase: 'Failed', message: 'stopped while its command ran: why' });
    expect(b?.phase).toBe('Cancelled');
  });
});
