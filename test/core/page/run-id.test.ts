import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runId, runRef } from '../../../src/core/page/run-id.ts';

const HERE = { runs: 'ops/runs', cluster: 'berlin' };

describe('ids of runs', () => {
  test.each([
    [{ path: 'ops/runs/2026/flash.yaml' }, '2026/flash.yaml'],
    [{ path: 'ops/runs/2026/flash.yaml', cluster: 'berlin' }, '2026/flash.yaml'],
    [{ path: 'ops/runs/flash.yaml', cluster: 'paris' }, '=paris/flash.yaml'],
    [{ nodeOp: 'nodeop-system/by-hand' }, '~nodeop-system/by-hand'],
    [{ path: 'ops/runs/~odd/x.yaml' }, '=/~odd/x.yaml'],
    [{ path: 'elsewhere/x.yaml' }, '/elsewhere/x.yaml'],
  ])('%j is %s', (ref, id) => {
    expect(runId(ref, HERE)).toBe(id);
  });

  test('each means the run it was made for, whatever its path', () => {
    const part = fc.stringMatching(/^[~=a-z.]{1,6}$/);
    const path = fc.array(part, { minLength: 1, maxLength: 3 }).map((it) => it.join('/'));
    const cluster = fc.constantFrom('berlin', 'paris');
    fc.assert(
      fc.property(path, cluster, fc.boolean(), (name, where, isInside) => {
        const ref = { path: isInside ? `ops/runs/${name}` : name, cluster: where };
        expect(runRef(runId(ref, HERE), HERE)).toEqual(ref);
      }),
    );
  });
});
