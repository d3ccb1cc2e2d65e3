import { setTimeout as sleep } from 'node:timers/promises';
import { TransientError } from '../api/errors.ts';
import type { GitSigning } from '../api/git-trust.ts';
import type { Mirror } from './mirror.ts';
import { blobId, listPaths } from './read.ts';
import { withSigningKey } from './signing.ts';

export interface WriteOptions {
  author: { name: string; email: string };
  /** Key the commits are signed with. */
  signing?: GitSigning | undefined;
  now: () => Date;
  signal?: AbortSignal;
  /** How often a push that others won is tried again. */
  attempts?: number;
  /** Milliseconds before the next attempt; backoff with jitter unless told. */
  delayMs?: (attempt: number) => number;
  /** Told each time a push is tried again. */
  onRetry?: () => void;
}

/** Path to text; without a text the file is removed. */
export type Files = ReadonlyMap<string, string | undefined>;

const PENDING = 'refs/agent/pending';
const backoff = (attempt: number) => Math.min(5000, 100 * 2 ** attempt) * (0.5 + Math.random());

/**
 * Commits `files` on the branch's tip and pushes them. When somebody else pushed first,
 * the same files are put on the new tip: they are in the agent's own folder, so there is nothing to merge.
 * Files that are there already with the same text (after a push whose answer was lost, say) are left out;
 * with none left nothing is committed.
 * @returns the tip that holds the files
 * @throws TransientError when the remote is away, refuses, or others always win
 */
export async function writeFiles(
  mirror: Mirror,
  files: Files,
  message: string,
  options: WriteOptions,
): Promise<string> {
  const attempts = options.attempts ?? 8;
  for (let attempt = 0; ; attempt++) {
    const tip = attempt === 0 ? await mirror.tip() : await mirror.fetch();
    if (tip === undefined) throw new TransientError('the branch is gone from the remote');
    const news = await differing(mirror, tip, files);
    if (news.length === 0) return tip;
    const commit = await commitOn(mirror, tip, news, message, options);
    try {
      await mirror.push(commit);
      return commit;
    } catch (error) {
      if (attempt + 1 >= attempts) throw error;
      options.onRetry?.();
      await sleep((options.delayMs ?? backoff)(attempt), undefined, signalOf(options));
    }
  }
}

function signalOf(options: WriteOptions) {
  return options.signal === undefined ? {} : { signal: options.signal };
}

async function differing(mirror: Mirror, tip: string, files: Files): Promise<[string, string | undefined][]> {
  const entries = await listPaths(mirror.git, tip, [...files.keys()]);
  const ids = new Map(entries.map((it) => [it.path, it.blob]));
  return [...files].filter(([path, text]) => {
    const id = ids.get(path);
    return text === undefined ? id !== undefined : id === undefined || id !== blobId(text, id.length);
  });
}

/** fast-import makes blobs, trees and commit in one process, with no index and no working tree. */
async function commitOn(
  mirror: Mirror,
  tip: string,
  files: readonly [string, string | undefined][],
  message: string,
  options: WriteOptions,
): Promise<string> {
  const { name, email } = options.author;
  const date = `${Math.floor(options.now().getTime() / 1000)} +0000`;
  const lines = [
    `commit ${PENDING}`,
    `committer ${clean(name)} <${clean(email)}> ${date}`,
    data(message),
    `from ${tip}`,
    ...files.flatMap(([path, text]) =>
      text === undefined ? [`D ${quote(path)}`] : [`M 100644 inline ${quote(path)}`, data(text)],
    ),
    'done',
  ];
  await mirror.git.text(['fast-import', '--force', '--done'], `${lines.join('\n')}\n`);
  if (options.signing) return signed(mirror, tip, message, { name, email, date, key: options.signing });
  return (await mirror.git.text(['rev-parse', '--verify', `${PENDING}^{commit}`])).trim();
}

/** The pending commit once more: fast-import cannot sign. */
function signed(
  { git }: Mirror,
  tip: string,
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
    const id = await git.with(session, ['commit-tree', '-S', '-p', tip, `${PENDING}^{tree}`], message);
    return id.trim();
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
