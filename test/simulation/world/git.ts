import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GitCommand } from '../../../src/git/command.ts';
import { forget, isWhole, needsRoom } from './disks.ts';
import { currentProcess } from './time.ts';

interface Remote {
  /** Its folder, which may be away. */
  bare: string;
  /** Several agents push to it: what they send takes a while, so that one is between fetch and push of another. */
  isShared: boolean;
}

/** By the folder of a clone what it follows. */
const followed = new Map<string, Remote>();

export function follow(clone: string, remote: Remote): void {
  followed.set(clone, remote);
}

/** Its folder is gone. */
export function unfollow(clone: string): void {
  followed.delete(clone);
  forget(clone);
}

const TRAVEL_MS = 4_000;

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
    if (isDead()) return new Promise(() => {});
    const isOnItsWay = name === 'with' && followed.get(this.dir)?.isShared === true;
    if (isOnItsWay) await travel();
    if (isDead()) return new Promise(() => {});
    try {
      return await inTurn(async () => {
        needsRoom(this.dir, command, name !== 'with');
        if (name === 'with' && findsNothingNew(this.dir, args[1] as string[])) return '';
        return real.apply(this, args);
      });
    } finally {
      if (isOnItsWay) await travel();
    }
  };
  Object.defineProperty(GitCommand.prototype, name, { value: guarded });
}

const isDead = () => currentProcess.getStore()?.dead === true;

/** From an agent to the remote, or back. */
async function travel(): Promise<void> {
  const clock = currentProcess.getStore();
  if (clock === undefined) return;
  await new Promise<void>((resolve) => {
    clock.after(Math.floor(clock.random() * TRAVEL_MS), resolve);
  });
}

/** Those of all agents of a world come one after the other, in the order in which they were begun. */
function inTurn(work: () => Promise<unknown>): Promise<unknown> {
  return currentProcess.getStore()?.command(work) ?? work();
}

/**
 * Most of what a quiet history does is to ask for news: where both sides are at one commit, and the clone is as git left it, the
 * answer is known without three processes.
 */
function findsNothingNew(clone: string, args: readonly string[]): boolean {
  const remote = followed.get(clone)?.bare;
  const isPoll = args.includes('--write-fetch-head') && args.includes('--no-auto-maintenance');
  if (remote === undefined || !isPoll || !isWhole(clone) || existsSync(join(clone, 'packed-refs.lock')))
    return false;
  const [there, here] = [tipOf(remote), tipOf(clone)];
  if (there === undefined || there !== here) return false;
  writeFileSync(join(clone, 'FETCH_HEAD'), `${there}\t\tbranch 'main' of ${remote}\n`);
  return true;
}

function tipOf(dir: string): string | undefined {
  try {
    return readFileSync(join(dir, 'refs/heads/main'), 'utf8').trim();
  } catch {
    return undefined;
  }
}
