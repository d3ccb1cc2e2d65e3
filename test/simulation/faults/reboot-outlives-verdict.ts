import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'a reboot pod outlives its verdict',
  changes: [
    {
      file: 'src/core/rollout/phases/rebooting.ts',
      from: 'started: ({ reboot: pod }) => unended(pod) };',
      to: 'started: () => [] };',
    },
  ],
};
