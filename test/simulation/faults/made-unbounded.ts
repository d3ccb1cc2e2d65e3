import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'the API server may take any time to make something, the time of the next leader too',
  tried: { sweep: true, of: 'held, and the run is cancelled' },
  changes: [
    {
      file: 'src/kube/client.ts',
      from: "const bound = method === 'POST' ? this.fence.bound(path) : undefined;",
      to: 'const bound = undefined;',
    },
  ],
};
