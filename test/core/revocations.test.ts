import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { readRevocations } from '../../src/core/runs/revocations.ts';

/** A public key that begins with its own type, as they all do. */
function keyOf(type: string, begins = type): string {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(begins.length);
  return `${type} ${Buffer.concat([length, Buffer.from(begins), Buffer.from('the rest of it')]).toString('base64')}`;
}

const ED = keyOf('ssh-ed25519');
const fingerprint = (key: string) =>
  `SHA256:${createHash('sha256')
    .update(Buffer.from(key.split(' ')[1] ?? '', 'base64'))
    .digest('base64')
    .replace(/=+$/, '')}`;
const read = (text: string | Buffer) => readRevocations(Buffer.from(text));

test('a list of keys revokes them, with comments and empty lines in it', () => {
  const rsa = keyOf('ssh-rsa');
  expect(read(`# gone\n\n${ED} ada@example.org\n  ${rsa}\r\n`)).toEqual({
    kind: 'keys',
    fingerprints: new Set([fingerprint(ED), fingerprint(rsa)]),
  });
  expect(read('')).toEqual({ kind: 'keys', fingerprints: new Set() });
});

test('a revocation list of ssh-keygen is left to it', () => {
  expect(read(Buffer.from('SSHKRL\n\0 and more', 'latin1'))).toEqual({ kind: 'krl' });
});

test.each<[string, string | Buffer, string]>([
  ['is in UTF-16', Buffer.from(`\ufeff${ED}`, 'utf16le'), 'it is not UTF-8'],
  ['holds null bytes', `${ED}\n\0`, 'it holds null bytes'],
  [
    'has a line that is none',
    `${ED}\nada@example.org\n`,
    'line 2 is no public key: write its type and the key alone',
  ],
  [
    'has options before a key',
    `cert-authority ${ED}`,
    'line 1 is no public key: write its type and the key alone',
  ],
  [
    'has a key of another type',
    keyOf('ssh-rsa', 'ssh-ed25519'),
    'line 1 is no public key: write its type and the key alone',
  ],
  ['has a key that is cut', 'ssh-rsa AAAA', 'line 1 is no public key: write its type and the key alone'],
])('a file that %s revokes nothing and says so', (_, text, why) => {
  expect(read(text)).toEqual({ kind: 'neither', why });
});
