import { readFile } from 'node:fs/promises';
import { InvalidError } from '../api/errors.ts';

/** Takes user names and passwords out of every URL in a text, and the secrets wherever they stand. */
export function redact(text: string, secrets: readonly string[] = []): string {
  const bare = text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^/\s@'"]+@/gi, '$1***@');
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, '***'), bare);
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
