import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test, vi } from 'vitest';
import { checkSignatures } from '../../src/git/signatures.ts';
import { branchWith, secretFile, WRITE } from '../git/support/mirror.ts';
import { writeFiles } from '../../src/git/write.ts';
import { TestRepository } from '../runs/support.ts';
import { GpgKeys, sshKey, writeKeys } from './support.ts';

const PASSPHRASE = 'correct horse';

/** A clone of a repository with one commit; writes a file to it with the key. */
async function writer(repository: TestRepository) {
  repository.push({ 'README.md': 'hello' });
  const mirror = branchWith(repository);
  await mirror.fetch();
  return {
    git: mirror.git,
    write: (signing: object) =>
      writeFiles(
        mirror,
        new Map([['results/a.yaml', `${JSON.stringify(signing)}\n`]]),
        'report\n\nRun: a\n',
        {
          ...WRITE,
          signing,
        },
      ),
  };
}

test.each([
  ['without a passphrase', ''],
  ['with a passphrase', PASSPHRASE],
])('commits signed with an ssh key %s', async (_, passphrase) => {
  using repository = new TestRepository();
  const { git, write } = await writer(repository);
  const { file, allowed } = sshKey(repository, 'agent', passphrase);
  const passphraseFile = secretFile(repository, 'passphrase', `${PASSPHRASE}\n`);
  const commit = await write({ sshKeyFile: file, ...(passphrase !== '' && { passphraseFile }) });
  const verify = { allowedSignersFile: writeKeys(repository, 'allowed', allowed) };
  const found = await checkSignatures(git, [commit], verify);
  expect(found.get(commit)).toEqual({
    ok: true,
    signer: expect.stringMatching(/^agent@example.org SHA256:/),
  });
  const [author, message] = repository
    .git(repository.bare, 'log', '-1', '--format=%an <%ae> %at %cn <%ce> %ct%x00%B', 'main')
    .split('\0');
  expect(author).toBe('agent <agent@example.org> 0 agent <agent@example.org> 0');
  expect(message?.trim()).toBe('report\n\nRun: a');
  expect(repository.read('README.md')).toBe('hello');
});

test.each([
  ['without a passphrase', ''],
  ['with a passphrase', PASSPHRASE],
])('commits signed with an OpenPGP key %s', async (_, passphrase) => {
  using repository = new TestRepository();
  using keys = new GpgKeys();
  const { git, write } = await writer(repository);
  const { secretFile: gpgKeyFile, publicFile } = keys.make('agent', { passphrase });
  const passphraseFile = secretFile(repository, 'passphrase', `${PASSPHRASE}\n`);
  const commit = await write({ gpgKeyFile, ...(passphrase !== '' && { passphraseFile }) });
  const found = await checkSignatures(git, [commit], { keyringFile: publicFile });
  expect(found.get(commit)).toEqual({
    ok: true,
    signer: expect.stringMatching(/^agent <agent@example.org>/),
  });
});

test('a key that cannot be used is told, without its passphrase, and nothing is pushed unsigned', async () => {
  using repository = new TestRepository();
  using keys = new GpgKeys();
  const temporary = dirname(writeKeys(repository, 'tmp/.keep', ''));
  vi.stubEnv('TMPDIR', temporary);
  const { write } = await writer(repository);
  const before = repository.commits();
  const wrong = 'a-wrong-passphrase';
  const passphraseFile = secretFile(repository, 'passphrase', wrong);
  const { file } = sshKey(repository, 'agent', PASSPHRASE);
  const { secretFile: gpgKeyFile, publicFile } = keys.make('agent', { passphrase: PASSPHRASE });
  const said = async (signing: object) =>
    write(signing).then(
      () => 'nothing',
      (error: unknown) => String(error),
    );
  const messages = [
    await said({ sshKeyFile: file, passphraseFile }),
    await said({ sshKeyFile: file }),
    await said({ gpgKeyFile, passphraseFile }),
    await said({ gpgKeyFile: publicFile }),
    await said({ sshKeyFile: '/nonexistent/key' }),
  ];
  expect(messages).toEqual([
    expect.stringContaining('incorrect passphrase'),
    expect.stringContaining('incorrect passphrase'),
    expect.stringContaining('gpg failed to sign the data'),
    expect.stringContaining('git.signing.gpgKeyFile: the file holds no secret key'),
    expect.stringContaining('git.signing.sshKeyFile: cannot read /nonexistent/key: ENOENT'),
  ]);
  expect(messages.join('\n')).not.toContain(wrong);
  expect(repository.commits()).toBe(before);
  // Homes of GnuPG and scripts made for one commit are gone with it.
  expect(readdirSync(temporary)).toEqual(['.keep']);
  vi.unstubAllEnvs();
});
