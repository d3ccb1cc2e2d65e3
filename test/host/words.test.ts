import { describe, expect, test } from 'vitest';
import type { NodeOpReport, ReportPhase } from '../../src/api/report.ts';
import { withRun } from '../../src/core/feedback/comment.ts';
import { runStatus, untaken } from '../../src/core/feedback/status.ts';

function report(phase: ReportPhase, status: object = {}): NodeOpReport {
  return {
    apiVersion: 'agent.nodeop.dev/v1alpha1',
    kind: 'NodeOpReport',
    metadata: { name: 'a' },
    run: { path: 'runs/a.yaml' },
    status: { phase, ...status },
  };
}

const SUMMARY = { total: 3, completed: 2, failed: 1 };
const LONG = 'x'.repeat(300);

describe('the status beside a commit', () => {
  test.each<[ReportPhase, object, string, string]>([
    ['Waiting', {}, 'pending', 'waiting: see the report'],
    ['Waiting', { message: 'not before noon' }, 'pending', 'waiting: not before noon'],
    ['Pending', {}, 'pending', 'waiting'],
    ['Pending', { reason: 'Held', message: 'held by Ada' }, 'pending', 'held by Ada'],
    ['Running', {}, 'running', 'under way'],
    ['Running', { reason: 'Held', message: 'held by Ada' }, 'running', 'held by Ada'],
    ['Running', { reason: 'Held' }, 'running', 'held'],
    ['Running', { message: 'held by nobody' }, 'running', 'under way'],
    ['Running', { summary: SUMMARY }, 'running', 'under way, some nodes have failed'],
    ['Completed', { summary: { total: 1, completed: 1 } }, 'success', '1 of 1 node completed'],
    [
      'Failed',
      { summary: SUMMARY, durationSeconds: 90 },
      'failure',
      '2 of 3 nodes completed, 1 failed in 1m30s',
    ],
    ['Failed', { reason: 'NoNodesMatched', message: 'long' }, 'failure', 'no node matches'],
    ['Failed', { reason: 'NotCreated', message: 'refused' }, 'failure', 'refused'],
    ['Failed', { reason: 'NotCreated' }, 'failure', 'NotCreated'],
    ['Failed', {}, 'failure', 'failed'],
    ['Failed', { reason: 'StepFailed', message: 'step one', summary: SUMMARY }, 'failure', 'step one'],
    [
      'Cancelled',
      { summary: { total: 1, cancelled: 1 }, stopped: { message: 'by Ada' } },
      'cancelled',
      'cancelled: 0 of 1 node completed, 1 cancelled; by Ada',
    ],
    ['Invalid', { message: '1 problem' }, 'error', 'not valid, not executed: 1 problem'],
    ['Invalid', {}, 'error', 'not valid, not executed: see the report'],
  ])('%s %j', (phase, status, state, description) => {
    expect(runStatus(report(phase, status))).toEqual({ state, description });
  });

  test('is never longer than hosts take', () => {
    const said = { message: LONG, stopped: { message: LONG } };
    const steps = [{ name: LONG, phase: 'Running', nodes: 1, finished: 0, failed: 0 }];
    const held = { reason: 'Held', message: LONG };
    for (const phase of ['Waiting', 'Failed', 'Cancelled', 'Invalid'] as const)
      expect(runStatus(report(phase, said)).description).toHaveLength(140);
    expect(runStatus(report('Running', held)).description).toHaveLength(140);
    expect(runStatus(report('Pending', held)).description).toHaveLength(140);
    expect(runStatus(report('Running', { steps })).description.length).toBeLessThanOrEqual(140);
  });

  test('says why a report is not there yet, in the words of the host as one line', () => {
    const told = untaken(
      report('Completed', { summary: SUMMARY }),
      `remote:\n  protected branch ${LONG}${LONG}`,
    );
    expect(told).toMatchObject({ run: { path: 'runs/a.yaml' }, status: { phase: 'Waiting' } });
    const { message = '' } = told.status;
    expect(message).toMatch(/^the report "Completed" cannot be pushed: remote: protected branch x+$/);
    expect(message.length).toBe('the report "Completed" cannot be pushed: '.length + 400);
    expect(told.status).not.toHaveProperty('summary');
  });
});

describe('the section of a run in a comment', () => {
  const lines = (it: NodeOpReport, url = '') =>
    withRun(undefined, '<!-- m -->', it, url).split('\n').slice(4, -2);

  test('counts nodes for as long as it goes on', () => {
    const of = (phase: ReportPhase) => lines(report(phase, { summary: SUMMARY }));
    const counts = '2 of 3 nodes completed, 1 failed.';
    expect(of('Running')).toContain(counts);
    expect(of('Pending')).toContain(counts);
    expect(of('Failed')).not.toContain(counts);
    expect(of('Completed')).not.toContain(counts);
  });

  test('tells what is wrong with a file, with its places', () => {
    const problems = [
      { message: 'is empty' },
      { path: 'spec.image', message: 'is missing', line: 3 },
      { message: `${LONG}${LONG}`, line: 3, column: 7 },
    ];
    const told = lines(report('Invalid', { message: '3 problems', problems }), 'https://example.org/r');
    expect(told[0]).toBe(
      '⛔ `runs/a.yaml`: **Invalid**, not valid, not executed: 3 problems ([report](https://example.org/r))',
    );
    expect(told.slice(1, 3)).toEqual(['- is empty', '- line 3, column 1: spec.image: is missing']);
    expect(told[3]).toMatch(/^- line 3, column 7: x+…$/);
    expect(told[3]?.length).toBeLessThanOrEqual(302);
  });
});
