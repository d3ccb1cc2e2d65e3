import type { Check, CheckStatus } from '../../api/checks.ts';
import { maskCredentials } from '../text/mask.ts';
import { flat } from '../text/output.ts';
import { counted } from '../text/counts.ts';

/** What was seen comes from others, and stands in status and report. */
export const MAX_SEEN = 256;

/** As one line without credentials, cut to its bound. */
export function seenText(text: string): string {
  const line = flat(maskCredentials(text));
  return line.length <= MAX_SEEN ? line : `${line.slice(0, MAX_SEEN - 1).toWellFormed()}…`;
}

/** What a check is called. */
export function checkName(check: Check, index: number): string {
  const kind = check.http ? 'http' : check.prometheus ? 'prometheus' : 'command';
  return check.name ?? `${kind} (checks[${index}])`;
}

/** Why a check failed, for the message of its step. */
export function failureText(check: Check, { name, message = '', failures = 1 }: CheckStatus): string {
  const tries = counted(check.attempts, 'try', 'tries');
  const often = failures > 1 ? `${failures} evaluations of ${tries} in a row` : tries;
  return `check ${name} failed, ${often}: ${message}`;
}
