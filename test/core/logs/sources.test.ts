import { describe, expect, test } from 'vitest';
import type { ContainerStatus, Pod } from '../../../src/api/kubernetes.ts';
import type { NodeOp, NodeStatus } from '../../../src/api/nodeop.ts';
import { whyNoLog, withoutLogs } from '../../../src/core/logs/missing.ts';
import { logSources } from '../../../src/core/logs/sources.ts';

const nodeOp = {
  metadata: { name: 'flash', namespace: 'ops', uid: 'op' },
  spec: { steps: [{ name: 'canary', checks: [{ name: 'health' }] }] },
} as unknown as NodeOp;

const ended: ContainerStatus['state'] = { terminated: { exitCode: 0, finishedAt: '2030-01-01T00:01:00Z' } };
const running: ContainerStatus['state'] = { running: {} };

interface Made {
  at?: number;
  node?: string;
  labels?: Record<string, string>;
  containers?: ContainerStatus[];
  init?: ContainerStatus[];
}

function pod(name: string, { at = 0, node = 'node-1', labels = {}, containers, init = [] }: Made = {}): Pod {
  return {
    metadata: {
      name,
      namespace: 'ops',
      uid: name,
      creationTimestamp: new Date(Date.UTC(2030, 0, 1, 0, 0, at)).toISOString(),
      labels: { 'agent.nodeop.dev/nodeop-uid': 'op', ...labels },
      annotations: { 'agent.nodeop.dev/node': node },
    },
    status: {
      initContainerStatuses: init,
      containerStatuses: containers ?? [{ name: 'nodeop', state: ended }],
    },
  } as Pod;
}

const told = (pods: Pod[]) =>
  logSources(nodeOp, pods).map(({ node, part, attempt, container, isPrevious }) =>
    [node ?? '-', part, attempt, container === 'nodeop' ? '' : container, isPrevious ? 'previous' : '']
      .filter((it) => it !== '')
      .join(' '),
  );

describe('what there is to read', () => {
  test('comes node by node as they began, of each in the order of the work', () => {
    const pods = [
      pod('b-job', { node: 'node-10', at: 9 }),
      pod('c', { node: 'node-9', at: 9 }),
      pod('z-pre', { node: 'node-10', at: 9, labels: { 'kairos.io/preflight': 'true' } }),
      pod('first', { node: 'node-30', at: 1 }),
      pod('a-reboot', { node: 'node-10', at: 20, labels: { 'kairos.io/reboot': 'true' } }),
      pod('a-post', { node: 'node-10', at: 20, labels: { 'kairos.io/postflight': 'true' } }),
    ];
    expect(told(pods)).toEqual([
      'node-30 command 1',
      'node-9 command 1',
      'node-10 preflight 1',
      'node-10 command 1',
      'node-10 reboot 1',
      'node-10 postflight 1',
    ]);
  });

  test('attempts are counted, one that goes on is the last in its second', () => {
    const pods = [
      pod('a', { containers: [{ name: 'nodeop', state: running }] }),
      pod('b'),
      pod('c', { at: 5 }),
    ];
    expect(logSources(nodeOp, pods).map((it) => [it.pod, it.attempt, it.isOver])).toEqual([
      ['b', 1, true],
      ['a', 2, false],
      ['c', 3, true],
    ]);
  });

  test('a container that was started again has the time before as well', () => {
    const labels = { 'kairos.io/preflight': 'true' };
    const again: ContainerStatus = {
      name: 'nodeop',
      restartCount: 2,
      state: running,
      lastState: { terminated: { exitCode: 1 } },
    };
    expect(told([pod('a', { labels, containers: [again] })])).toEqual([
      'node-1 preflight 2 previous',
      'node-1 preflight 3',
    ]);
    const waits: ContainerStatus = { ...again, state: { waiting: { reason: 'CrashLoopBackOff' } } };
    expect(told([pod('a', { labels, containers: [waits] })])).toEqual(['node-1 preflight 2 previous']);
  });

  test('containers that were injected come with their pod, those before the work first', () => {
    const containers = [
      { name: 'istio-proxy', state: running },
      { name: 'nodeop', state: ended },
    ];
    expect(told([pod('a', { containers, init: [{ name: 'istio-init', state: ended }] })])).toEqual([
      'node-1 command 1 istio-init',
      'node-1 command 1',
      'node-1 command 1 istio-proxy',
    ]);
  });

  test('checks are of no node, and have the names people gave them', () => {
    const [check] = logSources(nodeOp, [pod('a', { labels: { 'agent.nodeop.dev/check': '0.0.3' } })]);
    expect(check).toMatchObject({ node: undefined, part: 'check', check: 'canary/health', attempt: 3 });
  });

  test('nothing is said of a container that has not begun, nor of what another NodeOp of that name left', () => {
    const waiting = [{ name: 'nodeop', state: { waiting: { reason: 'ContainerCreating' } } }];
    const others = { 'agent.nodeop.dev/nodeop-uid': 'its predecessor' };
    expect(told([pod('a', { containers: waiting }), pod('b', { labels: others })])).toEqual([]);
    // Another controller writes no UID.
    const foreign = pod('c');
    foreign.metadata.labels = {};
    expect(told([foreign])).toEqual(['node-1 command 1']);
  });
});

describe('why there is no log', () => {
  const waits = pod('a', {
    containers: [
      { name: 'nodeop', state: { waiting: { reason: 'ErrImagePull', message: 'no such host\nmore' } } },
    ],
  });
  test.each<[NodeStatus | undefined, Pod[], string]>([
    [undefined, [], 'it is none of the nodes of this run'],
    [{ phase: 'Pending' }, [], 'its turn has not come'],
    [{ phase: 'Draining' }, [], 'nothing has been started on it yet (Draining)'],
    [{ phase: 'Running', jobName: 'a' }, [waits], 'its container has not begun: ErrImagePull: no such host'],
    [{ phase: 'Running', jobName: 'a' }, [pod('a', { containers: [] })], 'its container has not begun'],
    [
      { phase: 'Cancelled', message: 'Cancelled: wrong firmware' },
      [],
      'nothing was started on it: it is Cancelled (Cancelled: wrong firmware)',
    ],
    [
      { phase: 'Completed', jobName: 'a' },
      [],
      'its pods are gone: somebody deleted them or the node, or they were cleaned up; it is Completed',
    ],
  ])('%j', (status, pods, why) => {
    expect(whyNoLog(status, pods)).toBe(why);
  });

  test('is told once for all nodes of which it is so', () => {
    const reasons = new Map([
      ['node-1', 'its turn has not come'],
      ['node-2', 'its container has not begun'],
      ['node-3', 'its turn has not come'],
    ]);
    expect(withoutLogs(reasons, 80)).toEqual([
      'no log of node-1, node-3: its turn has not come',
      'no log of node-2: its container has not begun',
    ]);
  });
});
