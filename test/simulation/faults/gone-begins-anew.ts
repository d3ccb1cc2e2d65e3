import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'a node whose Job is gone is drained anew where no record tells that it was begun',
  tried: { restored: true },
  changes: [
    {
      file: 'src/core/rollout/node.ts',
      from: 'BEFORE_COMMAND.has(phase) && work.job !== undefined;',
      to: "BEFORE_COMMAND.has(phase) && typeof work.job === 'object';",
    },
  ],
};
