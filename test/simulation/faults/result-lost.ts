import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'a NodeOp goes before its result is on record',
  changes: [
    {
      file: 'src/agent/repository/loop.ts',
      from: `if (this.#reconciler.isRecorded(nodeOp.metadata.uid ?? '')) return true;`,
      to: 'if (nodeOp.metadata.uid !== undefined) return true;',
    },
  ],
  tried: { git: true, sweep: true },
};
