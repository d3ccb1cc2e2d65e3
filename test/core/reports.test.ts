import { load } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import type { NodeOp } from '../../src/api/nodeop.ts';
import type { NodeOpReport } from '../../src/api/report.ts';
import type { Verdict, Wait } from '../../src/core/runs/plan.ts';
import type { Manifest } from '../../src/core/runs/prepare.ts';
import { logTail } from '../../src/core/logs/tail.ts';
import {
  formatReport,
  reportNodeOp,
  reportStart,
  reportVerdict,
  reportWait,
} from '../../src/core/runs/report.ts';

const SUBJECT = { path: 'runs/east/op.yaml', commit: 'c', author: 'Ada', blob: 'b', cluster: 'east' };
const NOW = new Date('2030-01-01T01:00:00Z');

function nodeOp(status: object, spec: object = {}): NodeOp {
  return {
    metadata: { namespace: 'ops', name: 'op-1', uid: 'uid-1' },
    spec: { concurrency: 1, ...spec },
    status,
  } as unknown as NodeOp;
}

const report = (
  it: NodeOp,
  logs: Record<string, string> = {},
  blob: string | undefined = 'b',
  executor?: 'external',
) => reportNodeOp({ ...SUBJECT, ...(executor && { executor }) }, it, new Map(Object.entries(logs)), blob, []);
const ready = (reason: string, message: string) => ({ type: 'Ready', status: 'False', reason, message });

describe('the report of a NodeOp', () => {
  test('tells whose it is and how it stands', () => {
    const { status, ...head } = report(
      nodeOp({
        phase: 'Failed',
        startedAt: '2030-01-01T00:00:00Z',
        completedAt: '2030-01-01T00:01:30Z',
        conditions: [ready('Failed', '1 of 2 nodes completed, 1 failed')],
        nodeStatuses: {
          b: { phase: 'Completed', attempts: 1 },
          a: { phase: 'Failed', message: 'no space', exitCode: 3, log: 'kept' },
        },
      }),
    );
    expect(head).toMatchObject({
      kind: 'NodeOpReport',
      metadata: { name: 'op-1' },
      run: { path: SUBJECT.path, commit: 'c', author: 'Ada', blob: 'b' },
      cluster: 'east',
      nodeOp: { namespace: 'ops', name: 'op-1', uid: 'uid-1' },
    });
    expect(status).toMatchObject({
      phase: 'Failed',
      reason: 'Failed',
      message: '1 of 2 nodes completed, 1 failed',
      startedAt: '2030-01-01T00:00:00Z',
      finishedAt: '2030-01-01T00:01:30Z',
      durationSeconds: 90,
      nodes: [
        { name: 'a', phase: 'Failed', message: 'no space', exitCode: 3, log: 'kept' },
        { name: 'b', phase: 'Completed', attempts: 1 },
      ],
    });
    expect(status).not.toHaveProperty('stopped');
    expect(status).not.toHaveProperty('observedChange');
  });

  test('has no duration while it goes on', () => {
    const { status } = report(nodeOp({ phase: 'Running', startedAt: '2030-01-01T00:00:00Z' }));
    expect(status).toMatchObject({ phase: 'Running', startedAt: '2030-01-01T00:00:00Z' });
    expect(status).not.toHaveProperty('durationSeconds');
  });

  test('of one that is suspended before it began says that it waits', () => {
    const suspended = { suspend: true };
    expect(report(nodeOp({}, suspended)).status).toMatchObject({ phase: 'Waiting', reason: 'Suspended' });
    expect(report(nodeOp({ phase: 'Pending' }, suspended)).status.phase).toBe('Waiting');
    expect(report(nodeOp({ phase: 'Running' }, suspended)).status.phase).toBe('Running');
    expect(report(nodeOp({})).status.phase).toBe('Pending');
  });

  test('of one that the definition keeps from beginning says so', () => {
    const conditions = [ready('DefinitionLacksFields', 'the definition lacks spec.steps')];
    expect(report(nodeOp({ phase: 'Pending', conditions })).status).toMatchObject({
      phase: 'Waiting',
      reason: 'DefinitionLacksFields',
      message: 'the definition lacks spec.steps',
    });
  });

  test('notes that the file was edited, and what of that counts', () => {
    const going = nodeOp({ phase: 'Running' });
    expect(report(going, {}, 'new').status).toMatchObject({
      observedChange: {
        blob: 'new',
        message: 'the run file was edited after the start; only suspend is honoured',
      },
    });
    expect(report(going, {}, 'new', 'external').status).toMatchObject({
      observedChange: { message: 'the run file was edited after the start; nothing of that is honoured' },
    });
    // Removed is not edited.
    expect(reportNodeOp(SUBJECT, going, new Map(), undefined, []).status).not.toHaveProperty(
      'observedChange',
    );
  });

  test('tells who or what stopped it', () => {
    const asked = {
      type: 'Cancelled',
      status: 'True',
      message: 'the run file was removed',
      lastTransitionTime: '2030-01-01T00:00:05Z',
    };
    const left = {
      a: {
        phase: 'Cancelled',
        message: 'Cancelled: 2 failed, 0 tolerated',
        finishedAt: '2030-01-01T00:00:09Z',
      },
      b: {
        phase: 'Cancelled',
        message: 'Cancelled: 1 failed, 0 tolerated',
        finishedAt: '2030-01-01T00:00:08Z',
      },
    };
    expect(
      report(nodeOp({ phase: 'Running', conditions: [asked], nodeStatuses: left })).status.stopped,
    ).toEqual({
      message: 'the run file was removed',
      at: '2030-01-01T00:00:05Z',
    });
    expect(report(nodeOp({ phase: 'Failed', nodeStatuses: left })).status.stopped).toEqual({
      message: '1 failed, 0 tolerated',
      at: '2030-01-01T00:00:08Z',
    });
  });

  test('has the log that was read, or else what the status kept of it', () => {
    const failed = nodeOp({ phase: 'Failed', nodeStatuses: { a: { phase: 'Failed', log: 'kept' } } });
    const log = (logs: Record<string, string>) => report(failed, logs).status.nodes?.[0]?.log;
    expect(log({ a: 'read' })).toBe('read');
    expect(log({})).toBe('kept');
    expect(log({ a: '' })).toBeUndefined();
  });
});

describe('the report of a run that waits', () => {
  const wait = (it: Wait) => reportWait(SUBJECT, it).status;

  test('tells why, and until when', () => {
    expect(reportWait(SUBJECT, { reason: 'Queued', message: 'others' }).metadata.name).toBe('op.yaml');
    expect(
      wait({ reason: 'NotBefore', message: 'early', until: Date.parse('2031-01-01T00:00:00Z') }),
    ).toEqual({
      phase: 'Waiting',
      reason: 'NotBefore',
      message: 'early',
      until: '2031-01-01T00:00:00Z',
    });
    expect(wait({ reason: 'WindowClosed', message: 'never', until: Infinity })).not.toHaveProperty('until');
  });

  test('for the API server to take its NodeOp is Pending: it has its turn', () => {
    expect(wait({ reason: 'NotCreated', message: 'a policy' }).phase).toBe('Pending');
  });
});

test('the report of a run that is about to begin names its NodeOp, and no UID yet', () => {
  const manifest = {
    metadata: { namespace: 'ops', name: 'op-1' },
    spec: { concurrency: 1 },
  } as unknown as Manifest;
  const { nodeOp: named, status } = reportStart(SUBJECT, manifest);
  expect(named).toEqual({ namespace: 'ops', name: 'op-1' });
  expect(status).toEqual({ phase: 'Pending' });
});

describe('the report of a run that ended without a NodeOp', () => {
  test('has every problem with its place', () => {
    const problems = [
      { path: ['spec', 'nodeOp'], message: 'is missing', line: 3, column: 1 },
      { path: [], message: 'is no mapping' },
    ];
    const verdict: Verdict = { phase: 'Invalid', reason: 'InvalidRunFile', problems };
    expect(reportVerdict(SUBJECT, verdict, undefined, NOW).status).toEqual({
      phase: 'Invalid',
      reason: 'InvalidRunFile',
      message: '2 problems',
      problems: [
        { path: 'spec.nodeOp', message: 'is missing', line: 3, column: 1 },
        { message: 'is no mapping' },
      ],
    });
  });

  const cancelled = (reason: string): Verdict => ({ phase: 'Cancelled', reason, message: 'why' });

  test('says that people stopped it where they did', () => {
    const stopped = { message: 'why', at: '2030-01-01T01:00:00Z' };
    for (const reason of ['Removed', 'NodeOpDeleted'])
      expect(reportVerdict(SUBJECT, cancelled(reason), undefined, NOW).status).toEqual({
        phase: 'Cancelled',
        reason,
        message: 'why',
        stopped,
      });
    expect(reportVerdict(SUBJECT, cancelled('TooLate'), undefined, NOW).status).not.toHaveProperty('stopped');
  });

  test('keeps what was reported of it before, and leaves no node in flight', () => {
    const previous = {
      nodeOp: { namespace: 'ops', name: 'op-1', uid: 'uid-1' },
      metadata: { name: 'op-1' },
      status: {
        phase: 'Running',
        reason: 'Progressing',
        startedAt: '2030-01-01T00:00:00Z',
        summary: { total: 2 },
        nodes: [
          { name: 'a', phase: 'Completed' },
          { name: 'b', phase: 'Running' },
        ],
      },
    } as unknown as NodeOpReport;
    const after = reportVerdict(SUBJECT, cancelled('NodeOpDeleted'), previous, NOW);
    expect(after.nodeOp).toEqual(previous.nodeOp);
    expect(after.status).toMatchObject({
      phase: 'Cancelled',
      reason: 'NodeOpDeleted',
      startedAt: '2030-01-01T00:00:00Z',
      finishedAt: '2030-01-01T01:00:00.000Z',
      stopped: { message: 'why' },
    });
    expect(after.status.nodes?.map(({ name, phase }) => `${name} ${phase}`)).toEqual([
      'a Completed',
      'b Failed',
    ]);
  });
});

test('of a log the last lines are shown, and never more than a few kilobytes', () => {
  expect(logTail('a\nb\nc\n', 2)).toBe('b\nc');
  expect(logTail('a\nb\n', 0)).toBe('');
  expect(logTail('', 5)).toBe('');
  expect(logTail(`${'x'.repeat(10_000)}end\n`, 5)).toHaveLength(4096);
  expect(logTail(`${'x'.repeat(10_000)}end\n`, 5)).toMatch(/xend$/);
});

test('counts of nodes are those of the NodeOp, without what only columns need', () => {
  const counts = { total: 3, pending: 1, inFlight: 0, completed: 1, skipped: 0, failed: 1, cancelled: 0 };
  expect(report(nodeOp({ phase: 'Running', summary: { ...counts, done: '1/3' } })).status.summary).toEqual(
    counts,
  );
});

test.each([0, 1, 200, 201, 450])(
  'a report of %i nodes has each of them once, in however many steps it is written',
  (count) => {
    const nodes = Array.from({ length: count }, (_, i) => ({
      name: `node-${i}`,
      phase: 'Failed' as const,
      message: `a: [b]\n# ${'x '.repeat(80)}`,
    }));
    const whole = { ...report(nodeOp({})), status: { phase: 'Failed' as const, message: 'm', nodes } };
    expect(load(formatReport(whole))).toEqual(structuredClone(whole));
  },
);
