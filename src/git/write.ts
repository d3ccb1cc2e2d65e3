import { TransientError } from '../api/errors.ts';
import type { GitSigning } from '../api/git-trust.ts';
import type { Clock } from '../core/ports.ts';
import { pause } from '../time/backoff.ts';
import { systemClock } from '../time/clock.ts';
import type { GitCommand } from './command.ts';
import type { Branch } from './branch.ts';
import { withSigningKey } from './signing.ts';

export interface WriteOptions {
  author: { name: string; email: string };
  /** Key the commits are signed with. */
  signing?: GitSigning | undefined;
  now: () => Date;
  signal?: AbortSignal;
  clock?: Clock;
  /** How often a push that others won is tried again. */
  attempts?: number;
  /** Milliseconds before the next attempt; backoff with jitter unless told. */
  delayMs?: (attempt: number) => number;
  /** Told each time a push is tried again. */
  onRetry?: () => void;
}

/** Path to text; without a text the file is removed. */
export type Files = ReadonlyMap<string, string | undefined>;

/** Pushes on one tip. Others that are just taking a branch hold its lock for a moment. */
const MAX_REFUSALS = 3;
const PENDING = 'refs/agent/pending';
const backoff = (attempt: number, { random }: Clock) => Math.min(5000, 100 * 2 ** attempt) * (0.5 + random());

/**
 * Commits `files` on the branch's tip and pushes them. When somebody else pushed first,
 * the same files are put on the new tip: they are in the agent's own folder, so there is nothing to merge.
 * When all are there already with the same text (after a push whose answer was lost, say), nothing is committed.
 * A branch that is not there is begun with them.
 * @returns the tip that holds the files
 * @throws TransientError when the remote is away, refuses, or others always win
 */
export async function writeFiles(
  branch: Branch,
  files: Files,
  message: string,
  options: WriteOptions,
): Promise<string> {
  const attempts = options.attempts ?? 8;
  const bases: (string | undefined)[] = [];
  for (let attempt = 0; ; attempt++) {
    const tip = attempt === 0 ? await branch.tip() : await branch.fetch();
    bases.push(tip);
    if (branch.isGone) throw new TransientError('the branch is gone from the remote');
    const commit = await commitOn(branch, tip, files, message, options);
    if (commit === tip) return commit;
    try {
      await branch.push(commit);
      return commit;
    } catch (error) {
      // Refused again and again though nobody was first: to go on would help nobody.
      const isRefused = bases.filter((it) => it === tip).length >= MAX_REFUSALS;
      if (isRefused || attempt + 1 >= attempts) throw error;
      options.onRetry?.();
      const { clock = systemClock, delayMs, signal } = options;
      await pause(clock, delayMs?.(attempt) ?? backoff(attempt, clock), signal);
      signal?.throwIfAborted();
    }
  }
}

/**
 * fast-import makes blobs, trees and commit in one process, with no index and no working tree; and it tells the trees
 * of both commits, which are one and the same when nothing differs.
 * @returns the tip itself when nothing differs
 */
async function commitOn(
  { git }: Branch,
  tip: string | undefined,
  files: Files,
  message: string,
  options: WriteOptions,
): Promise<string> {
  const { name, email } = options.author;
  const date = `${Math.floor(options.now().getTime() / 1000)} +0000`;
  const lines = [
    `commit ${PENDING}`,
    'mark :1',
    `committer ${clean(name)} <${clean(email)}> ${date}`,
    data(message),
    ...(tip === undefined ? [] : [`from ${tip}`]),
    ...[...files].flatMap(([path, text]) =>
      text === undefined ? [`D ${quote(path)}`] : [`M 100644 inline ${quote(path)}`, data(text)],
    ),
    'get-mark :1',
    'ls :1 ""',
    ...(tip === undefined ? [] : [`ls ${tip} ""`]),
    'done',
  ];
  const told = await git.text(['fast-import', '--force', '--done'], `${lines.join('\n')}\n`);
  const [commit, made, there] = told.split('\n');
  if (commit === undefined || made === undefined) throw new Error('git fast-import told no commit');
  if (tip !== undefined && made === there) return tip;
  return options.signing ? signed(git, tip, message, { name, email, date, key: options.signing }) : commit;
}

/** The pending commit once more: fast-import cannot sign. */
function signed(
  git: GitCommand,
  tip: string | undefined,
  message: string,
  { name, email, date, key }: { name: string; email: string; date: string; key: GitSigning },
): Promise<string> {
  return withSigningKey(key, async ({ env, secrets }) => {
    const who = (role: string) => ({
      [`GIT_${role}_NAME`]: name,
      [`GIT_${role}_EMAIL`]: email,
      [`GIT_${role}_DATE`]: `@${date}`,
    });
    const session = { env: { ...env, ...who('AUTHOR'), ...who('COMMITTER') }, secrets };
    const parents = tip === undefined ? [] : ['-p', tip];
    const args = ['commit-tree', '-S', ...parents, `${PENDING}^{tree}`];
    return (await git.with(session, args, { stdin: message })).trim();
  });
}

/** Author fields end at these characters. */
function clean(text: string): string {
  return text.replace(/[<>\n]/g, '');
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}`;
}

function quote(path: string): string {
  return `"${path.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`;
}
