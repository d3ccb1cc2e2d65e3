import type { Fault } from './fault.ts';

export const fault: Fault = {
  what: 'an agent that was not first pushes over what others pushed',
  changes: [
    {
      file: 'src/git/remote.ts',
      from: "const args = ['push', '--progress', '--', this.#url,",
      to: "const args = ['push', '--force', '--progress', '--', this.#url,",
    },
  ],
  tried: { git: true, sweep: true, of: 'two clusters' },
};
