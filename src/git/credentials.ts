import { readFile } from 'node:fs/promises';
import { InvalidError } from '../api/errors.ts';

/**
 * Takes user names and passwords out of every URL in a text, and the secrets wherever they stand. Of a long text the
 * beginning and the end are kept: what git passes on from a host may be a whole page.
 */
export function redact(text: string, secrets: readonly string[] = []): string {
  const without = secrets.reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
  return cutMiddle(without).replace(/:\/\/[^/\s'"]+@/g, '://***@');
}

const KEPT = 4096;

function cutMiddle(text: string): string {
  if (text.length <= 2 * KEPT) return text;
  return `${text.slice(0, KEPT)} … ${text.slice(-KEPT)}`;
}

/**
 * The content of a file that the configuration names at `field`, without the newline at its end.
 * Throws InvalidError when it cannot be read or is empty.
 */
export async function readNamed(field: string, file: string): Promise<string> {
  let text: string;
  try {
    text = (await readFile(file, 'utf8')).replace(/\r?\n$/, '');
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new InvalidError(`${field}: cannot read ${file}: ${reason}`);
  }
  if (text === '') throw new InvalidError(`${field}: ${file} is empty`);
  return text;
}

/** A secret that becomes part of one line. */
export async function readSecret(field: string, file: string): Promise<string> {
  const text = await readNamed(field, file);
  if (/\p{Cc}/u.test(text)) throw new InvalidError(`${field}: ${file} holds more than one line`);
  return text;
}
