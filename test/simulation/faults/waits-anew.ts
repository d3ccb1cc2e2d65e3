import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'a node that is not Ready is waited for anew each time its window opens',
  changes: [
    {
      file: 'src/core/rollout/pass.ts',
      from: 'if (held?.passes !== true) this.forgetWaits();',
      to: 'this.forgetWaits();',
    },
  ],
  tried: { sweep: true, histories: 30 },
};
