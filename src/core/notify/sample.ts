import type { NotifyEventName } from '../../api/notify.ts';
import type { NotifyEvent } from './events.ts';
import type { Standing } from './standing.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const TEST = 'this is a test of nodeop-agent, no run of yours';

/** What a made-up run would tell; the end is a good one, so that no alert is left behind. */
export function sampleEvent(name: NotifyEventName, runs: string, now: number): NotifyEvent {
  const run: Standing = {
    key: 'sample',
    edition: '',
    run: `${runs}/example.yaml`,
    namespace: 'nodeop-system',
    nodeOp: 'example',
    labels: {},
    phase: 'Running',
    hasBegun: true,
    counts: { total: 3, completed: 1, pending: 1, inFlight: 1 },
    message: TEST,
    startedAt: now - HOUR_MS,
  };
  const at = { name, at: now };
  switch (name) {
    case 'started':
      return { ...at, standing: run };
    case 'firstFailure': {
      const failure = {
        node: 'node-2',
        message: `command failed: exit code 3: ${TEST}`,
        at: now - MINUTE_MS,
      };
      return {
        ...at,
        standing: { ...run, failure, counts: { total: 3, completed: 1, failed: 1, pending: 1 } },
      };
    }
    case 'waiting':
      return {
        ...at,
        since: now - HOUR_MS,
        standing: { ...run, waitsFor: `outside of the window; ${TEST}` },
      };
    case 'resumed':
      return { ...at, since: now - HOUR_MS, standing: run };
    case 'ended':
      return {
        ...at,
        standing: { ...run, phase: 'Completed', counts: { total: 3, completed: 3 }, endedAt: now },
      };
  }
}
