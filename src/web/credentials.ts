import { readFile } from 'node:fs/promises';

/** Headers of a file, a line each. Of lines that begin with "#", and empty ones, nothing is sent. */
export async function readHeaders(path: string): Promise<Record<string, string>> {
  const text = await readFile(path, 'utf8');
  if (text.length > MAX_LENGTH) throw new Error(`${path} is longer than ${MAX_LENGTH} characters`);
  const headers: Record<string, string> = {};
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const colon = line.indexOf(':');
    const [name, value] = [line.slice(0, Math.max(0, colon)), line.slice(colon + 1).trim()];
    // What stands in the line is a secret.
    if (!NAME.test(name) || !VALUE.test(value)) throw new Error(`${path}: line ${i + 1} is no header`);
    if (RESERVED.has(name.toLowerCase())) throw new Error(`${path}: line ${i + 1} may not set ${name}`);
    headers[name.toLowerCase()] = value;
  }
  if (Object.keys(headers).length === 0) throw new Error(`${path} holds no header`);
  return headers;
}

const MAX_LENGTH = 64 * 1024;
const NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
const VALUE = /^[\t\u0020-\u007e\u0080-\u00ff]+$/;
/** They say where a request goes and where it ends. */
const RESERVED: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'expect',
  'keep-alive',
  'proxy-authorization',
  'accept-encoding',
]);

function secretsIn(value: string): string[] {
  const [, pair = ''] = /^basic\s+(\S+)$/i.exec(value.trim()) ?? [];
  const login = Buffer.from(pair, 'base64').toString();
  const password = login.slice(login.indexOf(':') + 1);
  return [value, ...value.split(/[\s,;=]+/), login, password];
}

/** Of an address that is a secret: the whole, and what in it only its owner knows. A word such as "services" is nobody's secret. */
function secretsInAddress(address: string): string[] {
  const { pathname, search, searchParams } = new URL(address);
  const parts = [...pathname.split('/').flatMap((it) => [it, decoded(it)]), ...searchParams.values()];
  return [address, pathname, search, ...parts.filter((it) => !/^[a-z]{1,20}(?:[-_][a-z]{1,20})*$/i.test(it))];
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** As an answer may have it: in JSON, there with slashes escaped as some do, or in a URL. */
function spellings(secret: string): string[] {
  return [
    secret,
    secret.replaceAll('/', String.raw`\/`),
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret.toWellFormed()),
  ];
}

/**
 * A text without the values that were sent, nor the parts of them that are secret by themselves.
 * @param address where that is a secret as well
 */
export function withoutSecrets(
  text: string,
  headers: Readonly<Record<string, string>>,
  address?: string,
): string {
  const known = [
    ...Object.values(headers).flatMap(secretsIn),
    ...(address === undefined ? [] : secretsInAddress(address)),
  ];
  const secrets = known.flatMap(spellings);
  // A scheme such as "Bearer" is none, and masking it would show which text it is.
  const long = [...new Set(secrets)].filter((it) => it.length >= 6 && !/^(?:bearer|digest|basic)$/i.test(it));
  return long
    .toSorted((a, b) => b.length - a.length)
    .reduce((masked, secret) => masked.replaceAll(secret, '***'), text);
}
