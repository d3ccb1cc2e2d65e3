import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'a commit of an agent holds nothing but its own files',
  changes: [
    {
      file: 'src/git/write.ts',
      from: '...(tip === undefined ? [] : [`from ${tip}`]),',
      to: "...(tip === undefined ? [] : [`from ${tip}`, 'deleteall']),",
    },
  ],
  tried: { git: true, sweep: true, of: 'two clusters' },
};
