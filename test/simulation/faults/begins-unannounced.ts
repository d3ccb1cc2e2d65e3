import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'a run begins before its report is on the remote',
  changes: [
    {
      file: 'src/agent/repository/reconciler.ts',
      from: '    const dueMs = await publisher.publish(',
      to: `    await carryOut.begin(starts, snapshot);
    const dueMs = await publisher.publish(`,
    },
  ],
  tried: { git: true, sweep: true },
};
