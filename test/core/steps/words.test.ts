import { expect, test } from 'vitest';
import type { NodeOp, NodeOpStatus } from '../../../src/api/nodeop.ts';
import type { NodeOpReport } from '../../../src/api/report.ts';
import { runPage } from '../../../src/cli/status/page.ts';
import { withRun } from '../../../src/core/feedback/comment.ts';
import { runStatus } from '../../../src/core/feedback/status.ts';
import { newsOf } from '../../../src/core/rollout/events.ts';
import { briefOf, briefOfText, textBeforeNodes } from '../../../src/core/runs/brief.ts';
import { formatReport, reportNodeOp } from '../../../src/core/runs/report.ts';

/** How steps are told, everywhere. */

const at = (minute: number) => `2030-01-01T00:${String(minute).padStart(2, '0')}:00Z`;
const SUMMARY = { total: 3, pending: 2, inFlight: 0, completed: 1, failed: 0, cancelled: 0, done: '1/3' };

function nodeOp(status: NodeOpStatus): NodeOp {
  const steps = [{ name: 'canary', upTo: 1, maxFailures: '50%', soakSeconds: 600, soakGraceSeconds: 60 }];
  return {
    metadata: { name: 'flash', namespace: 'ops', uid: 'u', generation: 1 },
    spec: { image: 'i', command: ['true'], concurrency: '70%', maxFailures: 1, steps } as NodeOp['spec'],
    status: {
      phase: 'Running',
      summary: SUMMARY,
      startedAt: at(0),
      stepOf: '101',
      nodeStatuses: { a: { phase: 'Pending' }, b: { phase: 'Completed' }, c: { phase: 'Pending' } },
      ...status,
    },
  };
}

const SOAKING: NodeOpStatus = {
  steps: [
    {
      name: 'canary',
      phase: 'Soaking',
      nodes: 1,
      finished: 1,
      failed: 0,
      since: at(1),
      message: 'soaks for 10 min',
    },
    { name: 'rest', phase: 'Pending', nodes: 2, finished: 0, failed: 0 },
  ],
};

const reportOf = (status: NodeOpStatus): NodeOpReport =>
  reportNodeOp({ path: 'runs/flash.yaml' }, nodeOp(status), new Map(), undefined, []);

test('the report says how each step stands, what shares came to, and which node is in which', () => {
  expect(reportOf(SOAKING).status).toMatchObject({
    amounts: { concurrency: 2 },
    steps: [
      { name: 'canary', phase: 'Soaking', since: at(1), amounts: { concurrency: 1, maxFailures: 0 } },
      { name: 'rest', phase: 'Pending', nodes: 2 },
    ],
    nodes: [
      { name: 'a', step: 'rest' },
      { name: 'b', step: 'canary' },
      { name: 'c', step: 'rest' },
    ],
  });
});

test('a report with steps is as quick to read as any other', () => {
  const failed = reportOf({ ...SOAKING, phase: 'Failed', completedAt: at(2) });
  const text = formatReport(failed);
  expect(briefOfText(textBeforeNodes(Buffer.from(text)))).toEqual(briefOf(failed));
});

test('status shows a table of them', () => {
  const page = runPage(nodeOp(SOAKING), {
    now: Date.parse(at(3)),
    width: undefined,
    nodes: 'some',
    access: { own: '', kubectl: '' },
  });
  expect(page).toContain(
    [
      'STEP    PHASE    NODES  FOR  MESSAGE',
      'canary  Soaking  1/1    2m   soaks for 10 min',
      'rest    Pending  0/2',
    ].join('\n'),
  );
});

test('feedback says where a rollout is, and why a step has failed', () => {
  const soaking = reportOf(SOAKING);
  expect(runStatus(soaking).description).toBe('under way: canary is watched');
  expect(withRun(undefined, '<!-- m -->', soaking, '')).toContain(
    'Steps: canary is watched (soaks for 10 min), rest has not begun.',
  );
  const conditions = [
    { type: 'Ready', status: 'False', reason: 'StepFailed', message: 'step canary has failed: no' } as const,
  ];
  const failed = reportOf({ phase: 'Failed', conditions, summary: { ...SUMMARY, pending: 0, cancelled: 2 } });
  expect(runStatus(failed)).toEqual({ state: 'failure', description: 'step canary has failed: no' });
});

test('events tell when a step soaks, is passed and fails', () => {
  const [canary, rest] = SOAKING.steps ?? [];
  if (!canary || !rest) throw new Error('no steps');
  const phases = ['Soaking', 'Passed', 'Failed'] as const;
  const told = phases.map((phase) =>
    newsOf(
      { steps: [{ ...canary, phase: 'Running' }, rest] },
      { steps: [{ ...canary, phase, message: 'm' }, rest] },
      new Map(),
    ),
  );
  expect(told.flat().map(({ reason, message }) => `${reason}: ${message}`)).toEqual([
    'StepSoaking: step canary: m',
    'StepPassed: step canary is passed: m',
    'StepFailed: step canary has failed: m',
  ]);
});
