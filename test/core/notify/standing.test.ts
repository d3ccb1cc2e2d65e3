import { describe, expect, test } from 'vitest';
import { AGENT_API_VERSION } from '../../../src/api/config.ts';
import { ANNOTATION_RUN } from '../../../src/api/labels.ts';
import { type NodeOp, NodeOpSpecSchema, type NodeOpStatus } from '../../../src/api/nodeop.ts';
import type { NodeOpReport } from '../../../src/api/report.ts';
import { entryKey } from '../../../src/core/notify/record.ts';
import { standingOfNodeOp, standingsOfReport } from '../../../src/core/notify/standing.ts';
import { LAYOUT, T0 } from './support.ts';

function nodeOp(status: NodeOpStatus, annotations = {}): NodeOp {
  const spec = NodeOpSpecSchema.parse({ command: ['true'], image: 'busybox:1' });
  return { metadata: { uid: 'u', namespace: 'ops', name: 'flash', annotations }, spec, status };
}

const waiting = (reason: string, message = 'outside of the window') => [
  { type: 'Ready', status: 'False', reason: 'Waiting', message } as const,
  { type: 'Reconciling', status: 'True', reason, message } as const,
];

const summary = { total: 2, pending: 2, inFlight: 0, completed: 0, failed: 0, cancelled: 0, done: '0/2' };

describe('of a NodeOp', () => {
  test('whoever made it: by the path of its run file, or by its name', () => {
    const made = standingOfNodeOp(nodeOp({}, { [ANNOTATION_RUN]: 'berlin:runs/a.yaml' }), LAYOUT);
    expect(made).toMatchObject({ run: 'runs/a.yaml', nodeOp: 'flash', hasBegun: false });
    expect(standingOfNodeOp(nodeOp({}), LAYOUT)).toMatchObject({
      run: undefined,
      namespace: 'ops',
      key: entryKey('u'),
    });
  });

  test.each<[string, NodeOpStatus, string | undefined]>([
    ['nobody has looked at it yet', {}, undefined],
    ['it is about to begin', { phase: 'Pending', summary, conditions: waiting('Progressing') }, undefined],
    [
      'its window is closed',
      { phase: 'Pending', summary, conditions: waiting('Waiting') },
      'outside of the window',
    ],
    [
      'people hold it',
      { phase: 'Running', summary, conditions: waiting('Held', 'held by people: fair') },
      'held by people: fair',
    ],
    [
      'it is not carried out for now',
      { phase: 'Pending', conditions: waiting('NotAdopted', 'awaits its record') },
      'awaits its record',
    ],
    ['it is over', { phase: 'Failed', summary, conditions: waiting('Waiting') }, undefined],
    [
      'a command runs while the window has closed',
      {
        phase: 'Running',
        summary,
        conditions: waiting('Waiting'),
        nodeStatuses: { a: { phase: 'Running' } },
      },
      undefined,
    ],
    [
      'one of two nodes waits',
      {
        phase: 'Running',
        conditions: waiting('Progressing', '0 of 2'),
        nodeStatuses: { a: { phase: 'Running' }, b: { phase: 'Draining', message: 'eviction blocked' } },
      },
      undefined,
    ],
    [
      'all that is in flight waits',
      {
        phase: 'Running',
        conditions: waiting('Progressing', '0 of 2'),
        nodeStatuses: {
          a: { phase: 'Pending' },
          b: { phase: 'Rebooting', message: 'the node is not Ready' },
        },
      },
      '0 of 2; b: the node is not Ready',
    ],
  ])('what it waits for: %s', (_, status, expected) => {
    expect(standingOfNodeOp(nodeOp(status), LAYOUT).waitsFor).toBe(expected);
  });

  test('the node that failed first, by time and then by name', () => {
    const failed = (finishedAt: string, message: string) =>
      ({ phase: 'Failed', finishedAt, message }) as const;
    const status: NodeOpStatus = {
      phase: 'Running',
      summary: { ...summary, failed: 3 },
      nodeStatuses: {
        c: failed('2030-01-01T00:01:00Z', 'first'),
        a: failed('2030-01-01T00:02:00Z', 'later'),
        b: failed('2030-01-01T00:01:00Z', 'also first'),
      },
    };
    expect(standingOfNodeOp(nodeOp(status), LAYOUT).failure).toEqual({
      node: 'b',
      message: 'also first',
      at: T0 + 60_000,
    });
  });

  test('one that was cancelled before any node began has not begun', () => {
    const status: NodeOpStatus = { phase: 'Cancelled', summary: { ...summary, pending: 0, cancelled: 2 } };
    expect(standingOfNodeOp(nodeOp(status), LAYOUT).hasBegun).toBe(false);
  });
});

test.each<[string, NodeOpStatus, boolean]>([
  ['nothing of it is known', {}, false],
  ['all of its nodes are pending', { phase: 'Pending', summary }, false],
  ['it runs, whatever its nodes say yet', { phase: 'Running', summary }, true],
  ['some of its nodes are not pending', { phase: 'Pending', summary: { ...summary, pending: 1 } }, true],
  ['it has failed on all', { phase: 'Failed', summary: { ...summary, pending: 0, failed: 2 } }, true],
  ['some were cancelled', { phase: 'Cancelled', summary: { ...summary, pending: 0, cancelled: 1 } }, true],
])('whether a run has begun, where %s', (_, status, expected) => {
  expect(standingOfNodeOp(nodeOp(status), LAYOUT).hasBegun).toBe(expected);
});

test('a NodeOp ended when its status says so, or was written last; one that goes on has not', () => {
  const ended = (status: NodeOpStatus) => standingOfNodeOp(nodeOp(status), LAYOUT).endedAt;
  const [completedAt, lastUpdated] = ['2030-01-01T00:00:01Z', '2030-01-01T00:00:02Z'];
  expect(ended({ phase: 'Failed', completedAt, lastUpdated })).toBe(T0 + 1000);
  expect(ended({ phase: 'Failed', lastUpdated })).toBe(T0 + 2000);
  expect(ended({ phase: 'Running', lastUpdated })).toBeUndefined();
});

describe('of a report', () => {
  function report(status: NodeOpReport['status'], uid?: string): NodeOpReport {
    return {
      apiVersion: AGENT_API_VERSION,
      kind: 'NodeOpReport',
      metadata: { name: 'a' },
      run: { path: 'runs/a.yaml', blob: 'b1', committedAt: '2030-01-01T00:00:00Z' },
      ...(uid !== undefined && { nodeOp: { name: 'a-1', namespace: 'ops', uid } }),
      status,
    };
  }

  test('a run that has not begun waits by the words of its report', () => {
    expect(
      standingsOfReport(report({ phase: 'Waiting', message: 'its turn comes after b' }), LAYOUT),
    ).toMatchObject([
      { key: entryKey('run:runs/a.yaml'), waitsFor: 'its turn comes after b', hasBegun: false },
    ]);
  });

  test('what is wrong with an invalid one is told', () => {
    const problems = ['spec.image', 'spec.command', 'spec.a', 'spec.b'].map((path) => ({
      path,
      message: 'is wrong',
    }));
    expect(
      standingsOfReport(report({ phase: 'Invalid', message: '4 problems', problems }), LAYOUT),
    ).toMatchObject([
      {
        phase: 'Invalid',
        endedAt: T0,
        message: '4 problems: spec.image: is wrong; spec.command: is wrong; spec.a: is wrong',
      },
    ]);
  });

  test('once there is a NodeOp, that is what tells; the run waits no more', () => {
    const [run, became] = standingsOfReport(report({ phase: 'Waiting', message: 'suspended' }, 'u'), LAYOUT);
    expect(run).toMatchObject({ key: entryKey('run:runs/a.yaml'), phase: 'Pending', endedAt: undefined });
    expect(run?.waitsFor).toBeUndefined();
    expect(became).toMatchObject({ key: entryKey('u'), nodeOp: 'a-1' });
  });

  test('of a NodeOp that is gone the first node that failed is told, and when it was over', () => {
    const nodes = [
      { name: 'a', phase: 'Completed' as const },
      { name: 'b', phase: 'Failed' as const, message: 'no space', finishedAt: '2030-01-01T00:00:01Z' },
      { name: 'c', phase: 'Failed' as const },
    ];
    const status = {
      phase: 'Failed' as const,
      startedAt: '2030-01-01T00:00:00Z',
      finishedAt: '2030-01-01T00:00:03Z',
    };
    const [, became] = standingsOfReport(report({ ...status, summary: { failed: 2 }, nodes }, 'u'), LAYOUT);
    expect(became).toMatchObject({
      run: 'runs/a.yaml',
      phase: 'Failed',
      hasBegun: true,
      failure: { node: 'b', message: 'no space', at: T0 + 1000 },
      counts: { failed: 2 },
      startedAt: T0,
      endedAt: T0 + 3000,
    });
    const [, unknown] = standingsOfReport(report({ phase: 'Failed', nodes: nodes.slice(2) }, 'u'), LAYOUT);
    expect(unknown).toMatchObject({ hasBegun: false, failure: { node: 'c', message: '', at: Infinity } });
  });

  test('of a file that lies elsewhere by now the path is not told, and each content has an edition of its own', () => {
    const of = (path: string, blob?: string) => {
      const it = report({ phase: 'Invalid' });
      return standingsOfReport({ ...it, run: { path, ...(blob && { blob }) } }, LAYOUT)[0];
    };
    expect(of('runs/a.yaml')?.run).toBe('runs/a.yaml');
    expect(of('elsewhere/a.yaml')?.run).toBeUndefined();
    const editions = [undefined, 'b1', 'b2'].map((it) => of('runs/a.yaml', it)?.edition);
    expect(new Set(editions).size).toBe(3);
  });
});
