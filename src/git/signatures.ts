import { TransientError } from '../api/errors.ts';
import type { GitVerify } from '../api/git-trust.ts';
import type { Signature } from '../core/runs/trust.ts';
import type { GitCommand } from './command.ts';
import { Contents } from './contents.ts';
import { readNamed } from './credentials.ts';
import { gpgHome } from './gpg-home.ts';
import { asEnvironment, type Session } from './session.ts';

/** Only signatures count: a commit of a person is a few kilobytes. */
const MAX_COMMIT = 1024 * 1024;

type Kind = 'none' | 'ssh' | 'pgp' | 'other';

/** What the letters of git's `%G?` say of a signature that does not count. */
const FLAWS: Readonly<Record<string, string>> = {
  B: 'has a signature that is not of this commit',
  U: 'is signed by a key that is not allowed',
  E: 'is signed by a key that is not allowed',
  X: 'has a signature that has expired',
  Y: 'is signed by a key that has expired',
  R: 'is signed by a key that was revoked',
};

/**
 * Checks the signatures of commits against the configured keys, by git, which calls gpg and ssh-keygen.
 * @returns one for each commit, in their order
 * @throws InvalidError when a file with keys cannot be used, TransientError when a signature could not be checked
 */
export async function checkSignatures(
  git: GitCommand,
  commits: readonly string[],
  verify: GitVerify,
): Promise<Map<string, Signature>> {
  const found = new Map<string, Signature>();
  const kinds = await kindsOf(git, commits);
  const signed: string[] = [];
  for (const commit of commits) {
    const reason = refusal(kinds.get(commit), verify);
    if (reason === undefined) signed.push(commit);
    found.set(commit, { ok: false, reason: reason ?? '' });
  }
  if (signed.length === 0) return found;
  await withKeys(verify, async (session) => {
    const args = ['log', '--no-walk=unsorted', '--stdin', '-z', FORMAT];
    const tokens = (await git.with(session, args, `${signed.join('\n')}\n`)).split('\0');
    for (let i = 0; i + 5 < tokens.length; i += 6) {
      const [commit = '', letter = '', name = '', fingerprint = '', id = '', said = ''] = tokens.slice(
        i,
        i + 6,
      );
      const signer = [name, fingerprint === '' ? id : fingerprint].filter((it) => it !== '').join(' ');
      found.set(commit, verdict({ commit, letter, signer, said }));
    }
  });
  return found;
}

const FORMAT = '--format=%H%x00%G?%x00%GS%x00%GF%x00%GK%x00%GG';

/** `letter` is git's verdict, `said` the words of the program that came to it. */
function verdict(it: { commit: string; letter: string; signer: string; said: string }): Signature {
  if (it.letter === 'G') return { ok: true, signer: it.signer };
  const flaw = FLAWS[it.letter];
  // Without a word nothing was checked: the program is missing, or the disk is full.
  if (flaw === undefined || it.said.trim() === '') {
    const hint = 'are gpg and ssh-keygen installed, and is there room for temporary files?';
    throw new TransientError(`the signature of commit ${it.commit} could not be checked: ${hint}`);
  }
  return { ok: false, reason: it.signer === '' ? flaw : `${flaw}: ${it.signer}` };
}

/** What can be said without a look at the keys. */
function refusal(kind: Kind | undefined, verify: GitVerify): string | undefined {
  if (kind === 'ssh' && verify.allowedSignersFile !== undefined) return undefined;
  if (kind === 'pgp' && verify.keyringFile !== undefined) return undefined;
  if (kind === 'ssh') return 'is signed with an ssh key, and git.verify names no allowedSignersFile';
  if (kind === 'pgp') return 'is signed with an OpenPGP key, and git.verify names no keyringFile';
  return kind === 'other' ? 'is signed in a way that is not supported' : 'is not signed';
}

/** By the header of the commit, where continued lines begin with a blank. */
async function kindsOf(git: GitCommand, commits: readonly string[]): Promise<Map<string, Kind>> {
  const kinds = new Map<string, Kind>();
  for (const [commit, bytes] of await new Contents(git).read(commits, MAX_COMMIT)) {
    const text = Buffer.from(bytes).toString('latin1');
    const [header = ''] = text.split('\n\n', 1);
    const first = /^gpgsig(?:-sha256)? (.*)$/m.exec(header)?.[1];
    kinds.set(commit, first === undefined ? 'none' : kindOf(first));
  }
  return kinds;
}

function kindOf(line: string): Kind {
  if (line.startsWith('-----BEGIN SSH SIGNATURE-----')) return 'ssh';
  return /^-----BEGIN PGP (SIGNATURE|MESSAGE)-----/.test(line) ? 'pgp' : 'other';
}

/** Nothing of the user's own keys and settings has a say. */
async function withKeys(verify: GitVerify, action: (session: Session) => Promise<void>): Promise<void> {
  const { allowedSignersFile, keyringFile } = verify;
  if (allowedSignersFile !== undefined) await readNamed('git.verify.allowedSignersFile', allowedSignersFile);
  const home =
    keyringFile === undefined ? undefined : await gpgHome('git.verify.keyringFile', keyringFile, VERIFYING);
  const settings = asEnvironment([
    ['gpg.program', 'gpg'],
    ['gpg.ssh.program', 'ssh-keygen'],
    ['gpg.ssh.allowedSignersFile', allowedSignersFile ?? '/dev/null'],
    ['gpg.ssh.revocationFile', ''],
    ['log.showSignature', 'false'],
  ]);
  try {
    await action({ env: { ...settings, ...(home && { GNUPGHOME: home.dir }) }, secrets: [] });
  } finally {
    await home?.dispose();
  }
}

/** Whoever is in the keyring is allowed: there is no web of trust to ask. */
const VERIFYING = ['no-autostart', 'trust-model always'];
