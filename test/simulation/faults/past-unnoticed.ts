import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'a leader goes on in a cluster that came back from a backup within the time of its lease',
  changes: [
    {
      file: 'src/agent/rollouts/controller.ts',
      from: 'if (error instanceof WentBackError) options.onWentBack?.();',
      to: '',
    },
    { file: 'src/kube/lease.ts', from: 'if (isEarlier) this.wentBack();', to: '' },
  ],
  tried: { restored: true, histories: 30 },
};
