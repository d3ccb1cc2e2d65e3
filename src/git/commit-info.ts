import { isUtf8 } from 'node:buffer';

export interface CommitInfo {
  commit: string;
  author: string;
  /** RFC 3339. */
  committedAt: string;
}

const AUTHOR =
  /^tree [0-9a-f]+\n(?:parent [0-9a-f]+\n)*author ([^<>\s][^<>\n]*) <([^<>\s]+)> \d+ [+-]\d{4}\n/;
const COMMITTER = /^committer [^<>\n]*<[^<>\n]*> (\d{1,11}) ([+-])(0\d|1[0-4])([0-5]\d)\n/;

/**
 * Author and time of a commit from the object itself, without a process. Undefined when it is written as git would not
 * write it, or in another encoding: then git's own reading of it counts.
 */
export function infoOf(commit: string, bytes: Buffer): CommitInfo | undefined {
  const end = bytes.indexOf('\n\n');
  const header = bytes.subarray(0, end + 1);
  if (end < 0 || !isUtf8(header) || header.includes(0) || header.includes('\nencoding ')) return undefined;
  const [before = '', name = '', address = ''] = AUTHOR.exec(header.toString()) ?? [];
  const committer = COMMITTER.exec(header.toString().slice(before.length));
  if (committer === null || name !== name.trim()) return undefined;
  const [, seconds, sign = '', hours = '', minutes = ''] = committer;
  const offset = (sign === '-' ? -60 : 60) * (Number(hours) * 60 + Number(minutes));
  const local = new Date((Number(seconds) + offset) * 1000);
  if (!(local.getUTCFullYear() <= 9999)) return undefined;
  const time = local.toISOString().slice(0, '2030-01-01T00:00:00'.length);
  const zone = offset === 0 ? '+00:00' : `${sign}${hours}:${minutes}`;
  return { commit, author: shortened(`${name} <${address}>`), committedAt: `${time}${zone}` };
}

/** Nobody's name and address are longer; Git takes any. */
const MAX_AUTHOR = 256;

export function shortened(author: string): string {
  return author.length <= MAX_AUTHOR ? author : `${author.slice(0, MAX_AUTHOR - 1).toWellFormed()}…`;
}
