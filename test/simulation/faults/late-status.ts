import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'a late status of an agent that leads no more lands over those of the next',
  changes: [
    {
      file: 'src/agent/rollouts/status-writer.ts',
      from: 'const body = { metadata: { resourceVersion },',
      to: 'const body = { metadata: { uid: resourceVersion && rollout.object.metadata.uid },',
    },
  ],
};
