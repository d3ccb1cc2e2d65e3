import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'a boot ID is not on record before its node goes down',
  tried: { sweep: true, of: 'reboot: write' },
  changes: [
    {
      file: 'src/core/rollout/phases/rebooting.ts',
      from: "const isRecorded = record?.phase === 'Rebooting' && record.bootID === before;",
      to: 'const isRecorded = record !== undefined;',
    },
  ],
};
