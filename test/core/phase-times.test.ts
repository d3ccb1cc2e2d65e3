import { expect, test } from 'vitest';
import type { Job, Pod } from '../../src/api/kubernetes.ts';
import { LABEL_POSTFLIGHT, LABEL_PREFLIGHT, LABEL_REBOOT } from '../../src/api/labels.ts';
import { type NodeOpSpec, NodeOpSpecSchema, type NodeStatus } from '../../src/api/nodeop.ts';
import { type Made, phaseTimes } from '../../src/core/rollout/phase-times.ts';

const at = (minute: number) => `2030-01-31T22:${String(minute).padStart(2, '0')}:00Z`;
const spec = (more: object): NodeOpSpec =>
  NodeOpSpecSchema.parse({ image: 'busybox', command: ['true'], ...more });

const pod = (label: string, from: number, until?: number): Pod => ({
  metadata: { labels: { [label]: 'true' }, creationTimestamp: at(from) },
  status: {
    containerStatuses: [
      { name: 'injected' },
      {
        name: 'nodeop',
        state: until === undefined ? {} : { terminated: { exitCode: 0, finishedAt: at(until) } },
      },
    ],
  },
});
const job = (from: number, status: Job['status'] = {}): Job => ({
  metadata: { creationTimestamp: at(from) },
  status,
});

const WHOLE = spec({
  preflight: { command: ['check'] },
  cordon: true,
  rebootOnSuccess: true,
  postflight: { command: ['check'] },
});
const DONE: NodeStatus = { phase: 'Completed', jobName: 'j', startedAt: at(0), finishedAt: at(30) };
const MADE: Made = {
  job: job(6, { completionTime: at(10) }),
  pods: [
    pod(LABEL_PREFLIGHT, 0, 1),
    pod(LABEL_PREFLIGHT, 1, 2),
    pod('job-name', 6, 10),
    pod(LABEL_REBOOT, 11, 12),
    pod(LABEL_POSTFLIGHT, 20, 29),
  ],
};

const FAILED = [{ type: 'Failed', status: 'True' as const, lastTransitionTime: at(9) }];

test.each<[string, NodeOpSpec, NodeStatus, Made, string[]]>([
  [
    'all of them, one after the other',
    WHOLE,
    DONE,
    MADE,
    ['Preflight 0-2', 'Draining 2-6', 'Running 6-10', 'Rebooting 11-20', 'Postflight 20-29'],
  ],
  [
    'the pod of the reboot is gone: nothing is said of it',
    WHOLE,
    DONE,
    { ...MADE, pods: MADE.pods.filter(({ metadata }) => !metadata.labels?.[LABEL_REBOOT]) },
    ['Preflight 0-2', 'Draining 2-6', 'Running 6-10', 'Postflight 20-29'],
  ],
  [
    'its pods and Job are gone: nothing is known but what the status says',
    WHOLE,
    DONE,
    { job: undefined, pods: [] },
    [],
  ],
  [
    'the preflight is gone: nobody knows when the drain began',
    WHOLE,
    DONE,
    { job: job(6, { completionTime: at(10) }), pods: [] },
    ['Running 6-10'],
  ],
  [
    'a command that failed',
    spec({ drainOptions: { enabled: true } }),
    { phase: 'Failed', jobName: 'j', startedAt: at(0), finishedAt: at(10) },
    { job: job(4, { conditions: FAILED }), pods: [] },
    ['Draining 0-4', 'Running 4-9'],
  ],
  [
    'a drain that failed: there never was a Job',
    spec({ cordon: true }),
    { phase: 'Failed', startedAt: at(0), finishedAt: at(10) },
    { job: undefined, pods: [] },
    ['Draining 0-10'],
  ],
  [
    'nothing is cordoned',
    spec({}),
    { phase: 'Completed', jobName: 'j', startedAt: at(0), finishedAt: at(10) },
    { job: job(0, { completionTime: at(9) }), pods: [] },
    ['Running 0-9'],
  ],
  [
    'the present one goes on from when the status says',
    WHOLE,
    { phase: 'Rebooting', jobName: 'j', startedAt: at(0), phaseStartedAt: at(11) },
    { ...MADE, pods: MADE.pods.slice(0, 3) },
    ['Preflight 0-2', 'Draining 2-6', 'Running 6-10', 'Rebooting 11-'],
  ],
  [
    'the first goes on from the beginning',
    WHOLE,
    { phase: 'Preflight', startedAt: at(0) },
    { job: undefined, pods: [pod(LABEL_PREFLIGHT, 1)] },
    ['Preflight 0-'],
  ],
  ['nothing has begun', WHOLE, { phase: 'Pending' }, { job: undefined, pods: [] }, []],
])('%s', (_, nodeOp, status, made, phases) => {
  const minute = (ms: number | undefined) => (ms === undefined ? '' : new Date(ms).getUTCMinutes());
  const told = phaseTimes(nodeOp, status, made);
  expect(told.map(({ phase, from, until }) => `${phase} ${minute(from)}-${minute(until)}`)).toEqual(phases);
});

test('a NodeOp of a definition that puts in no defaults', () => {
  const stored = { image: 'busybox', command: ['true'] } as unknown as NodeOpSpec;
  const phases = phaseTimes(stored, DONE, MADE).map(({ phase }) => phase);
  expect(phases).toEqual(['Preflight', 'Running', 'Rebooting', 'Postflight']);
});
