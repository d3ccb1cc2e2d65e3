import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { InvalidError } from '../../api/errors.ts';
import type { GitVerify } from '../../api/git-trust.ts';
import type { Provenance } from '../../core/runs/trust.ts';
import type { Mirror } from '../../git/mirror.ts';
import { commitInfo, commitsSince, resolveCommit, whoMade } from '../../git/read.ts';
import { checkSignatures } from '../../git/signatures.ts';
import type { Snapshot } from './snapshot.ts';

/** Up to here every commit was signed. A clone that is made anew is looked at from the start. */
const CHECKED = 'refs/agent/checked';
/** Signatures checked by one call of git. */
const BATCH = 500;

/** A file at the tip. */
export interface TrackedFile {
  path: string;
  blob: string;
}

/**
 * Whose signatures are under what the tip holds. What was found is kept as long as the file and the keys are the same;
 * what does not count is looked at again with each tip, since it may have been signed meanwhile.
 */
export class Trust {
  readonly #mirror: Mirror;
  readonly #verify: GitVerify;
  readonly #known = new Map<string, { blob: string; tip: string; provenance: Provenance }>();
  #history: { tip: string; flaw: Provenance | undefined } | undefined;
  #keys = '';

  constructor(mirror: Mirror, verify: GitVerify) {
    this.#mirror = mirror;
    this.#verify = verify;
  }

  /**
   * Who made a file what it is at the tip.
   * @throws InvalidError when a file with keys cannot be used, TransientError when a signature could not be checked
   */
  async provenance({ path, blob }: TrackedFile, { tip, since }: Snapshot): Promise<Provenance> {
    await this.#readKeys();
    const known = this.#known.get(path);
    if (known?.blob === blob && (known.provenance.signature.ok || known.tip === tip)) return known.provenance;
    const made = await whoMade(this.#mirror.git, { tip, since: known ? known.tip : since }, path);
    if (!made) throw new Error(`no commit is found that made ${path} what it is`);
    const signatures = await checkSignatures(this.#mirror.git, [made.commit], this.#verify);
    const signature = signatures.get(made.commit) ?? { ok: false, reason: 'is not signed' };
    const provenance = { commit: made.commit, author: made.author, signature };
    this.#known.set(path, { blob, tip, provenance });
    return provenance;
  }

  /** The first commit without a signature that counts, where every one is asked for; otherwise undefined. */
  async history({ tip }: Snapshot): Promise<Provenance | undefined> {
    const { everyCommitSince: start } = this.#verify;
    if (start === undefined) return undefined;
    await this.#readKeys();
    if (this.#history?.tip !== tip) this.#history = { tip, flaw: await this.#checkSince(start, tip) };
    return this.#history.flaw;
  }

  async #checkSince(start: string, tip: string): Promise<Provenance | undefined> {
    const { git } = this.#mirror;
    if ((await resolveCommit(git, start)) === undefined) {
      throw new InvalidError(`git.verify.everyCommitSince: the branch has no commit ${start}`);
    }
    const checked = await resolveCommit(git, CHECKED);
    const commits = await commitsSince(git, tip, checked === undefined ? [start] : [start, checked]);
    for (let i = 0; i < commits.length; i += BATCH) {
      const some = commits.slice(i, i + BATCH);
      for (const [commit, signature] of await checkSignatures(git, some, this.#verify)) {
        if (signature.ok) continue;
        return { commit, author: (await commitInfo(git, commit))?.author ?? '', signature };
      }
    }
    await git.text(['update-ref', CHECKED, tip]);
    return undefined;
  }

  /** Keys that were added or withdrawn count at once. */
  async #readKeys(): Promise<void> {
    const { allowedSignersFile, keyringFile } = this.#verify;
    const hash = createHash('sha256');
    for (const file of [allowedSignersFile, keyringFile]) {
      // One that cannot be read is told where it is used.
      hash.update(file === undefined ? '' : await readFile(file).catch(() => ''));
      hash.update('\0');
    }
    const keys = hash.digest('hex');
    if (keys === this.#keys) return;
    this.#keys = keys;
    this.#known.clear();
    this.#history = undefined;
  }
}
