import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'what was started on a node outlives its verdict',
  changes: [
    {
      file: 'src/core/rollout/node.ts',
      from: '  return Object.values(PHASES).flatMap((phase) => phase.started(work));',
      to: '  return [];',
    },
  ],
};
