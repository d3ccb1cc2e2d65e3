import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'a suspended NodeOp starts further nodes',
  changes: [
    {
      file: 'src/core/rollout/gates.ts',
      from: '  spec.suspend ? {',
      to: "  spec.suspend && spec.image === '' ? {",
    },
  ],
};
