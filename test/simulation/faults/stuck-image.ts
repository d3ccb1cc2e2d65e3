import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'a command that never begins has no bound and cannot be taken back',
  changes: [
    {
      file: 'src/core/rollout/phases/running.ts',
      from: '  if (waits) {',
      to: '  if (waits && ctx.now < 0) {',
    },
    {
      file: 'src/core/rollout/phases/running.ts',
      from: '  if (!began) return {',
      to: '  if (!began && ctx.now < 0) return {',
    },
  ],
};
