import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GitCommand } from '../../src/git/command.ts';
import { checkSignatures } from '../../src/git/signatures.ts';
import { nodeOp, TestRepository } from '../runs/support.ts';
import { signAs, sshKey, writeKeys } from './support.ts';

/** What is said of a commit of Ada's that is signed as it should be, whatever the files with keys hold. */

let repository: TestRepository;
let ada: string;
let eve: string;

beforeAll(() => {
  repository = new TestRepository();
  const openOf = (name: string) => {
    const { file } = sshKey(repository, name);
    return readFileSync(`${file}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
  };
  [ada, eve] = [openOf('ada'), openOf('eve')];
  signAs(repository, join(repository.root, 'ada'));
  repository.push({ 'runs/a.yaml': nodeOp('a') });
});

afterAll(() => repository[Symbol.dispose]());

const at = (name: string) => join(repository.root, name);

async function said(allowed: string, revocationFile?: string): Promise<string> {
  const commit = repository.git(repository.bare, 'rev-parse', 'main').trim();
  const git = new GitCommand({ dir: repository.bare, timeoutMs: 60_000 });
  const allowedSignersFile = writeKeys(repository, 'allowed', allowed);
  const verify = { allowedSignersFile, ...(revocationFile !== undefined && { revocationFile }) };
  const found = (await checkSignatures(git, [commit], verify)).get(commit);
  return found?.ok === true ? 'ok' : (found?.reason ?? '').replace(/SHA256:\S+/, 'KEY');
}

describe('allowed signers', () => {
  test.each<[string, () => string, string]>([
    [
      'other namespaces',
      () => `ada@example.org namespaces="file,g*,!git" ${ada}\n`,
      'is signed by a key that is allowed for other namespaces only (file,g*,!git), and Git signs in "git": KEY',
    ],
    ['namespaces of which one is that of Git', () => `ada@example.org namespaces="file,g?t" ${ada}\n`, 'ok'],
    [
      'one line for commits and one for files',
      () => `ada@example.org namespaces="file" ${ada}\nada@example.org namespaces="git" ${ada}\n`,
      'ok',
    ],
    [
      'an authority',
      () => `*@example.org cert-authority ${ada}\n`,
      'is signed by a key that is allowed as an authority (cert-authority): its certificates count, and not what it signs itself: KEY',
    ],
    ['somebody else', () => `eve@example.org ${eve}\n`, 'is signed by a key that is not allowed: KEY'],
  ])('%s', async (_, allowed, expected) => {
    expect(await said(allowed())).toBe(expected);
  });
});

describe('keys that were revoked', () => {
  const allowed = () => `ada@example.org ${ada}\n`;

  function krl(name: string, key: string): string {
    execFileSync('ssh-keygen', ['-q', '-k', '-f', at(name), `${at(key)}.pub`]);
    return at(name);
  }

  function list(text: string | Buffer): string {
    writeFileSync(at('revoked'), text);
    return at('revoked');
  }

  test('by a list or by a KRL, are told as that; those of others are not', async () => {
    const revoked = 'is signed by a key that was revoked: KEY';
    expect(await said(allowed(), list(`# lost\n${ada} a comment\n`))).toBe(revoked);
    expect(await said(allowed(), krl('krl-ada', 'ada'))).toBe(revoked);
    expect(await said(allowed(), list(`\n${eve}\r\n`))).toBe('ok');
    expect(await said(allowed(), krl('krl-eve', 'eve'))).toBe('ok');
  });

  test.each<[string, () => string, RegExp]>([
    ['in UTF-16', () => list(Buffer.from(`\ufeff${ada}\n`, 'utf16le')), /is not UTF-8|null bytes/],
    ['in other bytes', () => list(Buffer.from([0, 1, 2, 0])), /null bytes/],
    ['by fingerprint', () => list(`${eve}\nSHA256:abc\n`), /line 2 is no public key/],
    [
      'as allowed signers',
      () => list(allowed()),
      /line 1 is no public key: write its type and the key alone/,
    ],
    [
      'of another type than the key says',
      () => list(`ssh-rsa ${ada.split(' ')[1]}\n`),
      /line 1 is no public key/,
    ],
    [
      'by a KRL that was cut off',
      () => {
        const file = krl('krl-cut', 'ada');
        truncateSync(file, 60);
        return file;
      },
      /is a KRL that cannot be read: /,
    ],
    [
      'by a folder',
      () => {
        mkdirSync(at('folder'), { recursive: true });
        return at('folder');
      },
      /cannot read .*: EISDIR/,
    ],
    ['by nothing', () => list('# nobody\n').replace('revoked', 'missing'), /cannot read .*missing: ENOENT/],
  ])('%s: no signature is judged, and the file is named', async (_, file, expected) => {
    const revocationFile = file();
    await expect(said(allowed(), revocationFile)).rejects.toThrow(expected);
    await expect(said(allowed(), revocationFile)).rejects.toThrow(/^git\.verify\.revocationFile: /);
  });
});
