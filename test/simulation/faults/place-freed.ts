import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'a node that was done and is not Ready gives its place to the next',
  changes: [
    {
      file: 'src/core/rollout/decide.ts',
      from: '      this.away.push(name);\n      return true;',
      to: '      this.away.push(name);\n      return false;',
    },
  ],
  tried: { sweep: true, seed: 70, histories: 26 },
};
