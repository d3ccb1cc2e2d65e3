import type { Pattern } from '../../api/patterns.ts';
import { maskCredentials } from '../text/mask.ts';
import { plain } from '../text/output.ts';

/** Characters of a log in a report. */
const MAX_LOG = 4096;
/** Characters that are looked through for credentials. */
const MAX_READ = 64 * 1024;

/** The last `lines` lines of a log, without control characters and credentials, and never more than a few kilobytes. */
export function logTail(log: string, lines: number, mask: readonly Pattern[] = []): string {
  if (lines === 0) return '';
  // What is left out need not be read, but whatever begins in it and goes on in the rest is masked.
  const text = maskCredentials(plain(log.slice(-MAX_READ)), mask).trimEnd();
  return text.split('\n').slice(-lines).join('\n').slice(-MAX_LOG).toWellFormed();
}
