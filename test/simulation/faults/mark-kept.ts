import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'a node that failed and that people uncordoned keeps the mark until the end of the rollout',
  changes: [
    {
      file: 'src/core/rollout/assess.ts',
      from: 'AFTER_DRAIN.has(status.phase) || isKept(facts.spec, status)',
      to: 'AFTER_DRAIN.has(status.phase)',
    },
  ],
};
