import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { InvalidError } from '../../api/errors.ts';
import type { GitVerify } from '../../api/git-trust.ts';
import type { Clock } from '../../core/ports.ts';
import { type Signers, signersAt } from '../../core/runs/allowed-signers.ts';
import { repositoryFlaw, REPOSITORY_FILE, type Provenance, type Signature } from '../../core/runs/trust.ts';
import type { Mirror } from '../../git/mirror.ts';
import { commitsSince, resolveCommit } from '../../git/ancestry.ts';
import type { CommitInfo } from '../../git/commit-info.ts';
import { commitInfo, touchedSince, whoMade } from '../../git/log.ts';
import { filesAt, isPlain } from '../../git/trees.ts';
import { checkSignatures } from '../../git/signatures.ts';
import { inTurns } from '../../time/breather.ts';
import type { Snapshot } from './snapshot.ts';

/** Up to a commit below here every one was signed: from the first one on and by the keys that the name of the ref stands for. */
const CHECKED = 'refs/agent/checked';
/** Signatures checked by one call of git. */
const BATCH = 500;
/** How long what a signature is worth is kept that may end by itself, on the steady clock. */
const MOMENT_MS = 10_000;
/** Larger ones hold no name. */
const MAX_NAME = 1024;

/** Enough for all runs that wait, and their definitions. */
const MAX_REMEMBERED = 5000;

/** A file at the tip. */
export interface TrackedFile {
  path: string;
  blob: string;
}

/** The tip of the branch; `since`: the one before, where it is known. */
export type Tip = Pick<Snapshot, 'tip' | 'since'>;

/** The commit that made a file what it is; `isSame`: whether it holds the very content. */
interface Made {
  commit: string;
  author: string;
  committedAt: string;
  blob: string;
  isSame: boolean;
}

interface Keys {
  /** What the files with keys hold. */
  files: string;
  /** The same, and which of the ssh keys are valid now. */
  now: string;
}

/**
 * Whose signatures are under what the tip holds. What is remembered is tied to what it was learned from: who made a file to
 * the history up to a tip, what a signature is worth to the keys as they are now. So a running agent says what a fresh one says.
 */
export class Trust {
  readonly #mirror: Mirror;
  readonly #verify: GitVerify;
  readonly #now: () => Date;
  readonly #clock: Clock;
  /** By path, as of `#tip`. */
  readonly #made = new Map<string, Made>();
  /** By path, as of `#tip`; undefined for a file that never was there. */
  readonly #removed = new Map<string, CommitInfo | undefined>();
  #tip: string | undefined;
  /** By commit, as of `#keys`. */
  readonly #signatures = new Map<string, { signature: Signature; until: number }>();
  #keys = '';
  /** As the files with keys were read last, and between which moments that stands. */
  #read: (Keys & Pick<Signers, 'since' | 'until'>) | undefined;
  /** By commit: what its tree says of the repository it is for never changes. */
  readonly #strangers = new Map<string, string | undefined>();
  #history: { tip: string; keys: string; flaw: Provenance | undefined } | undefined;

  constructor(mirror: Mirror, verify: GitVerify, { now, clock }: { now: () => Date; clock: Clock }) {
    this.#mirror = mirror;
    this.#verify = verify;
    this.#now = now;
    this.#clock = clock;
  }

  /**
   * Who made a file what it is at the tip.
   * @throws InvalidError when a file with keys cannot be used, TransientError when a signature could not be checked
   */
  async provenance(file: TrackedFile, snapshot: Snapshot): Promise<Provenance> {
    await this.#moveTo(snapshot.tip);
    const { commit, author, committedAt, isSame } = await this.#maker(file, snapshot);
    const reason = isSame ? await this.#stranger(commit) : 'does not hold what this file holds now';
    const signature = await this.#signature(commit);
    return {
      commit,
      author,
      committedAt,
      signature: signature.ok && reason !== undefined ? { ok: false, reason } : signature,
    };
  }

  /**
   * Who removed a file that the tip does not hold; undefined when its history never did. It is done once and for all: the key
   * has to have been valid then.
   */
  async removal(path: string, { tip, since }: Tip): Promise<Provenance | undefined> {
    await this.#moveTo(tip);
    // Walked once for a tip: of a file that never was there it is all of history.
    if (!this.#removed.has(path)) {
      const { git } = this.#mirror;
      const found = (await whoMade(git, { tip, since }, path)) ?? (await whoMade(git, { tip }, path));
      this.#removed.set(path, found);
    }
    const info = this.#removed.get(path);
    if (!info) return undefined;
    const { commit, author } = info;
    const reason = await this.#stranger(commit);
    const signature = await this.#signature(commit, { isHistory: true });
    const isOwn = reason === undefined || !signature.ok;
    return { commit, author, signature: isOwn ? signature : { ok: false, reason } };
  }

  /** The first commit without a signature that counts, where every one is asked for; otherwise undefined. */
  async history({ tip }: Snapshot): Promise<Provenance | undefined> {
    const { everyCommitSince: start } = this.#verify;
    if (start === undefined) return undefined;
    const { files: keys } = await this.#readKeys();
    const known = this.#history;
    if (known?.tip === tip && known.keys === keys) return known.flaw;
    const flaw = await this.#checkSince(start, tip, keys);
    this.#history = { tip, keys, flaw };
    return flaw;
  }

  /** What was learned from another history, or was touched since, is forgotten. */
  async #moveTo(tip: string): Promise<void> {
    const from = this.#tip;
    if (from === tip) return;
    const paths = [...this.#made.keys(), ...this.#removed.keys()];
    const touched =
      from === undefined ? undefined : await touchedSince(this.#mirror.git, { from, to: tip }, paths);
    for (const path of touched ?? paths) {
      this.#made.delete(path);
      this.#removed.delete(path);
    }
    this.#tip = tip;
  }

  async #maker({ path, blob }: TrackedFile, { tip, since }: Snapshot): Promise<Made> {
    const known = this.#made.get(path);
    if (known?.blob === blob) return known;
    const { git } = this.#mirror;
    const info = await whoMade(git, { tip, since }, path);
    if (!info) throw new Error(`no commit is found that made ${path} what it is`);
    const entry = (await filesAt(git, info.commit, [path])).get(path);
    const made = { ...info, blob, isSame: entry?.blob === blob };
    if (this.#made.size > MAX_REMEMBERED) this.#made.clear();
    this.#made.set(path, made);
    return made;
  }

  async #signature(commit: string, { isHistory = false } = {}): Promise<Signature> {
    const { now: keys } = await this.#readKeys();
    if (keys !== this.#keys || this.#signatures.size > MAX_REMEMBERED) this.#signatures.clear();
    this.#keys = keys;
    const key = isHistory ? `${commit} then` : commit;
    const known = this.#signatures.get(key);
    if (known && this.#clock.steady() < known.until) return known.signature;
    let until = Infinity;
    const found = await checkSignatures(this.#mirror.git, [commit], this.#verify, {
      now: this.#now(),
      isHistory,
      onPassing: () => (until = this.#clock.steady() + MOMENT_MS),
    });
    const signature = found.get(commit) ?? { ok: false, reason: 'is not signed' };
    this.#signatures.set(key, { signature, until });
    return signature;
  }

  /** Why the commit is none of this repository, where it has a name. */
  async #stranger(commit: string): Promise<string | undefined> {
    const { repository } = this.#verify;
    if (repository === undefined) return undefined;
    if (this.#strangers.has(commit)) return this.#strangers.get(commit);
    const { git, runs } = this.#mirror;
    const entry = (await filesAt(git, commit, [REPOSITORY_FILE])).get(REPOSITORY_FILE);
    const found = isPlain(entry) ? await runs.contents.read([entry.blob], MAX_NAME) : undefined;
    const flaw = repositoryFlaw(repository, entry && found?.get(entry.blob));
    if (this.#strangers.size > MAX_REMEMBERED) this.#strangers.clear();
    this.#strangers.set(commit, flaw);
    return flaw;
  }

  async #checkSince(start: string, tip: string, keys: string): Promise<Provenance | undefined> {
    const { git } = this.#mirror;
    if ((await resolveCommit(git, start)) === undefined) {
      throw new InvalidError(`git.verify.everyCommitSince: the branch has no commit ${start}`);
    }
    const ref = `${CHECKED}/${digest([start, keys])}`;
    const checked = await resolveCommit(git, ref);
    const commits = await commitsSince(git, tip, checked === undefined ? [start] : [start, checked]);
    for (let i = 0; i < commits.length; i += BATCH) {
      const some = commits.slice(i, i + BATCH);
      const found = await checkSignatures(git, some, this.#verify, { isHistory: true });
      for (const [commit, signature] of found) {
        if (signature.ok) continue;
        return { commit, author: (await commitInfo(git, commit))?.author ?? '', signature };
      }
    }
    await git.text(['update-ref', ref, tip]);
    return undefined;
  }

  /** Keys that were added, withdrawn or revoked count at once, and so does the time of one that is over. */
  async #readKeys(): Promise<Keys> {
    const { allowedSignersFile, keyringFile, revocationFile } = this.#verify;
    // One that cannot be read is told where it is used.
    const read = (file: string | undefined) =>
      file === undefined ? Promise.resolve(Buffer.alloc(0)) : readFile(file).catch(() => Buffer.alloc(0));
    const [allowed, keyring, revoked] = await Promise.all([
      read(allowedSignersFile),
      read(keyringFile),
      read(revocationFile),
    ]);
    const files = digest([allowed, keyring, revoked]);
    const now = this.#now();
    const known = this.#read;
    if (known?.files === files && known.since < now.getTime() && now.getTime() < known.until) return known;
    const { text, since, until } = await inTurns(signersAt(allowed.toString(), now));
    this.#read = { files, now: digest([files, text]), since, until };
    return this.#read;
  }
}

function digest(parts: readonly (Buffer | string)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}\0`).update(part);
  return hash.digest('hex');
}
