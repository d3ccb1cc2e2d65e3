import type { Clock } from '../../core/ports.ts';
import type { Layout } from '../../core/runs/paths.ts';
import type { GitCommand } from '../../git/command.ts';
import { commitOfRef, forkPoint, hasCommits } from '../../git/ancestry.ts';
import { treeChanges } from '../../git/trees.ts';
import type { ReadTips } from './tip-changes.ts';

/**
 * The tips that were acted on last are kept in the clone, so that a restart in between forgets nothing. The cluster remembers those of
 * all agents: another replica may have gone further than the clone of this one.
 */
const BELIEVED = 'refs/agent/believed';
const NAMES = ['runs', 'results'] as const;

/** A branch that is not where it was: when it is believed, on the steady clock. */
interface Rewound {
  from: string;
  to: string;
  /** The commit that was acted on last is nowhere to be found. */
  isGone: boolean;
  until: number;
}

/** How the tips stand to those that were acted on before. */
export interface Move {
  /** Set while a branch that went back is waited for. */
  rewound?: Rewound;
  /** Commits that were there before are not any more. */
  isRewritten: boolean;
}

interface Compared {
  isRewritten: boolean;
  back?: { from: string; to: string; isGone: boolean };
}

/**
 * Notices when a branch goes back to an earlier commit: a mirror that lags, or a force-push that is put right soon. It is
 * not believed for a while, since to cancel runs for it could not be undone. Commits of the agents alone on top of the earlier
 * one make no difference: they go on reporting meanwhile. In a clone that was made anew the later commit is not there at all; then
 * nobody can tell whether history was rewritten, and it is waited for as well.
 */
export class Rewinds {
  readonly #git: GitCommand;
  readonly #layout: Layout;
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #recorded: () => ReadTips | undefined;
  #believed: ReadTips | undefined;
  #rewound: Rewound | undefined;

  /** @param recorded the tips that were acted on last by what the cluster remembers */
  constructor(
    git: GitCommand,
    layout: Layout,
    {
      clock,
      graceMs,
      recorded = () => undefined,
    }: { clock: Clock; graceMs: number; recorded?: () => ReadTips | undefined },
  ) {
    this.#recorded = recorded;
    this.#git = git;
    this.#layout = layout;
    this.#clock = clock;
    this.#graceMs = graceMs;
  }

  /** Set while a branch that went back is waited for. */
  get rewound(): Rewound | undefined {
    return this.#rewound;
  }

  /** To be told of the tips before they are acted on. */
  async look(tips: ReadTips): Promise<Move> {
    const found = await this.#compareAll(tips);
    if (found.back !== undefined && this.#graceMs > 0) {
      const { from, to, isGone } = found.back;
      const known = this.#rewound?.from === from ? this.#rewound.until : undefined;
      const until = known ?? this.#clock.steady() + this.#graceMs;
      if (this.#clock.steady() < until) {
        this.#rewound = { from, to, isGone, until };
        return { rewound: this.#rewound, isRewritten: false };
      }
    }
    this.#rewound = undefined;
    await this.#believe(tips);
    return { isRewritten: found.isRewritten };
  }

  async #compareAll(now: ReadTips): Promise<Compared> {
    const before = this.#believed ? [this.#believed] : [await this.#remembered(), this.#recorded()];
    let isRewritten = false;
    for (const tips of before) {
      const found = tips && (await this.#compare(tips, now));
      if (found?.back) return found;
      isRewritten ||= found?.isRewritten === true;
    }
    return { isRewritten };
  }

  async #compare(before: ReadTips, now: ReadTips): Promise<Compared> {
    let isRewritten = false;
    const isOneBranch = before.runs === before.results && now.runs === now.results;
    for (const name of isOneBranch ? (['runs'] as const) : NAMES) {
      const [from, to] = [before[name], now[name]];
      if (from === undefined || to === undefined || from === to) continue;
      const fork = await forkPoint(this.#git, from, to);
      if (fork === from) continue;
      isRewritten = true;
      const isGone = fork === undefined && !(await hasCommits(this.#git, [from]));
      if (isGone || (fork !== undefined && (fork === to || (await this.#isReported(fork, to))))) {
        return { isRewritten, back: { from, to, isGone } };
      }
    }
    return { isRewritten };
  }

  /** Whether nobody changed a run or a definition between the two. */
  async #isReported(fork: string, to: string): Promise<boolean> {
    const { nodeops, runs } = this.#layout;
    return (await treeChanges(this.#git, fork, to, [nodeops, runs])).length === 0;
  }

  async #remembered(): Promise<ReadTips | undefined> {
    const [runs, results] = await Promise.all(
      NAMES.map((name) => commitOfRef(this.#git, `${BELIEVED}/${name}`)),
    );
    return runs === undefined ? undefined : { runs, results };
  }

  async #believe(tips: ReadTips): Promise<void> {
    const lines = NAMES.flatMap((name) => {
      const tip = tips[name];
      return tip === undefined || tip === this.#believed?.[name]
        ? []
        : [`update ${BELIEVED}/${name} ${tip}\n`];
    });
    if (lines.length > 0) await this.#git.text(['update-ref', '--stdin'], lines.join(''));
    this.#believed = tips;
  }
}
