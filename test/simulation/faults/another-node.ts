import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'a node replaced under the same name passes for the one before',
  tried: { sweep: true, of: 'nobody hears of what was between' },
  changes: [
    {
      file: 'src/core/rollout/node-status.ts',
      from: 'return nodeUID !== undefined && nodeUID !== shortUID(uid);',
      to: 'return nodeUID === undefined && uid === shortUID(uid);',
    },
  ],
};
