import type { AgentConfig } from '../../api/config.ts';
import { AwayError, InvalidError, TransientError } from '../../api/errors.ts';
import type { Clock, Telemetry } from '../../core/ports.ts';
import type { Layout } from '../../core/runs/paths.ts';
import { mirrorOf, type Mirror } from '../../git/mirror.ts';
import type { Branch } from '../../git/remote.ts';
import { type Files, writeFiles } from '../../git/write.ts';
import type { Snapshot } from './snapshot.ts';
import { SnapshotReader, type ReadTips } from './snapshot-reader.ts';

export interface TrackedOptions {
  config: AgentConfig;
  clock: Clock;
  now: () => Date;
  telemetry: Telemetry;
  signal: AbortSignal;
}

/** The branches with the run files and with the results, as of the last fetch or push. */
export class TrackedRepository {
  readonly layout: Layout;
  readonly mirror: Mirror;
  readonly snapshots: SnapshotReader;
  readonly #options: TrackedOptions;
  #tips: ReadTips | undefined;
  #lastFetch: number | undefined;
  #sawNoBranch = false;

  constructor(options: TrackedOptions) {
    const { config, signal } = options;
    this.#options = options;
    this.layout = { ...config.git.paths, cluster: config.cluster };
    this.mirror = mirrorOf(config.git, signal);
    this.snapshots = new SnapshotReader(this.mirror, this.layout);
  }

  /** Tip of the branch with the run files; undefined while there is no branch to follow. */
  get tip(): string | undefined {
    return this.#tips?.runs;
  }

  /** When all was fetched last, in epoch milliseconds. */
  get lastFetch(): number | undefined {
    return this.#lastFetch;
  }

  /** The branch with the run files was found not to exist yet, so what it holds now came later. */
  get sawNoBranch(): boolean {
    return this.#sawNoBranch;
  }

  /** @returns why the results could not be fetched, when those fetched last will do */
  async fetch(): Promise<unknown> {
    const { telemetry, signal } = this.#options;
    try {
      const away = await this.mirror.fetch();
      signal.throwIfAborted();
      if (away && !this.#tips) throw away;
      this.#tips = await this.#tipsNow(away ? this.#tips?.results : await this.mirror.results.tip());
      // One that was deleted and comes back holds what it held.
      if (!this.#tips) this.#sawNoBranch ||= !this.mirror.runs.isGone;
      telemetry.polled(!away);
      if (away) return away;
    } catch (error) {
      telemetry.polled(false);
      throw error;
    }
    this.#lastFetch = this.#options.clock.wall();
    return undefined;
  }

  /** What the tips hold. There has to be a branch. */
  async read(): Promise<Snapshot> {
    if (!this.#tips) throw new TransientError('the branch is gone from the remote');
    try {
      return await this.snapshots.read(this.#tips);
    } catch (error) {
      // What people broke is as broken in another clone.
      if (error instanceof InvalidError || error instanceof AwayError) throw error;
      this.mirror.markBroken();
      this.#tips = undefined;
      throw error;
    }
  }

  /** Commits the files on a branch, and gives the commit that holds them. */
  async push(branch: Branch, files: Files, message: string): Promise<string> {
    const { config, clock, now, signal, telemetry } = this.#options;
    const { author, signing } = config.git;
    const options = { author, signing, clock, now, signal, onRetry: telemetry.pushRetried };
    const commit = await writeFiles(branch, files, message, options);
    this.#tips = await this.#tipsNow(await this.mirror.results.tip());
    return commit;
  }

  async #tipsNow(results: string | undefined): Promise<ReadTips | undefined> {
    const runs = await this.mirror.runs.tip();
    return runs === undefined ? undefined : { runs, results };
  }
}
