import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'a run whose NodeOp is refused is never given up',
  changes: [
    {
      file: 'src/core/runs/plan.ts',
      from: 'if (refused.isLasting) {',
      to: `if (refused.isLasting && refused.message === '') {`,
    },
  ],
  tried: { git: true, sweep: true },
};
