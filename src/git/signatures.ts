import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalGitError, TransientError } from '../api/errors.ts';
import type { GitVerify } from '../api/git-trust.ts';
import { fingerprintOf, signersAt, type Signers } from '../core/runs/allowed-signers.ts';
import type { Signature } from '../core/runs/trust.ts';
import { inTurns } from '../time/breather.ts';
import { systemClock } from '../time/clock.ts';
import type { GitCommand } from './command.ts';
import { Contents } from './contents.ts';
import { readNamed } from './credentials.ts';
import { gpgHome } from './gpg-home.ts';
import { type Revoked, revokedKeys } from './revocations.ts';
import { asEnvironment, type Session } from './session.ts';
import { certificateTimes, type CertificateTimes, signingKey } from './ssh-certificate.ts';

/** Only signatures count: a commit of a person is a few kilobytes. */
const MAX_COMMIT = 1024 * 1024;

type Kind = 'none' | 'ssh' | 'pgp' | 'other';

/** The signature of a commit, as far as it can be told without a key. */
interface Written {
  kind: Kind;
  /** When the certificate is valid that made it; absent when none did. */
  certificate?: CertificateTimes | undefined;
  /** The ssh key that made it. */
  key?: ReturnType<typeof signingKey>;
}

export interface CheckOptions {
  now?: Date;
  /**
   * Of commits that were judged before, or are only looked at as history: a key has to have been valid at the date of the
   * commit, and not withdrawn since.
   */
  isHistory?: boolean;
  /** Told of commits whose signature may come to be worth less though the keys stay: OpenPGP keys and certificates expire. */
  onPassing?: (commit: string) => void;
}

/** What the letters of git's `%G?` say of a signature that does not count. */
const FLAWS: Readonly<Record<string, string>> = {
  B: 'has a signature that is not of this commit',
  U: 'is signed by a key that is not allowed',
  E: 'is signed by a key that is not allowed',
  X: 'has a signature that has expired',
  Y: 'is signed by a key that has expired',
  R: 'is signed by a key that was revoked',
};

/** Of a commit for which there was nothing to check, or no way to. */
const UNCHECKED = 'N';

const NOT_THEN = 'was not valid at the date of the commit';

/** Good signatures whose time is over. */
const EXPIRED = new Set(['X', 'Y']);

/**
 * Checks the signatures of commits against the configured keys, by git, which calls gpg and ssh-keygen. A key has to be
 * valid now and, as git has it, at the date of the commit.
 * @returns one for each commit, in their order
 * @throws InvalidError when a file with keys cannot be used, TransientError when a signature could not be checked
 */
export async function checkSignatures(
  git: GitCommand,
  commits: readonly string[],
  verify: GitVerify,
  { now = new Date(systemClock.wall()), isHistory = false, onPassing }: CheckOptions = {},
): Promise<Map<string, Signature>> {
  const found = new Map<string, Signature>();
  const written = await readWritten(git, commits);
  const signed: string[] = [];
  for (const commit of commits) {
    const reason = refusal(written.get(commit)?.kind, verify);
    if (reason === undefined) signed.push(commit);
    found.set(commit, { ok: false, reason: reason ?? '' });
  }
  if (signed.length === 0) return found;
  await withKeys(verify, isHistory ? undefined : now, async (session, signers, revoked) => {
    const args = ['log', '--no-walk=unsorted', '--stdin', '-z', FORMAT];
    const tokens = (await git.with(session, args, { stdin: `${signed.join('\n')}\n` })).split('\0');
    for (let i = 0; i + 5 < tokens.length; i += 6) {
      const [commit = '', letter = '', name = '', fingerprint = '', id = '', said = ''] = tokens.slice(
        i,
        i + 6,
      );
      const signer = [name, fingerprint === '' ? id : fingerprint].filter((it) => it !== '').join(' ');
      const { kind, certificate, key } = written.get(commit) ?? {};
      const judged = { commit, letter, signer, said, fingerprint, signers, isHistory };
      const over = isHistory ? undefined : overdue(certificate, now);
      if (kind === 'pgp' && letter === UNCHECKED) {
        // gpg took the keys a moment ago: it is there, and finds nothing that could be a signature.
        await assertRoom(commit);
        found.set(commit, { ok: false, reason: 'has a signature that cannot be read' });
        continue;
      }
      if (kind !== 'ssh' || certificate) onPassing?.(commit);
      const why = letter === 'B' && key ? await whyNot(key, signers, revoked) : undefined;
      found.set(commit, over ?? why ?? verdict(judged));
    }
  });
  return found;
}

/** Of a signature that ssh-keygen finds bad without a word: what is wrong with the key that made it. */
async function whyNot(
  key: NonNullable<Written['key']>,
  signers: Signers | undefined,
  revoked: Revoked | undefined,
): Promise<Signature | undefined> {
  const fingerprint = fingerprintOf(key.key);
  const use = signers?.otherUses.get(fingerprint);
  if (use !== undefined) return { ok: false, reason: `is signed by a key that ${use}: ${fingerprint}` };
  const isRevoked = (await revoked?.has(key)) === true;
  return isRevoked ? { ok: false, reason: `${FLAWS['R']}: ${fingerprint}` } : undefined;
}

function overdue(certificate: CertificateTimes | undefined, now: Date): Signature | undefined {
  if (!certificate || (certificate.from <= now.getTime() && now.getTime() < certificate.until))
    return undefined;
  return { ok: false, reason: 'is signed with a certificate that is not valid now' };
}

const FORMAT = '--format=%H%x00%G?%x00%GS%x00%GF%x00%GK%x00%GG';

/** `letter` is git's verdict, `said` the words of the program that came to it. */
function verdict(it: {
  commit: string;
  letter: string;
  signer: string;
  said: string;
  fingerprint: string;
  signers: Signers | undefined;
  isHistory: boolean;
}): Signature {
  if (it.letter === 'G' || (it.isHistory && EXPIRED.has(it.letter))) return { ok: true, signer: it.signer };
  const flaw = FLAWS[it.letter];
  // Without a word nothing was checked: the program is missing, or the disk is full.
  if (flaw === undefined || it.said.trim() === '') throw notChecked(it.commit);
  const isKnown = it.letter === 'U' && it.signers?.keys.has(it.fingerprint) === true;
  const now = it.isHistory ? undefined : it.signers?.keys.get(it.fingerprint);
  const why = now ?? it.signers?.otherUses.get(it.fingerprint) ?? NOT_THEN;
  const reason = isKnown ? `is signed by a key that ${why}` : flaw;
  return { ok: false, reason: it.signer === '' ? reason : `${reason}: ${it.signer}` };
}

function notChecked(commit: string, cause?: unknown): TransientError {
  const hint = 'are gpg and ssh-keygen installed, and is there room for temporary files?';
  return new TransientError(`the signature of commit ${commit} could not be checked: ${hint}`, { cause });
}

/** Larger than any signature, for which git makes a temporary file. */
const ROOM = new Uint8Array(64 * 1024);

/** Throws TransientError when there is no room for temporary files. */
async function assertRoom(commit: string): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'nodeop-agent-room-')).catch((error: unknown) => {
    throw notChecked(commit, error);
  });
  try {
    await writeFile(join(dir, 'signature'), ROOM);
  } catch (error) {
    throw notChecked(commit, error);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
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
async function readWritten(git: GitCommand, commits: readonly string[]): Promise<Map<string, Written>> {
  const found = new Map<string, Written>();
  const contents = await new Contents(git).read(commits, MAX_COMMIT);
  for (const commit of commits) {
    const bytes = contents.get(commit);
    // Of a commit that is not there nothing is known, least of all that nobody signed it.
    if (!bytes) throw new LocalGitError(`commit ${commit} is not in the clone`);
    const [header = ''] = Buffer.from(bytes).toString('latin1').split('\n\n', 1);
    // Git looks at the one for its own kind of object ids, whatever else there is.
    const [, first, rest = ''] = (commit.length === 64 ? SIGNED_SHA256 : SIGNED).exec(header) ?? [];
    const kind = first === undefined ? 'none' : kindOf(first);
    const armored = rest.replace(/^ -----END .*/ms, '').replace(/\s/g, '');
    const ssh = kind === 'ssh' && { certificate: certificateTimes(armored), key: signingKey(armored) };
    found.set(commit, { kind, ...ssh });
  }
  return found;
}

const SIGNED = /^gpgsig (.*)\n((?: .*\n?)*)/m;
const SIGNED_SHA256 = /^gpgsig-sha256 (.*)\n((?: .*\n?)*)/m;

function kindOf(line: string): Kind {
  if (line.startsWith('-----BEGIN SSH SIGNATURE-----')) return 'ssh';
  return /^-----BEGIN PGP (SIGNATURE|MESSAGE)-----/.test(line) ? 'pgp' : 'other';
}

/** Nothing of the user's own keys and settings has a say. `now`: when the ssh keys have to be valid. */
async function withKeys(
  verify: GitVerify,
  now: Date | undefined,
  action: (session: Session, signers: Signers | undefined, revoked: Revoked | undefined) => Promise<void>,
): Promise<void> {
  const { keyringFile, revocationFile } = verify;
  const revoked = revocationFile === undefined ? undefined : await revokedKeys(revocationFile);
  const allowed = await allowedSigners(verify, now);
  const home =
    keyringFile === undefined ? undefined : await gpgHome('git.verify.keyringFile', keyringFile, VERIFYING);
  const settings = asEnvironment([
    ['gpg.program', 'gpg'],
    ['gpg.ssh.program', 'ssh-keygen'],
    ['gpg.ssh.allowedSignersFile', allowed.file],
    ['gpg.ssh.revocationFile', revocationFile ?? ''],
    ['log.showSignature', 'false'],
  ]);
  try {
    const session = { env: { ...settings, ...(home && { GNUPGHOME: home.dir }) }, secrets: [] };
    await action(session, allowed.signers, revoked);
  } finally {
    await home?.dispose();
    await allowed.dispose();
  }
}

/** The file as it is, or a copy without the keys that are not valid at that time. */
async function allowedSigners({ allowedSignersFile: file }: GitVerify, now: Date | undefined) {
  const nothing = async () => {};
  if (file === undefined) return { file: '/dev/null', signers: undefined, dispose: nothing };
  const text = await readNamed('git.verify.allowedSignersFile', file);
  const signers = await inTurns(signersAt(text, now));
  if (now === undefined) return { file, signers, dispose: nothing };
  const dir = await mkdtemp(join(tmpdir(), 'nodeop-agent-signers-'));
  const copy = join(dir, 'allowed_signers');
  await writeFile(copy, `${signers.text}\n`);
  return { file: copy, signers, dispose: () => rm(dir, { recursive: true, force: true }) };
}

/** Whoever is in the keyring is allowed: there is no web of trust to ask. */
const VERIFYING = ['no-autostart', 'trust-model always'];
