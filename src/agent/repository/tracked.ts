import { type AgentConfig, clusterOf } from '../../api/config.ts';
import { AwayError, InvalidError, TransientError } from '../../api/errors.ts';
import { durationMs } from '../../api/schema.ts';
import type { Clock, Telemetry } from '../../core/ports.ts';
import { fillTemplate } from '../../core/runs/message-template.ts';
import type { Layout } from '../../core/runs/paths.ts';
import { mirrorOf, type Mirror } from '../../git/mirror.ts';
import type { Branch } from '../../git/branch.ts';
import { type Files, writeFiles } from '../../git/write.ts';
import type { Snapshot } from './snapshot.ts';
import { Rewinds } from './rewind.ts';
import { SnapshotReader } from './snapshot-reader.ts';
import type { ReadTips } from './tip-changes.ts';

export interface TrackedOptions {
  config: AgentConfig;
  clock: Clock;
  now: () => Date;
  telemetry: Telemetry;
  signal: AbortSignal;
  /** The tips that were acted on last, by what the cluster remembers. */
  recorded?: () => ReadTips | undefined;
}

/** The branches with the run files and with the results, as of the last fetch or push. */
export class TrackedRepository {
  readonly layout: Layout;
  readonly mirror: Mirror;
  readonly snapshots: SnapshotReader;
  readonly #options: TrackedOptions;
  #tips: ReadTips | undefined;
  readonly #rewinds: Rewinds;
  #lastFetch: number | undefined;
  #sawNoBranch = false;
  #overtaken = 0;

  constructor(options: TrackedOptions) {
    const { config, signal } = options;
    this.#options = options;
    this.layout = { ...config.git.paths, cluster: clusterOf(config) };
    this.mirror = mirrorOf(config.git, signal);
    this.snapshots = new SnapshotReader(this.mirror, this.layout);
    const graceMs = durationMs(config.git.rewindGrace);
    const { clock, recorded } = options;
    this.#rewinds = new Rewinds(this.mirror.git, this.layout, {
      clock,
      graceMs,
      ...(recorded && { recorded }),
    });
  }

  /** Milliseconds until a branch that went back is believed; undefined when none did. */
  get rewoundMs(): number | undefined {
    const { rewound } = this.#rewinds;
    return rewound && Math.max(0, rewound.until - this.#options.clock.steady());
  }

  /** Why nothing can be said of the runs now: the branch is not there, or went back to an earlier commit. */
  get problem(): string | undefined {
    const { rewound } = this.#rewinds;
    if (rewound) {
      const seconds = Math.ceil((this.rewoundMs ?? 0) / 1000);
      const [from, to] = [rewound.from.slice(0, 12), rewound.to.slice(0, 12)];
      const what = rewound.isGone
        ? `commit ${from}, which was acted on last, is not in the repository, and a branch is at commit ${to}`
        : `a branch went back from commit ${from} to ${to}`;
      return `${what}; for ${seconds} s more nothing begins, is cancelled or reported for it, unless it comes back (git.rewindGrace)`;
    }
    if (this.#tips) return undefined;
    return this.mirror.runs.missingText;
  }

  /** Tip of the branch with the run files; undefined while there is no branch to follow. */
  get tip(): string | undefined {
    return this.#tips?.runs;
  }

  /** Both branches, as of the last fetch or push; undefined while there is none to follow. */
  get tips(): ReadTips | undefined {
    return this.#tips;
  }

  /** When all was fetched last, in epoch milliseconds. */
  get lastFetch(): number | undefined {
    return this.#lastFetch;
  }

  /** The branch with the run files was found not to exist yet, so what it holds now came later. */
  get sawNoBranch(): boolean {
    return this.#sawNoBranch;
  }

  /** How many pushes found that others had been first, and went on top of what they had pushed. */
  get overtaken(): number {
    return this.#overtaken;
  }

  /** @returns why the results could not be fetched, when those fetched last will do */
  async fetch(): Promise<unknown> {
    const { telemetry, signal } = this.#options;
    try {
      const away = await this.mirror.fetch();
      signal.throwIfAborted();
      if (away && !this.#tips) throw away;
      await this.#moveTo(await this.#tipsNow(away ? this.#tips?.results : await this.mirror.results.tip()));
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

  /** What the tips hold. There has to be a branch. Throws InvalidError when the baseline is damaged. */
  async read(): Promise<Snapshot> {
    const snapshot = await this.look();
    if (snapshot.damage) throw snapshot.damage;
    return snapshot;
  }

  /** The same for who only stops what is under way. */
  async look(): Promise<Snapshot> {
    if (!this.#tips) throw new TransientError('the branch is gone from the remote');
    try {
      return await this.snapshots.look(this.#tips);
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
    let tries = 1;
    const onRetry = () => {
      tries += 1;
      telemetry.pushRetried();
    };
    const options = { author, signing, clock, now, signal, onRetry };
    const text = fillTemplate(config.report.message, message, clusterOf(config));
    const commit = await writeFiles(branch, files, text, options);
    if (tries > 1) this.#overtaken += 1;
    await this.#moveTo(await this.#tipsNow(await this.mirror.results.tip()));
    if (this.#rewinds.rewound) throw new TransientError(this.problem ?? '');
    return commit;
  }

  /** While a branch that went back is waited for, the tips stay what they were. */
  async #moveTo(tips: ReadTips | undefined): Promise<void> {
    const move = tips && (await this.#rewinds.look(tips));
    if (move?.isRewritten === true) this.snapshots.forgetHistory();
    if (!move?.rewound) this.#tips = tips;
  }

  async #tipsNow(results: string | undefined): Promise<ReadTips | undefined> {
    const runs = await this.mirror.runs.tip();
    return runs === undefined ? undefined : { runs, results };
  }
}
