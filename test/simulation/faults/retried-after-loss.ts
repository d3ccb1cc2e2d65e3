import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'a command whose container was killed or lost is run again',
  changes: [
    {
      file: 'src/core/rollout/manifests.ts',
      from: '...(spec.retryAfterDisruption ? {} : { podFailurePolicy: LOST }),',
      to: '',
    },
  ],
};
