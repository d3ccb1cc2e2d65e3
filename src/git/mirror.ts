import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { AgentConfig } from '../api/config.ts';
import { LocalGitError, TransientError } from '../api/errors.ts';
import { GitAccess, transportOf } from '../api/git-access.ts';
import { durationMs } from '../api/schema.ts';
import { Clone } from './clone.ts';
import type { GitCommand } from './command.ts';
import type { Branch } from './branch.ts';
import { Remote } from './remote.ts';

/**
 * The agent's clone of the branch with run files and definitions, and of the one with the results, which is the same
 * unless configured. Both are in one clone, also when they are in different repositories.
 */
export class Mirror {
  readonly runs: Branch;
  readonly results: Branch;
  readonly #clone: Clone;

  constructor(clone: Clone, runs: Branch, results: Branch) {
    this.#clone = clone;
    this.runs = runs;
    this.results = results;
  }

  get git(): GitCommand {
    return this.#clone.git;
  }

  /**
   * Brings everything up to date.
   * @returns why nothing can be told of the results, when the runs alone could be fetched
   * @throws TransientError when the repository of the runs is away
   */
  async fetch(): Promise<Error | undefined> {
    const { runs, results } = this;
    await runs.remote.fetch();
    if (results.remote !== runs.remote) {
      const { begun } = this.#clone;
      try {
        await results.remote.fetch();
      } catch (error) {
        return error instanceof Error ? error : new TransientError(String(error));
      } finally {
        if (this.#clone.begun !== begun) await runs.remote.fetch();
      }
    }
    // Begun anew it would hold no word of what is over.
    if (results !== runs && results.isGone) {
      const way = 'no run is started until it is back; restarted, the agent begins a new one';
      return new TransientError(`the branch ${results.name} with the results is gone: ${way}`);
    }
    return undefined;
  }

  /** After a read failed: the next fetch mends the clone, or begins a new one. */
  markBroken(): void {
    this.#clone.markBroken();
  }

  /** The same for what went wrong, if the clone may be at fault. */
  blame(error: unknown): void {
    if (error instanceof LocalGitError) this.markBroken();
  }
}

/** The clone the configuration asks for. */
export function mirrorOf(config: AgentConfig['git'], signal: AbortSignal): Mirror {
  const { url, branch, access, writeAccess, dir, timeout, results } = config;
  const { skip } = config.fsck;
  const clone = new Clone({ dir, timeoutMs: durationMs(timeout), signal, skip });
  const remote = new Remote(clone, { url, access, writeAccess, field: 'git', skip });
  const runs = remote.follow(branch, `refs/heads/${branch}`);
  if (!results) return new Mirror(clone, runs, runs);
  const other =
    results.url === undefined ? remote : remoteOfResults(clone, { ...results, url: results.url }, skip);
  return new Mirror(clone, runs, other.follow(results.branch, `refs/results/${results.branch}`));
}

/** It takes no credentials over: those of one host are not for another. */
function remoteOfResults(
  clone: Clone,
  { url, access, writeAccess }: NonNullable<AgentConfig['git']['results']> & { url: string },
  skip: readonly string[],
): Remote {
  const own = access ?? GitAccess.parse({});
  return new Remote(clone, { url, access: own, writeAccess, field: 'git.results', skip });
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
