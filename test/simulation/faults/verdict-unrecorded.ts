import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'the next node takes the place of one whose verdict is not on record and would be judged anew',
  tried: { sweep: true },
  changes: [
    {
      file: 'src/core/rollout/anew.ts',
      from: '  return outcomeUnknown !== true && decidedAnew(ctx, name) === phase;',
      to: '  return outcomeUnknown !== true;',
    },
  ],
};
