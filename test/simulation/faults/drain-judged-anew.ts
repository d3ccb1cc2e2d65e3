import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'a drain is judged anew though the Job is there',
  tried: { sweep: true, of: 'killed after' },
  changes: [
    {
      file: 'src/core/rollout/node.ts',
      from: 'const isPast = BEFORE_COMMAND.has(phase) && work.job !== undefined;',
      to: 'const isPast = false;',
    },
  ],
};
