import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { InvalidError } from '../api/errors.ts';
import type { GitSigning, GitVerify } from '../api/git-trust.ts';
import { askpass } from './askpass.ts';
import { readNamed } from './credentials.ts';
import { exportKeys, firstSecretKey, gpgHome } from './gpg-home.ts';
import { asEnvironment, type Session } from './session.ts';

const run = promisify(execFile);

/** Keys that vouch for reports: the agent's own and those that are allowed beside it. */
export interface ReportKeys {
  /** Tells the own key. */
  own: string;
  /** As files that `dispose` takes away. */
  verify: GitVerify;
  dispose: () => Promise<void>;
}

/**
 * The public half of the key the agent signs with, and what is allowed beside it, read anew each time.
 * Throws InvalidError when a file cannot be used.
 */
export async function reportKeys(signing: GitSigning): Promise<ReportKeys> {
  const { allowedSignersFile, keyringFile, sshKeyFile } = signing;
  const allowed =
    allowedSignersFile === undefined
      ? ''
      : await readNamed('git.signing.allowedSignersFile', allowedSignersFile);
  if (keyringFile !== undefined) await readNamed('git.signing.keyringFile', keyringFile);
  const dir = await mkdtemp(join(tmpdir(), 'nodeop-agent-keys-'));
  const dispose = () => rm(dir, { recursive: true, force: true });
  const write = async (name: string, text: string) => {
    await writeFile(join(dir, name), text);
    return join(dir, name);
  };
  try {
    if (sshKeyFile !== undefined) {
      const own = await sshPublicKey(signing);
      const file = await write('allowed_signers', `own namespaces="git" ${own}\n${allowed}`);
      const verify = { allowedSignersFile: file, ...(keyringFile !== undefined && { keyringFile }) };
      return { own, verify, dispose };
    }
    const { own, keyring } = await gpgPublicKeys(signing);
    const verify = {
      keyringFile: await write('keyring.asc', keyring),
      ...(allowedSignersFile !== undefined && { allowedSignersFile }),
    };
    return { own, verify, dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Type and key, without the comment. */
async function sshPublicKey(signing: GitSigning): Promise<string> {
  const { sshKeyFile = '' } = signing;
  const session = await ssh(signing);
  try {
    const env = { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', ...session.env };
    const { stdout } = await run('ssh-keygen', ['-y', '-f', sshKeyFile], { env });
    return stdout.trim().split(' ').slice(0, 2).join(' ');
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : String(error);
    throw new InvalidError(`git.signing.sshKeyFile: ssh-keygen takes no key from ${sshKeyFile}: ${said}`);
  } finally {
    await session.dispose();
  }
}

async function gpgPublicKeys({ gpgKeyFile = '', keyringFile }: GitSigning) {
  const home = await gpgHome('git.signing.gpgKeyFile', gpgKeyFile, ['pinentry-mode loopback']);
  try {
    const own = await firstSecretKey('git.signing.gpgKeyFile', home);
    // Of what else the file holds nothing signs.
    const keyring = await exportKeys(home, [own]);
    if (keyringFile === undefined) return { own, keyring };
    const others = await gpgHome('git.signing.keyringFile', keyringFile, ['no-autostart']);
    try {
      return { own, keyring: `${keyring}\n${await exportKeys(others, [])}` };
    } finally {
      await others.dispose();
    }
  } finally {
    await home.dispose();
  }
}

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
