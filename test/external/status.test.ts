import { describe, expect, test } from 'vitest';
import { ANNOTATION_CANCEL } from '../../src/api/labels.ts';
import { type NodeOp, NodeOpSpecSchema, type NodeOpStatus } from '../../src/api/nodeop.ts';
import { understood } from '../../src/core/external/status.ts';

const AT = '2030-01-01T00:00:00Z';
const spec = (changes: object = {}) =>
  NodeOpSpecSchema.parse({ image: 'busybox', command: ['true'], ...changes });
const node = (phase: string, more: object = {}) => ({ phase, jobName: 'j', lastUpdated: AT, ...more });

function look(
  told: { phase?: string; nodeStatuses?: Record<string, object>; lastUpdated?: string },
  { targets = ['a', 'b'], jobs = {}, changes = {}, annotations = {} } = {},
) {
  const metadata = { name: 'op', namespace: 'ops', creationTimestamp: AT, annotations };
  const nodeOp: NodeOp = { metadata, spec: spec(changes), status: told as NodeOpStatus };
  const { status } = understood(nodeOp, { targets, jobs: new Map(Object.entries(jobs)) });
  if (status === undefined) throw new Error('no status');
  const { phase, nodeStatuses = {}, conditions = [] } = status;
  const nodes = Object.entries(nodeStatuses).map(([name, it]) => `${name} ${it.phase}`);
  return { status, phase, nodes, message: conditions[0]?.message, reason: conditions[0]?.reason };
}

const done = { a: node('Completed'), b: node('Completed') };

describe('what the phases of another controller mean', () => {
  test.each<[string, Parameters<typeof look>, string, string[]]>([
    ['nothing is written yet', [{}], 'Pending', ['a Pending', 'b Pending']],
    [
      'Completed between two nodes',
      [{ phase: 'Completed', nodeStatuses: { a: node('Completed') } }],
      'Running',
      ['a Completed', 'b Pending'],
    ],
    [
      'Failed while another node is worked on',
      [{ phase: 'Failed', nodeStatuses: { a: node('Failed'), b: node('Running') } }],
      'Running',
      ['a Failed', 'b Running'],
    ],
    [
      'Failed while another node has yet to begin',
      [{ phase: 'Failed', nodeStatuses: { a: node('Failed') } }],
      'Running',
      ['a Failed', 'b Pending'],
    ],
    [
      'Failed and stopped',
      [{ phase: 'Failed', nodeStatuses: { a: node('Failed') } }, { changes: { stopOnFailure: true } }],
      'Failed',
      ['a Failed', 'b Cancelled'],
    ],
    [
      'stopped, with another node in flight',
      [
        { phase: 'Failed', nodeStatuses: { a: node('Failed'), b: node('Running') } },
        { changes: { stopOnFailure: true }, targets: ['a', 'b', 'c'] },
      ],
      'Running',
      ['a Failed', 'b Running', 'c Pending'],
    ],
    [
      'Completed before the reboot',
      [
        {
          phase: 'Completed',
          nodeStatuses: { a: node('Completed'), b: node('Completed', { rebootStatus: 'pending' }) },
        },
      ],
      'Running',
      ['a Completed', 'b Rebooting'],
    ],
    [
      'all is done',
      [{ phase: 'Completed', nodeStatuses: done }],
      'Completed',
      ['a Completed', 'b Completed'],
    ],
    [
      'Running for good after a failure',
      [{ phase: 'Running', nodeStatuses: { a: node('Failed'), b: node('Completed') } }],
      'Failed',
      ['a Failed', 'b Completed'],
    ],
    [
      'Failed after the first of several attempts',
      [
        { phase: 'Failed', nodeStatuses: { a: node('Failed'), b: node('Completed', { jobName: 'k' }) } },
        { jobs: { j: { ended: false, startedAt: AT } } },
      ],
      'Running',
      ['a Running', 'b Completed'],
    ],
    [
      'a phase of its own',
      [{ phase: 'Running', nodeStatuses: { a: node('Pausing'), b: node('Completed') } }],
      'Running',
      ['a Running', 'b Completed'],
    ],
    [
      'a preflight under way',
      [{ phase: 'Running', nodeStatuses: { a: node('Pending', { jobName: '' }), b: node('Completed') } }],
      'Running',
      ['a Pending', 'b Completed'],
    ],
    ['refused as a whole', [{ phase: 'Failed' }], 'Failed', ['a Cancelled', 'b Cancelled']],
    ['no node, not ended', [{ phase: 'Running' }, { targets: [] }], 'Pending', []],
    ['no node, ended', [{ phase: 'Completed' }, { targets: [] }], 'Failed', []],
    [
      'a finished node that is no target any more',
      [{ phase: 'Completed', nodeStatuses: done }, { targets: ['a'] }],
      'Completed',
      ['a Completed', 'b Completed'],
    ],
  ])('%s', (_name, args, phase, nodes) => {
    const seen = look(...args);
    expect(seen.phase).toBe(phase);
    expect(seen.nodes).toEqual(nodes);
  });
});

test('counts, times and the reason are derived from the nodes', () => {
  const later = '2030-01-01T00:10:00Z';
  const nodeStatuses = {
    a: node('Completed'),
    b: node('Failed', { lastUpdated: later, message: 'Job failed' }),
  };
  const { status, reason, message } = look(
    { phase: 'Failed', nodeStatuses },
    { jobs: { j: { ended: true, startedAt: AT } } },
  );
  expect(status.summary).toMatchObject({ total: 2, completed: 1, failed: 1, done: '1/2' });
  expect(status).toMatchObject({ startedAt: AT, completedAt: later });
  expect(status.nodeStatuses?.['b']).toMatchObject({ startedAt: AT, finishedAt: later });
  expect([reason, message]).toEqual(['Failed', '1 of 2 nodes completed, 1 failed: b: Job failed']);
});

test('a time stamp written anew is no news while nodes are worked on', () => {
  const told = (lastUpdated: string) =>
    look({ phase: 'Running', nodeStatuses: { a: node('Completed', { lastUpdated }) }, lastUpdated }).status;
  expect(told('2030-01-01T00:00:05Z')).toEqual(told('2030-01-01T00:00:09Z'));
});

test('a removed run file, and a selector that matches nothing, are told of', () => {
  const removed = look(
    { nodeStatuses: { a: node('Running') } },
    { annotations: { [ANNOTATION_CANCEL]: 'x' } },
  );
  expect(removed.message).toMatch(/run file was removed.*deleting the NodeOp/);
  expect(look({ phase: 'Running' }, { targets: [] })).toMatchObject({
    reason: 'NoNodesMatched',
    message: 'no node matches the selector',
  });
});
