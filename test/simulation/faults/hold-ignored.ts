import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'the annotation that holds a NodeOp is not heeded',
  changes: [
    {
      file: 'src/core/rollout/gates.ts',
      from: 'hold === undefined ? undefined : { why: hold.text }',
      to: 'hold === undefined ? undefined : undefined',
    },
  ],
};
