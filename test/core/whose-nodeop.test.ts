import { describe, expect, test } from 'vitest';
import { ANNOTATION_RUN, ANNOTATION_UID } from '../../src/api/labels.ts';
import type { NodeOp } from '../../src/api/nodeop.ts';
import type { NodeOpReport } from '../../src/api/report.ts';
import { clusterNameOf, nameOf, runPathOf } from '../../src/core/runs/identity.ts';
import { judgedAsItIs } from '../../src/core/runs/judged.ts';
import { nodeOpsByRun, strayBecause } from '../../src/core/runs/own.ts';
import type { Layout } from '../../src/core/runs/paths.ts';

const LAYOUT: Layout = { nodeops: 'nodeops', runs: 'runs', results: 'results', cluster: 'east' };

interface Given {
  run?: string;
  isMarked?: boolean;
  created?: string;
}

function nodeOp(
  uid: string,
  { run = 'east:runs/a.yaml', isMarked = true, created = '2030-01-01T00:00:00Z' }: Given = {},
) {
  const annotations = { [ANNOTATION_RUN]: run, ...(isMarked && { [ANNOTATION_UID]: uid }) };
  return {
    metadata: { namespace: 'ops', name: `op-${uid}`, uid, creationTimestamp: created, annotations },
    spec: {},
  } as unknown as NodeOp;
}

describe('of several NodeOps with the annotations of one run its own is', () => {
  const own = (...all: NodeOp[]) => nodeOpsByRun(LAYOUT, all).get('runs/a.yaml')?.metadata.uid;
  const later = { created: '2030-01-01T00:00:01Z' };

  test.each<[string, NodeOp[], string]>([
    ['the older one', [nodeOp('a'), nodeOp('b', later)], 'a'],
    [
      'the one that is marked as on record, though it is younger',
      [nodeOp('a', { isMarked: false }), nodeOp('b', later)],
      'b',
    ],
    [
      'the older one of those that are not',
      [nodeOp('a', { isMarked: false, ...later }), nodeOp('b', { isMarked: false })],
      'b',
    ],
  ])('%s, in whatever order they come', (_, all, uid) => {
    expect(own(...all)).toBe(uid);
    expect(own(...all.toReversed())).toBe(uid);
  });

  test('none that is a copy, of another cluster, or of no run', () => {
    const copy = nodeOp('a');
    copy.metadata.annotations = { ...copy.metadata.annotations, [ANNOTATION_UID]: 'other' };
    expect(own(copy)).toBeUndefined();
    expect(own(copy, nodeOp('b', later))).toBe('b');
    expect(own(nodeOp('a', { run: 'west:runs/a.yaml' }))).toBeUndefined();
    expect(nodeOpsByRun(LAYOUT, [{ metadata: { name: 'by-hand' } } as NodeOp]).size).toBe(0);
  });
});

describe('a NodeOp that waits to be on record', () => {
  const waits = nodeOp('a', { isMarked: false });
  const none = { own: undefined, isOver: false, reportedUid: undefined };

  test.each<[string, string | undefined, object, string | undefined]>([
    ['is the run’s own', 'runs/a.yaml', {}, undefined],
    ['is the run’s own, and reported', 'runs/a.yaml', { own: waits, reportedUid: 'a' }, undefined],
    [
      'is of another cluster',
      undefined,
      {},
      'carries the annotations of a run of another cluster, east:runs/a.yaml',
    ],
    [
      'is a copy beside the own one',
      'runs/a.yaml',
      { own: nodeOp('b') },
      'is a copy of ops/op-b, the NodeOp of the run runs/a.yaml',
    ],
    [
      'is of a run that is over',
      'runs/a.yaml',
      { isOver: true },
      'carries the annotations of the run runs/a.yaml, which is over',
    ],
    [
      'is a copy of one that is gone',
      'runs/a.yaml',
      { reportedUid: 'b' },
      'is a copy of the NodeOp of the run runs/a.yaml, which had the UID b',
    ],
  ])('%s', (_, path, known, why) => {
    expect(strayBecause(waits, path, { ...none, ...known })).toBe(why);
  });
});

test.each<[string, string | undefined, string | undefined, string]>([
  ['east:runs/a.yaml', 'runs/a.yaml', 'east', 'runs/a.yaml'],
  [':runs/a.yaml', 'runs/a.yaml', undefined, 'runs/a.yaml'],
  ['', undefined, undefined, 'ops/op-a'],
])('%j is of the run %j and the cluster %j', (run, path, cluster, name) => {
  const it = run === '' ? ({ metadata: { namespace: 'ops', name: 'op-a' } } as NodeOp) : nodeOp('a', { run });
  expect([runPathOf(it), clusterNameOf(it), nameOf(it)]).toEqual([path, cluster, name]);
});

test.each<[string, object, object, boolean]>([
  ['as it is', {}, {}, true],
  ['of an edited file', {}, { blob: 'new' }, false],
  ['that is none', { phase: 'Running' }, {}, false],
  [
    'with its definition as it is',
    { definition: { name: 'flash', blob: 'd' } },
    { definitions: { flash: 'd' } },
    true,
  ],
  [
    'with an edited definition',
    { definition: { name: 'flash', blob: 'd' } },
    { definitions: { flash: 'e' } },
    false,
  ],
  [
    'whose definition is there now',
    { definition: { name: 'flash' } },
    { definitions: { flash: 'd' } },
    false,
  ],
  ['whose definition is missing yet', { definition: { name: 'flash' } }, { definitions: {} }, true],
])('a verdict Invalid %s', (_, said, now, holds) => {
  const { phase = 'Invalid', definition } = said as { phase?: string; definition?: object };
  const { blob = 'b', definitions = {} } = now as { blob?: string; definitions?: Record<string, string> };
  const report = { status: { phase }, run: { blob: 'b', definition } } as unknown as NodeOpReport;
  expect(judgedAsItIs(report, blob, (name) => definitions[name])).toBe(holds);
});
