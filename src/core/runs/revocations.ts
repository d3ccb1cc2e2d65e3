import { fingerprintOf } from './allowed-signers.ts';

/** What a revocation file is: a KRL, which ssh-keygen alone reads, or a list of public keys. */
export type Revocations =
  | { kind: 'krl' }
  | { kind: 'keys'; fingerprints: ReadonlySet<string> }
  | { kind: 'neither'; why: string };

const KRL = Buffer.from('SSHKRL\n\0', 'latin1');
const KEY = /^([a-z0-9@.-]{1,100})[ \t]+(AAAA[A-Za-z0-9+/]{1,20000}={0,3})(?:[ \t].*)?$/;

/**
 * Reads a revocation file. ssh-keygen takes many a file that is neither for one that revokes nothing, such as a list in UTF-16,
 * and of others it refuses every signature without a word on why.
 */
export function readRevocations(bytes: Buffer): Revocations {
  if (bytes.subarray(0, KRL.length).equals(KRL)) return { kind: 'krl' };
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return neither('it is not UTF-8');
  }
  if (text.includes('\0')) return neither('it holds null bytes');
  const fingerprints = new Set<string>();
  for (const [i, line] of text.split('\n').entries()) {
    const rest = line.trim();
    if (rest === '' || rest.startsWith('#')) continue;
    const [, type = '', key = ''] = KEY.exec(rest) ?? [];
    if (!isOfType(key, type))
      return neither(`line ${i + 1} is no public key: write its type and the key alone`);
    fingerprints.add(fingerprintOf(key));
  }
  return { kind: 'keys', fingerprints };
}

function neither(why: string): Revocations {
  return { kind: 'neither', why };
}

/** A key begins with its own type. */
function isOfType(key: string, type: string): boolean {
  const bytes = Buffer.from(key, 'base64');
  if (bytes.length < 4 || type === '') return false;
  return bytes.subarray(4, 4 + bytes.readUInt32BE(0)).toString('latin1') === type;
}
