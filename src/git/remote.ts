import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AwayError, InvalidError, LocalGitError, RefusedError, TransientError } from '../api/errors.ts';
import type { GitAccess } from '../api/git-access.ts';
import { Access } from './access.ts';
import { fetchBounded } from './bounded.ts';
import { HARMLESS, objectChecks } from './checks.ts';
import { Branch } from './branch.ts';
import type { Clone, ObjectFormat } from './clone.ts';
import { BLOCK, type Input, wholeBlocks } from './command.ts';
import { Contents } from './contents.ts';
import { formatOf, listHeads, type Heads } from './heads.ts';
import { clearCut } from './leftovers.ts';
import { type Setting, withSettings } from './session.ts';
import { faultOf, isRefusal, noCommitIn } from './words.ts';

export interface RemoteOptions {
  url: string;
  access: GitAccess;
  /** For pushes, when not as for reading. */
  writeAccess?: GitAccess | undefined;
  /** Where these stand in the configuration, for messages. */
  field: string;
  /** Objects that are taken though git finds fault with them. */
  skip?: readonly string[];
}

/** What git calls the remote, for the length of a command. */
const NAME = 'followed';
/**
 * Contents are left out of what is fetched, so that a clone of very many reports stays small, and are asked for by
 * themselves (`Contents`). A host that does not know this sends everything. Never written into the clone: no other command
 * shall go to the remote by itself for what is missing.
 */
const WITHOUT_CONTENTS: Setting[] = [
  [`remote.${NAME}.promisor`, 'true'],
  [`remote.${NAME}.partialCloneFilter`, 'blob:none'],
  // Of a clone that lacks contents none can be made, and packing it would fail.
  ['repack.writeBitmaps', 'false'],
];
/** Otherwise contents may come as what differs from others that are missing. */
const WHOLE: Setting = ['fetch.negotiationAlgorithm', 'noop'];
/** In one file, whose size can be bounded. */
const AS_PACK: Setting = ['fetch.unpackLimit', '1'];
/** `--verbose`: of a command that says nothing simple-git waits 50 ms for more. Upkeep is not for every poll. */
const FETCH = ['fetch', '--progress', '--verbose', '--no-tags', '--no-recurse-submodules'];
/** One may be a disturbance; to clone everything takes long. */
const MAX_REFUSALS = 3;
/** For ten times as many git takes more than forty times as long. */
const ASKED_AT_ONCE = 10_000;
/** Every fetch with news adds a pack. */
const PACKED_AFTER = 50;
/** One commit that is to be pushed, alone in a folder for each branch. */
const TO_PUSH = 'refs/agent/push';

/** A remote repository of which one or more branches are followed. The URL is passed with every command. */
export class Remote {
  readonly clone: Clone;
  readonly contents: Contents;
  readonly #url: string;
  readonly #reading: Access;
  readonly #writing: Access;
  readonly #branches: Branch[] = [];
  readonly #field: string;
  readonly #skip: readonly string[];
  #omitsContents = true;
  /** Contents that were not given though the remote answers, one after the other. */
  #refusals = 0;
  /** Counts what was fetched within bounds, round and round. */
  #bounded = 0;
  /** Fetches with news since the clone was packed. */
  #news = 0;

  constructor(clone: Clone, { url, access, writeAccess, field, skip = [] }: RemoteOptions) {
    this.clone = clone;
    this.contents = new Contents(clone.git, (ids, limit) => this.#fetchContents(ids, limit));
    this.#url = url;
    this.#field = field;
    this.#skip = skip;
    this.#reading = new Access(access, url, `${field}.access`);
    this.#writing = writeAccess ? new Access(writeAccess, url, `${field}.writeAccess`) : this.#reading;
  }

  /** Follows a branch. `ref`: where it is kept in the clone. */
  follow(name: string, ref: string): Branch {
    const branch = new Branch(this, name, ref);
    this.#branches.push(branch);
    return branch;
  }

  /**
   * Brings its branches up to date, whatever happened to them (force-push included), by one command.
   * @throws TransientError when the remote is away
   */
  async fetch(): Promise<void> {
    await this.clone.open(() => this.#format());
    try {
      await this.#fetch(this.#branches);
    } catch (error) {
      // A remote that answers lacks a branch, or the clone is at fault, or what it holds is.
      const heads = await this.#heads().catch(() => undefined);
      if (heads === undefined) throw error;
      this.#judge(error);
      await this.#fetchAgain(heads);
    }
  }

  /**
   * Moves a branch to a commit made on its tip. Throws TransientError when others were first, RefusedError when the host
   * does not take it.
   */
  async push(commit: string, { name }: Branch): Promise<void> {
    try {
      await this.#pushTo(name, commit);
    } catch (error) {
      const { message } = asError(error);
      throw error instanceof TransientError && isRefusal(message) ? new RefusedError(message) : error;
    }
    // The commit is a few objects more, as those of others are.
    this.#news += 1;
  }

  /** By a pattern, since git takes a name for any ref that ends with it, such as a tag that somebody called refs/heads/NAME. */
  async #pushTo(name: string, commit: string): Promise<void> {
    const only = `${TO_PUSH}/${createHash('sha256').update(name).digest('hex').slice(0, 16)}`;
    await this.clone.git.text(['update-ref', `${only}/${name}`, commit]);
    const args = ['push', '--progress', '--', this.#url, `${only}/*:refs/heads/*`];
    await this.#talk(this.#writing, args);
  }

  /** Gets what was left out, by object id. @returns those that are larger than `limit` bytes, which stay where they are */
  async #fetchContents(ids: readonly string[], limit: number): Promise<string[]> {
    try {
      const tooLarge: string[] = [];
      for (let i = 0; i < ids.length; i += ASKED_AT_ONCE) {
        const some = ids.slice(i, i + ASKED_AT_ONCE);
        const found = await fetchBounded(some, limit, (few, most) => this.#fetchObjects(few, most));
        tooLarge.push(...found);
      }
      this.#refusals = 0;
      return tooLarge;
    } catch (error) {
      const heads = await this.#heads().catch(() => undefined);
      if (heads === undefined || ++this.#refusals < MAX_REFUSALS) throw new AwayError(error);
      // It left them out and does not give them: the clone is begun anew with all of them.
      this.#omitsContents = false;
      this.clone.abandon();
      throw error;
    }
  }

  /** Whether they came. What had come in of those that take more than `most` bytes is taken away again. */
  async #fetchObjects(ids: readonly string[], most: number): Promise<boolean> {
    const args = [...FETCH, '--no-write-fetch-head', '--no-auto-maintenance', '--stdin'];
    const stdin = ids.map((it) => `${it}\n`).join('');
    const mostBytes = this.#boundOf(most);
    try {
      await this.#fetchNamed(args, [], [WHOLE, AS_PACK], { stdin, mostBytes });
      return true;
    } catch (error) {
      // Git has no word of its own for it.
      if (!(await clearCut(this.clone.git.dir, mostBytes))) throw error;
      return false;
    }
  }

  /** Each time another one, so that what was cut there is told from what others are getting at the same time. */
  #boundOf(most: number): number {
    this.#bounded = (this.#bounded + 1) % 64;
    return wholeBlocks(most) + this.#bounded * BLOCK;
  }

  /** By chance the fetch failed, or for branches that are not there, or because of the clone. */
  async #fetchAgain({ format, names }: Heads): Promise<void> {
    const there = this.#branches.filter(({ name }) => names.includes(name));
    for (const branch of this.#branches) if (!there.includes(branch)) branch.isMissing(names);
    if (there.length === 0) return;
    if (format === this.clone.format) {
      await this.clone.mend();
      const error = await this.#fetch(there).then(() => undefined, asError);
      if (!error) return;
      this.#judge(error);
    }
    await this.clone.begin(await this.#format());
    await this.#fetch(there);
  }

  /**
   * Throws InvalidError when git finds fault with what the remote holds: another clone would be refused as well. Older
   * versions of git leave out contents or take harmless faults, not both; then all contents are fetched.
   */
  #judge(error: unknown): void {
    this.#refuseOtherKinds(error);
    const fault = faultOf(error instanceof Error ? error.message : '');
    if (!fault) return;
    const { object, kind } = fault;
    if (this.#omitsContents && (HARMLESS.includes(kind) || this.#skip.includes(object))) {
      this.#omitsContents = false;
      return;
    }
    const danger =
      'no Git client writes such an object, and it may hide what is executed from who looks at it';
    const way = `Find out who pushed it and take it out of the history. When it is old and harmless, add its id to git.fsck.skip`;
    throw new InvalidError(`${this.#field}.url: object ${object} is refused (${kind}): ${danger}. ${way}`);
  }

  /** Throws InvalidError when a branch is at something that is no commit: git writes no such branch, other programs do. */
  #refuseOtherKinds(error: unknown): void {
    const { object, ref } = noCommitIn(error instanceof Error ? error.message : '') ?? {};
    const branch = this.#branches.find((it) => it.ref === ref);
    if (object === undefined || branch === undefined) return;
    throw new InvalidError(this.#noCommit(branch, object));
  }

  #noCommit({ name }: Branch, object: string): string {
    const why = 'which is a tag, a folder or a file and no commit, so it has no history to follow';
    const way = `point it at a commit: git push --force REMOTE COMMIT:refs/heads/${name}`;
    return `${this.#field}.url: the branch "${name}" is at object ${object}, ${why}; ${way}`;
  }

  /** How the repository names its objects. One clone holds those of one kind. */
  async #format(): Promise<ObjectFormat> {
    // One that does not answer says so at the fetch that follows.
    const asked = this.#reading.use((session) => formatOf(this.clone.outside, session, this.#url));
    const format = await asked.catch((error: unknown): ObjectFormat => {
      if (error instanceof InvalidError) throw error;
      return this.clone.format ?? 'sha1';
    });
    const { format: other } = this.clone;
    if (this.#sharesClone && other !== undefined && other !== format) {
      const message = `has object ids of the kind ${format}, git.url those of ${other}; both have to be of one kind`;
      throw new InvalidError(`${this.#field}.url: the repository ${message}`);
    }
    return format;
  }

  get #sharesClone(): boolean {
    return this.#field !== 'git';
  }

  #heads(): Promise<Heads> {
    return this.#reading.use((session) => listHeads(this.clone.outside, session, this.#url));
  }

  /**
   * What is fetched is told by a file that git writes, in the order of the arguments: cheaper to read than a process to
   * ask.
   */
  async #fetch(branches: Branch[]): Promise<void> {
    const before = branches.map((branch) => branch.forget());
    const isPackDue = this.#news >= PACKED_AFTER;
    const args = [...FETCH, '--write-fetch-head', ...(isPackDue ? [] : ['--no-auto-maintenance'])];
    await this.#fetchNamed(
      args,
      branches.map(({ name, ref }) => `+refs/heads/${name}:${ref}`),
    );
    const head = await readFile(join(this.clone.git.dir, 'FETCH_HEAD'), 'utf8').catch(() => '');
    const lines = head.split('\n');
    if (isPackDue) this.#news = 0;
    for (const [i, branch] of branches.entries()) {
      const [, tip, what = ''] = /^([0-9a-f]{40,64})\t[^\t]*\t(.*)$/.exec(lines[i] ?? '') ?? [];
      if (tip !== undefined && !what.startsWith(`branch '${branch.name}' of `))
        await this.#refuseOther(branch);
      if (tip !== before[i]) {
        this.#news += 1;
        await this.#expectCommit(branch, tip);
      }
      await this.#expectWhole(branch, tip);
      await branch.isAt(tip);
    }
  }

  /** Where the branch is not there git takes another one, or a tag, that somebody called refs/heads/NAME. */
  async #refuseOther({ name, ref }: Branch): Promise<void> {
    await this.clone.git.text(['update-ref', '-d', ref]);
    throw new TransientError(`the remote has no branch "${name}", but something else of that name`);
  }

  /** Under the local name of a branch git itself takes nothing else. */
  async #expectCommit(branch: Branch, tip: string | undefined): Promise<void> {
    if (tip === undefined || branch.ref.startsWith('refs/heads/')) return;
    const kind = (await this.clone.git.text(['cat-file', '-t', tip])).trim();
    if (kind !== 'commit') throw new InvalidError(this.#noCommit(branch, tip));
  }

  /**
   * Where history ends early, the commit at its end would count as the one that made every file. A clone that was begun with all
   * of it gets no less later. Throws InvalidError.
   */
  async #expectWhole(branch: Branch, tip: string | undefined): Promise<void> {
    const { begun, git } = this.clone;
    if (branch.wholeIn === begun) return;
    // Of a shallow repository git takes no branch, or one whose first commits are missing.
    const found = await git.text(['rev-list', '--count', tip ?? branch.ref]).catch(asError);
    if (found instanceof Error) {
      if (!(found instanceof LocalGitError)) throw found;
      const what = `the history of the branch "${branch.name}" is not whole: the repository is a shallow clone, or damaged`;
      throw new InvalidError(`${this.#field}.url: ${what}; give it all commits there: git fetch --unshallow`);
    }
    branch.wholeIn = begun;
  }

  #fetchNamed(args: string[], refs: string[], settings: Setting[] = [], input: Input = {}): Promise<string> {
    const named: Setting[] = [
      [`remote.${NAME}.url`, this.#url],
      ...objectChecks(this.clone.skipList),
      ...settings,
    ];
    if (this.#omitsContents) named.push(...WITHOUT_CONTENTS);
    return this.#reading.use((session) =>
      this.clone.git.with(withSettings(session, named), [...args, '--', NAME, ...refs], input),
    );
  }

  #talk(access: Access, args: string[]): Promise<string> {
    return access.use((session) => this.clone.git.with(session, args));
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
