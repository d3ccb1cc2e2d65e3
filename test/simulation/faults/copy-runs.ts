import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'a copied NodeOp is carried out',
  changes: [
    {
      file: 'src/core/rollout/identity.ts',
      from: '  if (why === undefined) return undefined;',
      to: '  return undefined;',
    },
  ],
};
