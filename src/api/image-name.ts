import { own } from './own.ts';

/**
 * Names of images as container runtimes read them (github.com/distribution/reference): `registry:5000/team/name:tag@sha256:…`.
 * An API server takes any text, and the kubelet fails to pull what is none.
 */

const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const HOST = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9]{0,61}[A-Za-z0-9])?(?:\.|$)){1,127}$/;
const ADDRESS = /^\[[0-9a-fA-F:.]{2,45}\]$/;
const DIGITS: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };
/** Of registry and path together. */
const MAX_NAME = 255;

/** What is wrong with it, or undefined. */
export function imageProblem(image: string): string | undefined {
  if (/\{\{|\$[{(]|<%/.test(image)) return 'holds a placeholder, which nobody fills in here';
  if (/\s/.test(image)) return 'must not hold spaces';
  const [named = '', digest, ...more] = image.split('@');
  if (more.length > 0 || (digest !== undefined && !isDigest(digest))) {
    return 'has a digest that is none, such as "@sha256:" and 64 hexadecimal digits';
  }
  const colon = named.lastIndexOf(':');
  const hasTag = colon > named.lastIndexOf('/');
  if (hasTag && !/^\w[\w.-]{0,127}$/.test(named.slice(colon + 1))) return 'has a tag that is none';
  const name = hasTag ? named.slice(0, colon) : named;
  if (name.length > MAX_NAME) return `is longer than ${MAX_NAME} characters`;
  const parts = name.split('/');
  const [first = ''] = parts;
  const isRegistry = parts.length > 1 && (/[.:]/.test(first) || first === 'localhost');
  if (isRegistry && !isHost(first)) return 'has a registry that is no host';
  const path = isRegistry ? parts.slice(1) : parts;
  if (path.some((it) => !COMPONENT.test(it))) {
    return 'is not the name of an image: lower-case letters, digits, ".", "_" and "-" between slashes';
  }
  if (/^[a-f0-9]{64}$/.test(name)) return 'is the id of an image, not the name of one';
  return undefined;
}

function isDigest(digest: string): boolean {
  const [algorithm = '', digits = '', ...more] = digest.split(':');
  return more.length === 0 && /^[a-f0-9]+$/.test(digits) && own(DIGITS, algorithm) === digits.length;
}

function isHost(text: string): boolean {
  const [, host = text, port] = /^(.*):(\d{1,5})$/.exec(text) ?? [];
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return false;
  return ADDRESS.test(host) || (HOST.test(host) && !host.endsWith('.'));
}
