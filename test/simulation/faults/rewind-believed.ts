import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'a branch that goes back for a moment cancels runs',
  changes: [
    {
      file: 'src/agent/repository/rewind.ts',
      from: 'if (found.back !== undefined && this.#graceMs > 0) {',
      to: 'if (found.back !== undefined && this.#graceMs < 0) {',
    },
  ],
  tried: { git: true, sweep: true },
};
