import { plain } from '../core/text/output.ts';

/** Lines that tell how far a command is, in git's words and in those of the host's git. */
const PROGRESS =
  /^(?:remote: )?(?:Enumerating|Counting|Compressing|Writing|Receiving|Unpacking|Finding|Resolving|Total|Delta compression|Updating files|Checking connectivity|Filtering|Processed|POST git-|Pushing to|From |To )\b.*|^\s*$/;
/** What the host said by itself. */
const REMOTE = /^remote:\s?/;
const REJECTED = /^ ! \[[^\]]*rejected\]/;
/** Where a commit lies in the clone that is pushed. */
const PUSHED = /\brefs\/agent\/push\/[0-9a-f]+\//g;
/** Enough for what a hook has to say. */
const MAX = 2000;

/**
 * What a command that failed said, by what people look for first: the words of the host, then why it was refused, then
 * git's own. How far it had come is of no interest any more.
 */
export function wordsOf(said: string): string {
  const lines = plain(said)
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => !PROGRESS.test(line) && line !== 'remote:');
  const host = lines.filter((line) => REMOTE.test(line)).map((line) => line.replace(REMOTE, '').trim());
  const rejected = lines
    .filter((line) => REJECTED.test(line))
    .map((line) => line.slice(3).replace(PUSHED, ''));
  const rest = lines.filter(
    (line) => !REMOTE.test(line) && !REJECTED.test(line) && !/^ [=*+-] \[/.test(line),
  );
  const all = [...host.filter((it) => it !== ''), ...rejected, ...rest].join('\n').trim();
  return all.length > MAX ? `${all.slice(0, MAX)}…` : all;
}

/** What git's check of objects found fault with, of a fetch that it ended. */
export interface Fault {
  object: string;
  kind: string;
}

export function faultOf(said: string): Fault | undefined {
  if (!said.includes('fatal: fsck error')) return undefined;
  const [, object, kind] = /^(?:git \w+: )?error: object ([0-9a-f]{40,64}): (\w+):/m.exec(said) ?? [];
  return object === undefined || kind === undefined ? undefined : { object, kind };
}

/** Whether the host refused a push by its own rules, and not because others were first. */
export function isRefusal(said: string): boolean {
  return /\[remote rejected\]|returned error: 40[13]\b|\bdenied\b/i.test(said);
}

/** What git says of a branch that is at something else than a commit, and of what. */
export function noCommitIn(text: string): { object: string; ref: string } | undefined {
  const [, object, ref] = /non-commit object ([0-9a-f]{40,64}) to branch '([^'\n]{1,1000})'/.exec(text) ?? [];
  return object === undefined || ref === undefined ? undefined : { object, ref };
}
