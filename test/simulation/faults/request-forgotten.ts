import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'a verdict does not wait for what may come of a request that was not answered',
  changes: [
    {
      file: 'src/core/rollout/ending.ts',
      from: 'const isComing = comesUntil > ctx.now;',
      to: 'const isComing = false;',
    },
  ],
  tried: { sweep: true, histories: 30 },
};
