import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'a leader past its lease goes on writing',
  changes: [
    {
      file: 'src/kube/client.ts',
      from: "if (method !== 'GET' && !this.mayWrite()) {",
      to: "if (method !== 'GET' && this.closed) {",
    },
    {
      file: 'src/kube/client.ts',
      from: 'return this.mayWrite() && this.fence.holds(bound);',
      to: 'return true;',
    },
  ],
};
