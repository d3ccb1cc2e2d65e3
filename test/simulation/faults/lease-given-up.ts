import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'an agent that stops gives the lease up though a write of it may yet take effect',
  changes: [{ file: 'src/agent/grace.ts', from: '  return !isCut;', to: '  return true;' }],
};
