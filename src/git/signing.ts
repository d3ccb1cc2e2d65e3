import type { GitSigning } from '../api/git-trust.ts';
import { askpass } from './askpass.ts';
import { readNamed } from './credentials.ts';
import { firstSecretKey, gpgHome } from './gpg-home.ts';
import { asEnvironment, type Session } from './session.ts';

/**
 * Gives `action` what git needs to sign with the configured key, which is read anew each time.
 * Throws InvalidError when a file cannot be used.
 */
export async function withSigningKey<T>(
  signing: GitSigning,
  action: (session: Session) => Promise<T>,
): Promise<T> {
  const { env, dispose } = signing.sshKeyFile === undefined ? await gpg(signing) : await ssh(signing);
  try {
    return await action({ env, secrets: [] });
  } finally {
    await dispose();
  }
}

/** Nobody would answer a question for a passphrase. */
const NO_ANSWER = { SSH_ASKPASS: 'false', SSH_ASKPASS_REQUIRE: 'force' };

async function ssh({ sshKeyFile = '', passphraseFile }: GitSigning) {
  await readNamed('git.signing.sshKeyFile', sshKeyFile);
  const settings = asEnvironment([
    ['gpg.format', 'ssh'],
    ['gpg.ssh.program', 'ssh-keygen'],
    ['user.signingKey', sshKeyFile],
  ]);
  if (passphraseFile === undefined) return { env: { ...settings, ...NO_ANSWER }, dispose: async () => {} };
  const { env, dispose } = await askpass('git.signing.passphraseFile', passphraseFile);
  return { env: { ...settings, ...env }, dispose };
}

async function gpg({ gpgKeyFile = '', passphraseFile }: GitSigning) {
  const options = ['pinentry-mode loopback'];
  if (passphraseFile !== undefined) {
    await readNamed('git.signing.passphraseFile', passphraseFile);
    options.push(`passphrase-file ${passphraseFile}`);
  }
  const home = await gpgHome('git.signing.gpgKeyFile', gpgKeyFile, options);
  try {
    const settings = asEnvironment([
      ['gpg.format', 'openpgp'],
      ['gpg.program', 'gpg'],
      ['user.signingKey', await firstSecretKey('git.signing.gpgKeyFile', home)],
    ]);
    return { env: { ...settings, GNUPGHOME: home.dir }, dispose: home.dispose };
  } catch (error) {
    await home.dispose();
    throw error;
  }
}
