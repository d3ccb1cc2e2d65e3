import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'a watch that says nothing any more is believed for minutes',
  changes: [
    {
      file: 'src/kube/watch.ts',
      from: 'const SILENT_MS = 20_000;',
      to: 'const SILENT_MS = 20_000_000;',
    },
  ],
};
