import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'a run of another cluster is carried out',
  changes: [
    {
      file: 'src/core/runs/prepare/manifest.ts',
      from: 'here: clusters.length === 0 || (cluster !== undefined && clusters.includes(cluster)),',
      to: 'here: true,',
    },
  ],
  tried: { git: true, sweep: true, of: 'two clusters' },
};
