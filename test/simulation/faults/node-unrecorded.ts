import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'a node replaced under the same name passes for the one before where no record tells that it was begun',
  changes: [
    {
      file: 'src/core/rollout/node.ts',
      from: 'const uid = madeForAnother(node, ctx.facts.work.get(node.name)) ?? node.uid;',
      to: 'const { uid } = node;',
    },
  ],
};
