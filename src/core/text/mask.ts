import type { Pattern } from '../../api/patterns.ts';
import { plain } from './output.ts';
import { SECRET_RULES } from './secrets.ts';

const MASK = '***';

/** The text without what looks like a credential. `more`: patterns of the configuration. */
export function maskCredentials(text: string, more: readonly Pattern[] = []): string {
  return maskPatterns(maskRules(text), more);
}

/** Colours and characters that nobody sees may stand in the middle of a name; without them the next reader has the secret. */
function maskRules(text: string): string {
  const bare = plain(text);
  const masked = maskWritten(bare);
  // Where there is nothing to mask it stays as it is.
  return bare === text || masked !== bare ? masked : maskWritten(text);
}

function maskWritten(text: string): string {
  let masked = maskKeys(text);
  for (const { pattern, accept } of SECRET_RULES) {
    masked = masked.replace(pattern, (found: string, kept: string, at: number, whole: string) => {
      const value = found.slice(kept.length);
      const rest = whole.slice(at + found.length, at + found.length + REST);
      return accept?.(value, kept, rest) === false ? found : `${kept}${MASK}`;
    });
  }
  return masked;
}

/** So much of what follows tells whether a word is part of a sentence. */
const REST = 24;

/** The text without what the patterns find. */
export function maskPatterns(text: string, patterns: readonly Pattern[]): string {
  return patterns.reduce<string>((masked, pattern) => pattern.replaceAll(masked, MASK), text);
}

const BEGIN = '-----BEGIN ';
const END = '-----END ';
/** `RSA PRIVATE KEY-----`, `PGP PRIVATE KEY BLOCK-----`. */
const TITLE = /^[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/;

/** Private keys, from their first line to their last; of those that are cut, as much as is there. */
function maskKeys(text: string): string {
  let masked = '';
  let done = 0;
  for (let at = text.indexOf('-----', done); at >= 0; at = text.indexOf('-----', at + 1)) {
    const isBegin = text.startsWith(BEGIN, at);
    if (!isBegin && !text.startsWith(END, at)) continue;
    const title = TITLE.exec(text.slice(at + (isBegin ? BEGIN : END).length, at + 80))?.[0];
    if (title === undefined) continue;
    const end = isBegin ? text.indexOf(END, at) : at;
    const from = isBegin ? at : beginningOf(text, done, at);
    masked += text.slice(done, from) + MASK;
    done = end < 0 ? text.length : endOf(text, end);
    at = done - 1;
  }
  return masked + text.slice(done);
}

function endOf(text: string, end: number): number {
  const title = TITLE.exec(text.slice(end + END.length, end + 80))?.[0] ?? '';
  return end + END.length + title.length;
}

/** Where the lines of a key begin whose first line is missing: back over what is base64. */
function beginningOf(text: string, done: number, end: number): number {
  let from = end;
  while (from > done) {
    const start = Math.max(done, text.lastIndexOf('\n', from - 2) + 1);
    const line = text.slice(start, from).trim();
    // All but the last line of a key are full.
    const isOfKey = /^[\w+/=]{1,400}$/.test(line) && (from === end || line.length >= 40);
    if (!isOfKey) break;
    from = start;
  }
  return from;
}
