import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'waits go by the wall clock, which people set',
  changes: [
    {
      file: 'src/agent/rollouts/status-writer.ts',
      from: '    const now = clock.steady();',
      to: '    const now = clock.wall();',
    },
    {
      file: 'src/agent/rollouts/status-writer.ts',
      from: '    rollout.lastWrite = clock.steady();',
      to: '    rollout.lastWrite = clock.wall();',
    },
  ],
};
