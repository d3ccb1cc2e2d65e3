import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'a NodeOp that is deleted uncordons the node under another one',
  changes: [
    {
      file: 'src/core/rollout/assess.ts',
      from: '  return to === undefined ?',
      to: '  return true ?',
    },
  ],
  tried: { sweep: true, histories: 30 },
};
