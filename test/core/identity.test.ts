import { describe, expect, test } from 'vitest';
import { ANNOTATION_REFUSED, ANNOTATION_RUN, ANNOTATION_SPEC, ANNOTATION_UID } from '../../src/api/labels.ts';
import type { NodeOp } from '../../src/api/nodeop.ts';
import { awaitsRecord, copyProblem } from '../../src/core/rollout/identity.ts';

const CREATED = '2030-01-01T00:00:00Z';

function object(annotations: Record<string, string>, startedAt?: string): NodeOp {
  return {
    metadata: { name: 'flash', namespace: 'ops', uid: 'uid-1', creationTimestamp: CREATED, annotations },
    ...(startedAt !== undefined && { status: { startedAt } }),
  } as unknown as NodeOp;
}

describe('a NodeOp is its own', () => {
  test.each<[string, Record<string, string>, string | undefined]>([
    ['where nothing says otherwise', {}, undefined],
    [
      'where its mark has its UID, whatever its times say',
      { [ANNOTATION_UID]: 'uid-1' },
      '2020-01-01T00:00:00Z',
    ],
    ['where it began after it was made', {}, '2030-01-01T00:00:05Z'],
    ['where clocks differ by as much as they may', {}, '2029-12-31T23:55:00Z'],
    ['where a version before this one had begun it', { [ANNOTATION_SPEC]: '{}' }, '2030-01-01T00:00:05Z'],
  ])('%s', (_, annotations, startedAt) => {
    expect(copyProblem(object(annotations, startedAt))).toBeUndefined();
  });
});

describe('a copy is never carried out', () => {
  test.each<[string, Record<string, string>, string | undefined, string]>([
    [
      'with the mark of another one',
      { [ANNOTATION_UID]: 'uid-0' },
      undefined,
      `is a copy of a NodeOp that was carried out before, with UID uid-0; it is never carried out. To run it again, delete it and create another one from a manifest without status and ${ANNOTATION_UID}`,
    ],
    [
      'with a status that is older than itself',
      {},
      '2029-12-31T23:54:59Z',
      'is a copy: its status is older than it is; it is never carried out. To run it again, delete it and create another one from a manifest without status',
    ],
    [
      'with the recorded spec alone',
      { [ANNOTATION_SPEC]: '{}' },
      undefined,
      `is a copy of a NodeOp that was carried out before; it is never carried out. To run it again, delete it and create another one from a manifest without status and ${ANNOTATION_SPEC}`,
    ],
  ])('%s', (_, annotations, startedAt, text) => {
    expect(copyProblem(object(annotations, startedAt))).toBe(text);
  });

  test('once it was refused, whatever else it says', () => {
    const marks = { [ANNOTATION_REFUSED]: 'is one that a backup brought back', [ANNOTATION_UID]: 'uid-1' };
    expect(copyProblem(object(marks))).toMatch(/^is one that a backup brought back; it is never carried out/);
  });
});

test.each<[string, Record<string, string>, boolean]>([
  ['of a run, and not begun', { [ANNOTATION_RUN]: 'runs/op.yaml' }, true],
  ['of a run, and begun', { [ANNOTATION_RUN]: 'runs/op.yaml', [ANNOTATION_UID]: 'uid-1' }, false],
  [
    'of a run, and begun by a version before this one',
    { [ANNOTATION_RUN]: 'runs/op.yaml', [ANNOTATION_SPEC]: '{}' },
    false,
  ],
  ['of no run', {}, false],
])('a NodeOp %s: whether it waits for its run to be found is %j', (_, annotations, waits) => {
  expect(awaitsRecord(object(annotations))).toBe(waits);
});
