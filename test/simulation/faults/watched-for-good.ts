import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'nobody is told that the nodes of a step are not watched any more',
  tried: { sweep: true, of: 'watched to the end, then' },
  changes: [
    {
      file: 'src/core/rollout/cordons.ts',
      from: 'if (watches(before) && !watches(after)) return true;',
      to: '',
    },
  ],
};
