import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'the status of an agent that leads no more lands over that of the next',
  changes: [
    {
      file: 'src/agent/rollouts/status-writer.ts',
      from: 'const body = { metadata: { resourceVersion }, status:',
      to: 'const body = { metadata: { resourceVersion: resourceVersion && undefined }, status:',
    },
  ],
  tried: { with: '"queued"', histories: 20 },
};
