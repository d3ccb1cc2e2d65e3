import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'a Job that is not in the cache is made again, though it is on record',
  changes: [
    {
      file: 'src/core/rollout/phases/running.ts',
      from: 'return status.jobName === undefined && work.jobSeen !== true',
      to: 'return status.jobName !== undefined || work.jobSeen !== true',
    },
  ],
};
