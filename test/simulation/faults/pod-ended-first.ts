import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'a pod of the command is ended before its Job, which makes another one in its place',
  changes: [
    {
      file: 'src/core/rollout/ending.ts',
      from: '  return (jobs.length > 0 ? jobs : untold).map((it) => deletion(node, it));',
      to: '  return untold.map((it) => deletion(node, it));',
    },
  ],
};
