import { createHash } from 'node:crypto';
import type { Steps } from '../../api/pieces.ts';

/** A file of allowed signers as it stands at one moment. */
export interface Signers {
  /** The file without the keys that are not valid at that moment. */
  text: string;
  /** Every key of the file by its fingerprint (`SHA256:…`), with the reason why it does not count at that moment. */
  keys: ReadonlyMap<string, string | undefined>;
  /** Keys that sign no commit at any moment, with the reason. */
  otherUses: ReadonlyMap<string, string>;
  /** All of this stands at every moment after `since` and before `until`, epoch milliseconds. */
  since: number;
  until: number;
}

/** Lines read in a millisecond or two, most of which are the fingerprints of their keys. */
const LINES_A_STEP = 128;

/**
 * Git asks ssh-keygen whether a key was valid at the date of the commit, which its author chose. Whether it is valid now is
 * judged here: by `valid-after` and `valid-before` of ssh-keygen(1), ALLOWED SIGNERS. A line whose times cannot be read
 * does not count. Without a moment the times are left to ssh-keygen.
 */
export function* signersAt(text: string, now?: Date): Steps<Signers> {
  const keys = new Map<string, string | undefined>();
  const uses = new Map<string, string | undefined>();
  const lines: string[] = [];
  let [since, until] = [-Infinity, Infinity];
  for (const [i, line] of text.split('\n').entries()) {
    if (i % LINES_A_STEP === LINES_A_STEP - 1) yield;
    const parts = parseLine(line);
    const times = timesOf(parts?.options ?? '');
    const flaw = now && timeFlaw(times, now);
    if (flaw === undefined) lines.push(line);
    if (!parts?.key) continue;
    for (const { at } of times.bounds) {
      if (now && at < now.getTime()) since = Math.max(since, at);
      else until = Math.min(until, at);
    }
    const fingerprint = fingerprintOf(parts.key);
    // A key that has another line is valid as long as one of them is.
    if (flaw === undefined || !keys.has(fingerprint)) keys.set(fingerprint, flaw);
    const use = otherUse(parts.options);
    if (use === undefined || !uses.has(fingerprint)) uses.set(fingerprint, use);
  }
  const otherUses = new Map([...uses].flatMap(([key, use]) => (use === undefined ? [] : [[key, use]])));
  return { text: lines.join('\n'), keys, otherUses, since, until };
}

/** `principals [options] type key [comment]`; undefined for a line that is none of this, which allows nobody. */
function parseLine(line: string): { options: string; key?: string } | undefined {
  const rest = line.trim();
  if (rest === '' || rest.startsWith('#')) return undefined;
  const words = firstWords(rest, 4);
  const at = words.findIndex((word, i) => i > 0 && word.startsWith('AAAA'));
  if (at < 2) return { options: 'unreadable' };
  return { options: at === 3 ? (words[1] ?? '') : '', key: words[at] ?? '' };
}

/** Parted by blanks, except those in quotes. Quoted principals end with their quote, whether a blank follows or not. */
function firstWords(line: string, most: number): string[] {
  const words: string[] = [];
  for (const [word] of line.matchAll(/^"[^"]*"|(?:"(?:\\"|[^"])*"|[^\s"])+/g)) {
    words.push(word);
    if (words.length === most) break;
  }
  return words;
}

const OPTION = /^(?:(cert-authority)|(namespaces|valid-after|valid-before)="((?:\\"|[^"])*)")(?:,|$)/i;

/** When a line allows its key. `flaw`: why its options cannot be read, from where on the rest of them says nothing. */
interface Times {
  bounds: { which: string; value: string; at: number }[];
  flaw?: string;
}

function timesOf(options: string): Times {
  const bounds: Times['bounds'] = [];
  for (let rest = options; rest !== '';) {
    const [whole, , name = '', value = ''] = OPTION.exec(rest) ?? [];
    if (whole === undefined)
      return { bounds, flaw: 'stands in a line of the allowed signers that cannot be read' };
    rest = rest.slice(whole.length);
    const which = name.toLowerCase();
    if (!which.startsWith('valid')) continue;
    const at = parseTime(value);
    if (at === undefined) return { bounds, flaw: `has a ${which} that cannot be read, ${value}` };
    bounds.push({ which, value, at });
  }
  return { bounds };
}

function timeFlaw({ bounds, flaw }: Times, now: Date): string | undefined {
  for (const { which, value, at } of bounds) {
    if (which === 'valid-before' && now.getTime() > at)
      return `is not valid any more (valid-before ${value})`;
    if (which === 'valid-after' && now.getTime() < at) return `is not valid yet (valid-after ${value})`;
  }
  return flaw;
}

/** Git signs commits in this namespace. */
const NAMESPACE = 'git';

/** What a key is allowed for, when that is not to sign commits. */
function otherUse(options: string): string | undefined {
  for (let rest = options; rest !== '';) {
    const [whole, authority, name = '', value = ''] = OPTION.exec(rest) ?? [];
    if (whole === undefined) return undefined;
    rest = rest.slice(whole.length);
    if (authority !== undefined)
      return 'is allowed as an authority (cert-authority): its certificates count, and not what it signs itself';
    if (name.toLowerCase() === 'namespaces' && !isInList(NAMESPACE, value))
      return `is allowed for other namespaces only (${value}), and Git signs in "${NAMESPACE}"`;
  }
  return undefined;
}

/** By the patterns of ssh_config(5): one of the list, and none of it with a `!`. */
function isInList(text: string, list: string): boolean {
  const patterns = list.split(',');
  const excluded = patterns.some((it) => it.startsWith('!') && isLike(text, it.slice(1)));
  return !excluded && patterns.some((it) => !it.startsWith('!') && isLike(text, it));
}

/** `*` stands for any characters, `?` for one. */
function isLike(text: string, pattern: string): boolean {
  if (pattern === '') return text === '';
  const rest = pattern.slice(1);
  if (pattern.startsWith('*')) {
    const short = rest.replace(/^\*+/, '');
    const starts = Array.from({ length: text.length + 1 }, (_, i) => text.slice(i));
    return starts.some((it) => isLike(it, short));
  }
  return text !== '' && (pattern.startsWith('?') || pattern[0] === text[0]) && isLike(text.slice(1), rest);
}

/** `YYYYMMDD[HHMM[SS]][Z]`, without Z in the time zone of this machine; epoch milliseconds. */
function parseTime(text: string): number | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?(Z|UTC)?$/i.exec(text);
  if (!parts) return undefined;
  const [, year, month, day, hours = '00', minutes = '00', seconds = '00', zone] = parts;
  const at = Date.parse(
    `${year}-${month}-${day}T${hours}:${minutes}:${seconds}${zone === undefined ? '' : 'Z'}`,
  );
  return Number.isNaN(at) ? undefined : at;
}

/** Of a key in base64, as ssh-keygen tells it. */
export function fingerprintOf(key: string): string {
  const hash = createHash('sha256').update(Buffer.from(key, 'base64')).digest('base64');
  return `SHA256:${hash.replace(/={1,2}$/, '')}`;
}
