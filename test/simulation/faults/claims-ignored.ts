import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'a NodeOp starts on a node on which another one works',
  changes: [
    {
      file: 'src/core/rollout/pass.ts',
      from: 'const held = nodeHeld(this.facts, name);',
      to: 'const held = undefined as ReturnType<typeof nodeHeld>;',
    },
  ],
};
