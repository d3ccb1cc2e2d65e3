import { createHash } from 'node:crypto';

const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const SLASH = 0x2f;
/** Long enough to be told apart by people, short enough for every file system. */
const MAX_STEM = 100;
const ESCAPED = /\.not-utf-8-[0-9a-f]{16}(?:\.ya?ml)?$/i;

/**
 * The path that bytes stand for, which is how Git has paths. A part of it that is not UTF-8 gets a name of its own,
 * made of what can be read and a hash of all of it: decoded with replacement characters it could be taken for another file's.
 */
export function pathOfBytes(bytes: Buffer): string {
  const whole = decode(bytes);
  if (whole !== undefined) return whole;
  const parts: string[] = [];
  for (let at = 0; at <= bytes.length;) {
    const slash = bytes.indexOf(SLASH, at);
    const end = slash < 0 ? bytes.length : slash;
    const part = bytes.subarray(at, end);
    parts.push(decode(part) ?? escapeName(part));
    at = end + 1;
  }
  return parts.join('/');
}

/** Whether a part of the path has such a name; a file that is really called so is refused like those it looks like. */
export function isEscaped(path: string): boolean {
  return path.split('/').some((part) => ESCAPED.test(part));
}

function decode(bytes: Buffer): string | undefined {
  try {
    return DECODER.decode(bytes);
  } catch {
    return undefined;
  }
}

function escapeName(bytes: Buffer): string {
  const text = bytes.toString('latin1');
  const [extension = ''] = /\.ya?ml$/i.exec(text) ?? [];
  const stem = text.slice(0, text.length - extension.length).slice(0, MAX_STEM);
  const readable = stem.replace(/[^A-Za-z0-9._-]/g, (it) => {
    const code = it.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0');
    return `%${code}`;
  });
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  return `${readable}.not-utf-8-${hash}${extension}`;
}
