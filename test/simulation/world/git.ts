import { GitCommand } from '../../../src/git/command.ts';
import { needsRoom } from './disks.ts';
import { currentProcess, realWork } from './time.ts';

type Method = (this: GitCommand, ...args: unknown[]) => Promise<unknown>;

/** Where each of them has the arguments of git; a name of an object is none of them. */
const ARGS = { text: 0, with: 1, stream: 0, object: undefined } as const;

/**
 * Git commands are real; whose they are, and what becomes of them, is of this world. A process that was killed runs no further
 * one, though its promises live on in this one.
 */
for (const [name, at] of Object.entries(ARGS)) {
  const real = (GitCommand.prototype as unknown as Record<string, Method>)[name] as Method;
  const guarded: Method = async function guarded(...args) {
    const [command = ''] = at === undefined ? [] : (args[at] as string[]);
    if (currentProcess.getStore()?.dead === true) return new Promise(() => {});
    realWork.count += 1;
    try {
      needsRoom(this.dir, command, name !== 'with');
      return await real.apply(this, args);
    } finally {
      realWork.count -= 1;
    }
  };
  Object.defineProperty(GitCommand.prototype, name, { value: guarded });
}
