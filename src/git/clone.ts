import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { InvalidError } from '../api/errors.ts';
import { GitCommand } from './command.ts';

export interface CloneOptions {
  /** Where the bare clone lies. Made when missing, made again when broken. */
  dir: string;
  /** A git command that is silent for longer is killed. */
  timeoutMs: number;
  /** Kills a running command. */
  signal?: AbortSignal;
}

/** Says that a folder is the agent's own clone and may be thrown away. */
const MARKER = 'nodeop-agent';

/**
 * The folder of the agent's bare clone. Nothing in it is worth keeping: it is a cache of what the remotes hold, and
 * whenever it looks broken it is begun anew. No URL is written into it, since one may hold credentials.
 */
export class Clone {
  readonly git: GitCommand;
  readonly #options: CloneOptions;
  #begun = 0;
  #ready = false;
  #suspect = false;

  constructor(options: CloneOptions) {
    this.#options = { ...options, dir: resolve(options.dir) };
    this.git = this.#command(this.#options.dir);
  }

  /** How often it was begun anew: a new number says that all that was fetched before is gone. */
  get begun(): number {
    return this.#begun;
  }

  /** To be called before a fetch. Throws InvalidError when the folder is somebody else's. */
  async open(): Promise<void> {
    const { dir } = this.#options;
    const entries: string[] = await readdir(dir).catch(() => []);
    if (entries.length > 0 && !entries.includes(MARKER)) {
      throw new InvalidError(`git.dir ${dir} is not empty and not a clone this agent made; it is left alone`);
    }
    if (entries.length === 0 || this.#suspect) return this.begin();
    if (this.#ready) return;
    // Locks left by a killed process; no other process works in this clone.
    await removeLocks(dir);
    const bare = await this.git.text(['rev-parse', '--is-bare-repository']).catch(() => '');
    if (bare.trim() !== 'true') return this.begin();
    this.#ready = true;
  }

  /** An empty clone is made beside the old one and takes its place, so that there is a whole one or none. */
  async begin(): Promise<void> {
    const { dir } = this.#options;
    const fresh = `${dir}.new`;
    await rm(fresh, { recursive: true, force: true });
    await mkdir(dirname(dir), { recursive: true });
    await mkdir(fresh);
    await this.#command(fresh).text(['init', '--quiet', '--bare', fresh]);
    const note = 'A cache of the remote repository. It may be deleted at any time.\n';
    await writeFile(join(fresh, MARKER), note);
    await rm(dir, { recursive: true, force: true });
    await rename(fresh, dir);
    this.#begun += 1;
    this.#suspect = false;
    this.#ready = true;
  }

  /** After a read failed: the next fetch begins anew. */
  markBroken(): void {
    this.#suspect = true;
  }

  #command(dir: string): GitCommand {
    const { timeoutMs, signal } = this.#options;
    return new GitCommand({ dir, timeoutMs, ...(signal === undefined ? {} : { signal }) });
  }
}

async function removeLocks(dir: string): Promise<void> {
  const names = await readdir(dir, { recursive: true });
  for (const name of names) {
    if (name.endsWith('.lock')) await rm(join(dir, name), { force: true });
  }
}
