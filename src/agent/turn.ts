import type { AgentConfig } from '../api/config.ts';
import type { Clock } from '../core/ports.ts';
import type { KubeClient } from '../kube/client.ts';
import type { LeaderElection, Tenure } from '../kube/lease.ts';
import { connect, type Place } from './agent.ts';
import { electionOf } from './election.ts';
import type { Logger } from './logger.ts';
import { systemClock } from '../time/clock.ts';

/** The right of this process to act, until it is given back: the lease, where there is an election. */
export class Turn {
  /** With what is asked before every write; undefined where there is no election. */
  readonly gained: Promise<Tenure | undefined>;
  /** With the reason. */
  readonly lost: Promise<string>;
  #problem: string | undefined;
  #election: LeaderElection | undefined;
  #client: KubeClient | undefined;
  #hold: string | undefined;
  #onHold: (reason: string | undefined) => void = () => {};

  /** Throws InvalidError when the cluster's access is not configured. */
  constructor(config: AgentConfig, place: Place, logger: Logger, clock: Clock = systemClock) {
    const gained = Promise.withResolvers<Tenure | undefined>();
    const lost = Promise.withResolvers<string>();
    this.gained = gained.promise;
    this.lost = lost.promise;
    if (!config.kubernetes.leaderElection.enabled) {
      gained.resolve(undefined);
      return;
    }
    this.#client = connect(config, { clock });
    this.#problem = 'no answer yet';
    this.#election = electionOf(config, place, this.#client, logger, clock, {
      onGain: (tenure) => {
        this.#problem = undefined;
        gained.resolve(tenure);
      },
      onLoss: lost.resolve,
      onHold: (reason) => {
        this.#hold = reason;
        this.#onHold(reason);
      },
      onWait: (holder) => (this.#problem = `held by ${holder}, which carries out what is there`),
      onError: (error) => (this.#problem &&= error instanceof Error ? error.message : String(error)),
    });
    this.#election.start();
  }

  /** Why it is not ours yet. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Tells at once, and then of each change, whether people hold the cluster by the lease. */
  tellHolds(to: (reason: string | undefined) => void): void {
    this.#onHold = to;
    to(this.#hold);
  }

  /** What comes of a time when nobody led is done; the lease says so once it is given back, at the latest. */
  tended(): void {
    this.#election?.tended();
  }

  async giveBack(): Promise<void> {
    await this.#election?.stop();
    await this.#client?.close();
  }
}
