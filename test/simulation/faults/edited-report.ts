import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'a report that was edited is a new chance for a run that began',
  changes: [
    {
      file: 'src/core/runs/plan.ts',
      from: 'return begun === true || (report !== undefined && saysStarted(report));',
      to: 'return begun === true && report === undefined;',
    },
    {
      file: 'src/agent/repository/never-again.ts',
      from: 'if (begun.length === 0) return [...actions];',
      to: 'if (begun.length >= 0) return [...actions];',
    },
  ],
  tried: { git: true, sweep: true },
};
