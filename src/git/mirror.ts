import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { AgentConfig } from '../api/config.ts';
import { InvalidError } from '../api/errors.ts';
import { transportOf, type GitAccess } from '../api/git-access.ts';
import { durationMs } from '../api/schema.ts';
import { Access } from './access.ts';
import { GitCommand } from './command.ts';

export interface MirrorOptions {
  url: string;
  branch: string;
  access: GitAccess;
  /** For pushes, when not as for reading. */
  writeAccess?: GitAccess | undefined;
  /** Where the bare clone lies. Made when missing, made again when broken. */
  dir: string;
  timeoutMs: number;
  signal?: AbortSignal;
}

/** Says that a folder is the agent's own clone and may be thrown away. */
const MARKER = 'nodeop-agent';

/**
 * The agent's bare clone of one branch. Nothing in it is worth keeping: it is a cache of the remote,
 * and whenever it looks broken it is cloned again. The URL is passed with every command and never
 * written into the clone, since it may hold credentials.
 */
export class Mirror {
  readonly git: GitCommand;
  readonly ref: string;
  readonly #options: MirrorOptions;
  readonly #reading: Access;
  readonly #writing: Access;
  #tip: string | undefined;
  #ready = false;
  #suspect = false;

  constructor(options: MirrorOptions) {
    this.#options = { ...options, dir: resolve(options.dir) };
    this.ref = `refs/heads/${options.branch}`;
    this.git = this.#command(this.#options.dir);
    const { url, access, writeAccess } = options;
    this.#reading = new Access(access, url);
    this.#writing = writeAccess ? new Access(writeAccess, url, 'git.writeAccess') : this.#reading;
  }

  /**
   * Brings the branch up to date, whatever happened to it (force-push included).
   * @returns the commit at its tip, or undefined while the remote has no such branch
   * @throws TransientError when the remote is away
   */
  async fetch(): Promise<string | undefined> {
    await this.#open();
    try {
      return await this.#fetchBranch();
    } catch (error) {
      // A remote that answers has either no such branch yet, or the clone is at fault.
      const exists = await this.#hasBranch().catch(() => undefined);
      if (exists === undefined) throw error;
      if (!exists) {
        this.#tip = undefined;
        await this.git.text(['update-ref', '-d', this.ref]);
        return undefined;
      }
      return this.#again();
    }
  }

  /** The remote is there and a fetch failed: by chance, or because of the clone. */
  async #again(): Promise<string> {
    try {
      return await this.#fetchBranch();
    } catch {
      await this.#clone();
      return this.tip();
    }
  }

  /** The commit that the last fetch or push left at the branch's tip. */
  async tip(): Promise<string> {
    return this.#tip ?? (await this.git.text(['rev-parse', '--verify', `${this.ref}^{commit}`])).trim();
  }

  /** Moves the remote's branch to a commit made on its tip. Throws TransientError when others were first. */
  async push(commit: string): Promise<void> {
    await this.#talk(this.#writing, ['push', '--progress'], `${commit}:${this.ref}`);
    this.#tip = commit;
  }

  /** After a read failed: the next fetch starts from a new clone. */
  markBroken(): void {
    this.#suspect = true;
  }

  async #open(): Promise<void> {
    const { dir } = this.#options;
    const entries: string[] = await readdir(dir).catch(() => []);
    if (entries.length > 0 && !entries.includes(MARKER)) {
      throw new InvalidError(`git.dir ${dir} is not empty and not a clone this agent made; it is left alone`);
    }
    if (entries.length === 0 || this.#suspect) return this.#clone();
    if (this.#ready) return;
    // Locks left by a killed process; no other process works in this clone.
    await removeLocks(dir);
    const bare = await this.git.text(['rev-parse', '--is-bare-repository']).catch(() => '');
    if (bare.trim() !== 'true') return this.#clone();
    this.#ready = true;
  }

  /** Clones beside the old one and swaps, so that a clone is either whole or absent. */
  async #clone(): Promise<void> {
    const { dir } = this.#options;
    const fresh = `${dir}.new`;
    await rm(fresh, { recursive: true, force: true });
    await mkdir(dirname(dir), { recursive: true });
    await mkdir(fresh);
    const git = this.#command(fresh);
    await git.text(['init', '--quiet', '--bare', fresh]);
    await writeFile(
      join(fresh, MARKER),
      'A cache of the remote repository. It may be deleted at any time.\n',
    );
    await rm(dir, { recursive: true, force: true });
    await rename(fresh, dir);
    this.#tip = undefined;
    this.#suspect = false;
    this.#ready = true;
    if (await this.#hasBranch()) await this.#fetchBranch();
  }

  async #hasBranch(): Promise<boolean> {
    const found = await this.#talk(this.#reading, ['ls-remote'], this.ref);
    return found.trim() !== '';
  }

  /**
   * What is fetched is told by a file that git writes, which is cheaper to read than a process to ask. `--verbose`: of a
   * command that says nothing simple-git waits 50 ms for more.
   */
  async #fetchBranch(): Promise<string> {
    this.#tip = undefined;
    const options = ['--progress', '--verbose', '--no-tags', '--write-fetch-head', '--no-recurse-submodules'];
    await this.#talk(this.#reading, ['fetch', ...options], `+${this.ref}:${this.ref}`);
    const head = await readFile(join(this.#options.dir, 'FETCH_HEAD'), 'utf8').catch(() => '');
    this.#tip = /^[0-9a-f]{40,64}(?=\t)/.exec(head)?.[0];
    return this.tip();
  }

  #talk(access: Access, command: string[], ref: string): Promise<string> {
    return access.use((session) => this.git.with(session, [...command, '--', this.#options.url, ref]));
  }

  #command(dir: string): GitCommand {
    const { timeoutMs, signal } = this.#options;
    return new GitCommand({ dir, timeoutMs, ...(signal === undefined ? {} : { signal }) });
  }
}

/** The clone the configuration asks for. */
export function mirrorOf(config: AgentConfig['git'], signal: AbortSignal): Mirror {
  return new Mirror({ ...config, timeoutMs: durationMs(config.timeout), signal });
}

async function removeLocks(dir: string): Promise<void> {
  const names = await readdir(dir, { recursive: true });
  for (const name of names) {
    if (name.endsWith('.lock')) await rm(join(dir, name), { force: true });
  }
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}

/** The folder of a repository on this machine, or undefined when `url` is not a local path. */
export async function localRepository(url: string): Promise<string | undefined> {
  if (transportOf(url) !== 'local') return undefined;
  const path = url.startsWith('file://') ? decodeURIComponent(new URL(url).pathname) : url;
  if (await isFolder(join(path, '.git'))) return join(resolve(path), '.git');
  return (await isFolder(join(path, 'refs'))) ? resolve(path) : undefined;
}
