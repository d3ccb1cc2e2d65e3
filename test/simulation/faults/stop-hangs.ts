import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'a drain that ends before its pods were listed never settles, and the agent does not stop',
  changes: [
    {
      file: 'src/kube/watch.ts',
      from: `    this.first.reject(new StoppedError());
`,
      to: '',
    },
  ],
  tried: { sweep: true, histories: 30 },
};
