import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'a verdict by time-out on what the caches say',
  changes: [
    {
      file: 'src/core/rollout/phases/phase.ts',
      from: '  return (work?.confirmedAt ?? -Infinity) >= since;',
      to: '  return true;',
    },
  ],
};
