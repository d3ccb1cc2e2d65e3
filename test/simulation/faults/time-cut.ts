import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'moments cut to whole seconds, so that waits end up to a second early',
  changes: [
    {
      file: 'src/core/rollout/node-status.ts',
      from: 'new Date(Math.ceil(ms / 1000) * 1000)',
      to: 'new Date(Math.floor(ms / 1000) * 1000)',
    },
  ],
};
