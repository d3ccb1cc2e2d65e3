import type { Contents } from './contents.ts';
import type { GitCommand } from './command.ts';
import type { Remote } from './remote.ts';

/** One followed branch, as the last fetch or push left it. */
export class Branch {
  readonly remote: Remote;
  readonly name: string;
  /** Where it is in the clone. */
  readonly ref: string;
  /** To be set by the remote: in which clone, by how often it was begun, all of its history was found. */
  wholeIn: number | undefined;
  #known: { tip: string | undefined } | undefined;
  #wasThere = false;
  #others: readonly string[] = [];

  constructor(remote: Remote, name: string, ref: string) {
    this.remote = remote;
    this.name = name;
    this.ref = ref;
  }

  get git(): GitCommand {
    return this.remote.clone.git;
  }

  /** What the files of its commits hold. */
  get contents(): Contents {
    return this.remote.contents;
  }

  /** It was there since this process began, and is there no more. */
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

  /** The remote calls it as a fetch begins, which may fail at any point. @returns the tip until now */
  forget(): string | undefined {
    const tip = this.#known?.tip;
    this.#known = undefined;
    return tip;
  }

  /** The remote calls it after a fetch or push; without a commit the clone is asked. */
  async isAt(commit: string | undefined): Promise<void> {
    const tip = commit ?? (await this.git.text(['rev-parse', '--verify', `${this.ref}^{commit}`])).trim();
    this.#known = { tip };
    this.#wasThere = true;
  }

  /** Says that there is no such branch, and which there were when it was found missing. */
  get missingText(): string {
    const there = this.#others.length === 0 ? 'it has none' : `it has ${listOf(this.#others)}`;
    return `the remote has no branch "${this.name}"; ${there}`;
  }

  /** The remote calls it. @param others the branches it has */
  isMissing(others: readonly string[] = []): void {
    this.#known = { tip: undefined };
    this.#others = others;
  }
}

/** Branches that a message names. */
const MAX_NAMED = 10;

function listOf(names: readonly string[]): string {
  const named = names.slice(0, MAX_NAMED).map((it) => JSON.stringify(it));
  const more = names.length - named.length;
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
