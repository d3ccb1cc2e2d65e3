import { NotifyTargetSchema } from '../../../src/api/notify.ts';
import { entryKey } from '../../../src/core/notify/record.ts';
import type { Standing } from '../../../src/core/notify/standing.ts';

export const T0 = Date.parse('2030-01-01T00:00:00Z');
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const LAYOUT = { nodeops: 'nodeops', runs: 'runs', results: 'results', cluster: 'berlin' };

/** A run of three nodes that goes on. */
export function standing(changes: Partial<Standing> = {}): Standing {
  return {
    key: entryKey('uid-1'),
    edition: '',
    run: 'runs/firmware.yaml',
    namespace: 'ops',
    nodeOp: 'firmware-1',
    labels: { team: 'edge' },
    phase: 'Running',
    hasBegun: true,
    counts: { total: 3, completed: 1, pending: 1, inFlight: 1 },
    message: '1 of 3 nodes completed, 2 left',
    startedAt: T0,
    ...changes,
  };
}

export const target = (fields: object = {}) =>
  NotifyTargetSchema.parse({ name: 'oncall', url: 'https://hooks.example.org/x', ...fields });
