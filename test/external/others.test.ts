import { describe, expect, test } from 'vitest';
import { ANNOTATION_SPEC } from '../../src/api/labels.ts';
import { type NodeOp, NodeOpSpecSchema } from '../../src/api/nodeop.ts';
import { meantOtherwise, unknownToOthers } from '../../src/core/external/spec.ts';
import { isOthers } from '../../src/core/external/status.ts';
import { ExternalView } from '../../src/core/external/view.ts';

const spec = (changes: object = {}) =>
  NodeOpSpecSchema.parse({ image: 'busybox', command: ['true'], ...changes });

describe('where the same words mean something else to another controller', () => {
  const SET = { backoffLimit: 0 };
  const notes = (written: object) => meantOtherwise(written as Parameters<typeof meantOtherwise>[0]);
  const drains = (options: object) =>
    notes({ ...SET, cordon: true, drainOptions: { enabled: true, ...options } });

  test('nothing of the kind is said of a spec that leaves nothing open', () => {
    expect(notes(SET)).toEqual([]);
    expect(notes({ ...SET, cordon: true, drainOptions: { enabled: false } })).toEqual([]);
    expect(notes({ ...SET, rebootOnSuccess: false })).toEqual([]);
  });

  test('a drain without a cordon is none', () => {
    expect(notes({ ...SET, drainOptions: { enabled: true } })).toEqual([
      'nothing is drained: the other controller drains only with cordon: true',
    ]);
  });

  test('of a drain it is told what is not held, stays, or has no bound', () => {
    expect(drains({})).toEqual([
      'the other controller holds no PodDisruptionBudgets while it drains',
      'pods without a controller stay, and go down with their node',
      'pods have their own grace period: gracePeriodSeconds is not set',
      'a drain that is held up goes on without end: timeoutSeconds is not set',
    ]);
    expect(drains({ force: true, gracePeriodSeconds: 0, timeoutSeconds: 0 })).toHaveLength(1);
  });

  test('attempts and reboots have other bounds', () => {
    expect(notes({ rebootOnSuccess: true })).toEqual([
      'a command that fails is run up to seven times: backoffLimit is not set',
      'a reboot has no time-out there: a node that does not come back is waited for',
    ]);
  });
});

test('a share of the nodes is nothing that another controller can count', () => {
  expect(unknownToOthers(spec({ concurrency: 2 }))).toEqual([]);
  expect(unknownToOthers(spec({ concurrency: '50%' }))).toEqual([
    {
      path: ['concurrency'],
      message: expect.stringMatching(/takes a number of nodes alone, found 50%$/) as string,
    },
  ]);
});

test('a status is that of another controller when this agent neither recorded a spec nor observed it', () => {
  const nodeOp = (status: object | undefined, annotations: object = {}) =>
    ({ metadata: { name: 'op', annotations }, spec: spec(), status }) as unknown as NodeOp;
  expect(isOthers(nodeOp({ phase: 'Running' }))).toBe(true);
  expect(isOthers(nodeOp(undefined))).toBe(false);
  expect(isOthers(nodeOp({}))).toBe(false);
  expect(isOthers(nodeOp({ phase: 'Running', observedGeneration: 1 }))).toBe(false);
  expect(isOthers(nodeOp({ phase: 'Running' }, { [ANNOTATION_SPEC]: '{}' }))).toBe(false);
});

describe('a NodeOp as it stands by the nodes and Jobs that are known', () => {
  const node = (name: string, labels?: Record<string, string>) => ({
    metadata: { name, ...(labels && { labels }) },
  });
  const job = (
    namespace: string,
    name: string,
    ...conditions: [type: string, status: 'True' | 'False'][]
  ) => ({
    metadata: { namespace, name },
    status: {
      startTime: '2030-01-01T00:00:00Z',
      conditions: conditions.map(([type, status]) => ({ type, status })),
    },
  });
  const failing = (more: object = {}): NodeOp =>
    ({
      metadata: { name: 'op', namespace: 'ops', ...more },
      spec: spec({ nodeSelector: { matchLabels: { disk: 'ssd' } } }),
      status: { phase: 'Failed', nodeStatuses: { a: { phase: 'Failed', jobName: 'j' } } },
    }) as unknown as NodeOp;
  const phases = (view: ExternalView, nodeOp = failing()) =>
    Object.entries(view.read(nodeOp).status?.nodeStatuses ?? {}).map(
      ([name, { phase }]) => `${name} ${phase}`,
    );

  test('counts the nodes that match its selector, by name', () => {
    const view = new ExternalView();
    for (const name of ['c', 'b']) view.node(node(name, { disk: 'ssd' }));
    view.node(node('d', { disk: 'hdd' }));
    view.node(node('e'));
    expect(phases(view)).toEqual(['a Failed', 'b Pending', 'c Pending']);
    view.node(node('c', { disk: 'ssd' }), true);
    expect(phases(view)).toEqual(['a Failed', 'b Pending']);
  });

  test('of a node that says the same again nothing is altered', () => {
    const view = new ExternalView();
    expect(view.node(node('a', { disk: 'ssd' }))).toBe(true);
    expect(view.node(node('a', { disk: 'ssd' }))).toBe(false);
    expect(view.node(node('a', { disk: 'hdd' }))).toBe(true);
    expect(view.node(node('a', { disk: 'hdd' }), true)).toBe(true);
  });

  test.each<[string, ReturnType<typeof job>, string]>([
    ['goes on', job('ops', 'j'), 'Running'],
    ['is suspended', job('ops', 'j', ['Suspended', 'True']), 'Running'],
    ['is said not to have failed', job('ops', 'j', ['Failed', 'False']), 'Running'],
    ['failed', job('ops', 'j', ['Suspended', 'False'], ['Failed', 'True']), 'Failed'],
    ['completed', job('ops', 'j', ['Complete', 'True']), 'Failed'],
    ['is one of another namespace', job('other', 'j'), 'Failed'],
  ])('a node is not done with while its Job has attempts left: the Job %s', (_, it, phase) => {
    const view = new ExternalView();
    expect(view.job(it)).toBe(true);
    expect(phases(view)).toEqual([`a ${phase}`]);
  });

  test('a Job that is gone says nothing any more, and others of its namespace still do', () => {
    const view = new ExternalView();
    view.job(job('ops', 'j'));
    view.job(job('ops', 'k'));
    view.job(job('ops', 'k'), true);
    expect(phases(view)).toEqual(['a Running']);
    expect(view.read(failing()).status?.nodeStatuses?.['a']?.startedAt).toBe('2030-01-01T00:00:00Z');
    view.job(job('ops', 'j'), true);
    expect(phases(view)).toEqual(['a Failed']);
  });
});
