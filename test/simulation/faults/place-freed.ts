import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'a node that was done and is not Ready gives its place to the next',
  changes: [
    {
      file: 'src/core/rollout/assess.ts',
      from: 'if (this.isAway) return true;',
      to: 'if (this.isAway) return false;',
    },
  ],
};
