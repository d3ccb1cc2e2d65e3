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
});
