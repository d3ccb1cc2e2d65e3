import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AwayError } from '../api/errors.ts';
import type { GitAccess } from '../api/git-access.ts';
import { Access } from './access.ts';
import type { Clone } from './clone.ts';
import type { GitCommand } from './command.ts';
import { Contents } from './contents.ts';
import { type Setting, withSettings } from './session.ts';

export interface RemoteOptions {
  url: string;
  access: GitAccess;
  /** For pushes, when not as for reading. */
  writeAccess?: GitAccess | undefined;
  /** Where these stand in the configuration, for messages. */
  field: string;
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
/** `--verbose`: of a command that says nothing simple-git waits 50 ms for more. Upkeep is not for every poll. */
const FETCH = ['fetch', '--progress', '--verbose', '--no-tags', '--no-recurse-submodules'];
/** One may be a disturbance; to clone everything takes long. */
const MAX_REFUSALS = 3;
/** For ten times as many git takes more than forty times as long. */
const ASKED_AT_ONCE = 10_000;
/** Every fetch with news adds a pack. */
const PACKED_AFTER = 50;

/** A remote repository of which one or more branches are followed. The URL is passed with every command. */
export class Remote {
  readonly clone: Clone;
  readonly contents: Contents;
  readonly #url: string;
  readonly #reading: Access;
  readonly #writing: Access;
  readonly #branches: Branch[] = [];
  #omitsContents = true;
  /** Contents that were not given though the remote answers, one after the other. */
  #refusals = 0;
  /** Fetches with news since the clone was packed. */
  #news = 0;

  constructor(clone: Clone, { url, access, writeAccess, field }: RemoteOptions) {
    this.clone = clone;
    this.contents = new Contents(clone.git, (ids) => this.#fetchContents(ids));
    this.#url = url;
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
    await this.clone.open();
    try {
      await this.#fetch(this.#branches);
    } catch (error) {
      // A remote that answers lacks a branch, or the clone is at fault.
      const there = await this.#existing().catch(() => undefined);
      if (there === undefined) throw error;
      await this.#fetchAgain(there);
    }
  }

  /** Moves a branch to a commit made on its tip. Throws TransientError when others were first. */
  async push(commit: string, { name }: Branch): Promise<void> {
    await this.#talk(this.#writing, ['push', '--progress', '--', this.#url, `${commit}:refs/heads/${name}`]);
  }

  /** Gets what was left out, by object id. */
  async #fetchContents(ids: readonly string[]): Promise<void> {
    try {
      const args = [...FETCH, '--no-write-fetch-head', '--no-auto-maintenance', '--stdin'];
      for (let i = 0; i < ids.length; i += ASKED_AT_ONCE) {
        const some = ids.slice(i, i + ASKED_AT_ONCE);
        await this.#fetchNamed(args, [], [WHOLE], some.map((it) => `${it}\n`).join(''));
      }
      this.#refusals = 0;
    } catch (error) {
      const there = await this.#existing().catch(() => undefined);
      if (there === undefined || ++this.#refusals < MAX_REFUSALS) throw new AwayError(error);
      // It left them out and does not give them: the clone is begun anew with all of them.
      this.#omitsContents = false;
      this.clone.markBroken();
      throw error;
    }
  }

  /** By chance the fetch failed, or for branches that are not there, or because of the clone. */
  async #fetchAgain(there: Branch[]): Promise<void> {
    for (const branch of this.#branches) if (!there.includes(branch)) branch.isMissing();
    if (there.length === 0) return;
    try {
      await this.#fetch(there);
    } catch {
      await this.clone.begin();
      await this.#fetch(there);
    }
  }

  async #existing(): Promise<Branch[]> {
    const refs = this.#branches.map(({ name }) => `refs/heads/${name}`);
    const found = await this.#talk(this.#reading, ['ls-remote', '--', this.#url, ...refs]);
    const names = new Set(found.split('\n').map((line) => line.replace(/^\S*\t/, '')));
    return this.#branches.filter(({ name }) => names.has(`refs/heads/${name}`));
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
      const tip = /^[0-9a-f]{40,64}(?=\t)/.exec(lines[i] ?? '')?.[0];
      if (tip !== before[i]) this.#news += 1;
      await branch.isAt(tip);
    }
  }

  #fetchNamed(args: string[], refs: string[], settings: Setting[] = [], stdin?: string): Promise<string> {
    const named: Setting[] = [[`remote.${NAME}.url`, this.#url], ...settings];
    if (this.#omitsContents) named.push(...WITHOUT_CONTENTS);
    return this.#reading.use((session) =>
      this.clone.git.with(withSettings(session, named), [...args, '--', NAME, ...refs], stdin),
    );
  }

  #talk(access: Access, args: string[]): Promise<string> {
    return access.use((session) => this.clone.git.with(session, args));
  }
}

/** One followed branch, as the last fetch or push left it. */
export class Branch {
  readonly remote: Remote;
  readonly name: string;
  /** Where it is in the clone. */
  readonly ref: string;
  #known: { tip: string | undefined } | undefined;
  #wasThere = false;

  constructor(remote: Remote, name: string, ref: string) {
    this.remote = remote;
    this.name = name;
    this.ref = ref;
  }

  get git(): GitCommand {
    return this.remote.clone.git;
  }

  /** Of the files of its commits. */
  get contents(): Contents {
    return this.remote.contents;
  }

  /** Whether it was there since this process began, and is not any more. */
  get isGone(): boolean {
    return this.#wasThere && this.#known !== undefined && this.#known.tip === undefined;
  }

  /**
   * Brings it up to date.
   * @returns the commit at its tip, or undefined while the remote has no such branch
   * @throws TransientError when the remote is away
   */
  async fetch(): Promise<string | undefined> {
    await this.remote.fetch();
    return this.tip();
  }

  /** The commit that the last fetch or push left at its tip; undefined when there was no such branch. */
  async tip(): Promise<string | undefined> {
    if (!this.#known) await this.isAt(undefined);
    return this.#known?.tip;
  }

  /** Moves it on the remote to a commit made on its tip. Throws TransientError when others were first. */
  async push(commit: string): Promise<void> {
    await this.remote.push(commit, this);
    await this.isAt(commit);
  }

  /** To be told by the remote: a fetch begins, and may fail at any point. Gives the tip until now. */
  forget(): string | undefined {
    const tip = this.#known?.tip;
    this.#known = undefined;
    return tip;
  }

  /** To be told by the remote; without a commit the clone is asked. */
  async isAt(commit: string | undefined): Promise<void> {
    const tip = commit ?? (await this.git.text(['rev-parse', '--verify', `${this.ref}^{commit}`])).trim();
    this.#known = { tip };
    this.#wasThere = true;
  }

  /** To be told by the remote. */
  isMissing(): void {
    this.#known = { tip: undefined };
  }
}
