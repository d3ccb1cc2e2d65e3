import { createHash } from 'node:crypto';

const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const SLASH = 0x2f;
/** Long enough to be told apart by people, short enough for every file system. */
const MAX_STEM = 100;
/** A longer name fits into no file system, and into no argument of a command. */
export const MAX_NAME = 255;
/** No letter of UTF-16 takes more of them in UTF-8. */
const BYTES_A_LETTER = 3;
const ESCAPED = /\.(not-utf-8|too-long)-[0-9a-f]{16}(?:\.ya?ml)?$/i;

const NAMED_WRONGLY = {
  'not-utf-8':
    'has a name that is not UTF-8, of which the bytes that cannot be shown stand as %XX here; rename it',
  'too-long': `has a name that is longer than ${MAX_NAME} bytes, of which only the beginning stands here; rename it`,
};

/**
 * The path that bytes stand for, which is how Git has paths. A part of it that is not UTF-8, or too long, gets a name of its
 * own, made of what can be read and a hash of all of it: decoded with replacement characters, or cut, it could be taken for
 * another file's.
 */
export function pathOfBytes(bytes: Buffer): string {
  const whole = bytes.length > MAX_NAME ? undefined : decode(bytes);
  if (whole !== undefined) return whole;
  const parts: string[] = [];
  for (let at = 0; at <= bytes.length;) {
    const slash = bytes.indexOf(SLASH, at);
    const end = slash < 0 ? bytes.length : slash;
    const part = bytes.subarray(at, end);
    parts.push(part.length > MAX_NAME ? escapeName(part, 'too-long') : nameOf(part));
    at = end + 1;
  }
  return parts.join('/');
}

/** The same for bytes that were decoded already. */
export function pathOfText(text: string): string {
  return text.length * BYTES_A_LETTER <= MAX_NAME ? text : pathOfBytes(Buffer.from(text));
}

/**
 * What is wrong with a name that cannot be shown, of a file or of a folder it lies in; undefined when all can. A file that is really called
 * so is refused like those it looks like.
 */
export function nameProblem(path: string): string | undefined {
  for (const part of path.split('/')) {
    const [, kind] = ESCAPED.exec(part) ?? [];
    if (kind !== undefined) return NAMED_WRONGLY[kind.toLowerCase() as keyof typeof NAMED_WRONGLY];
  }
  return undefined;
}

function nameOf(bytes: Buffer): string {
  return decode(bytes) ?? escapeName(bytes, 'not-utf-8');
}

function decode(bytes: Buffer): string | undefined {
  try {
    return DECODER.decode(bytes);
  } catch {
    return undefined;
  }
}

function escapeName(bytes: Buffer, kind: keyof typeof NAMED_WRONGLY): string {
  const text = bytes.toString('latin1');
  const [extension = ''] = /\.ya?ml$/i.exec(text) ?? [];
  const stem = text.slice(0, text.length - extension.length).slice(0, MAX_STEM);
  const shown = stem.replace(/[^A-Za-z0-9._-]/g, (it) => {
    const code = it.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0');
    return `%${code}`;
  });
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  return `${shown.slice(0, MAX_STEM)}.${kind}-${hash}${extension}`;
}
