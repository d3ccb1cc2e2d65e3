import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'what people make of a report is believed though its NodeOp says otherwise',
  changes: [
    {
      file: 'src/agent/repository/edited.ts',
      from: 'it.isEdited ? [[path, it.written]] : [],',
      to: '[],',
    },
  ],
  tried: { git: true, seed: 1356873957, histories: 1 },
};
