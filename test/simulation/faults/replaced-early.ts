import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'a second pod of the command starts while the first is ending',
  changes: [
    {
      file: 'src/core/rollout/manifests.ts',
      from: "podReplacementPolicy: 'Failed',",
      to: '',
    },
  ],
};
