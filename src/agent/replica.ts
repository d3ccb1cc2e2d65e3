import type { AgentConfig } from '../api/config.ts';
import { durationMs } from '../api/schema.ts';
import type { Asker } from '../core/checks/try.ts';
import { type Clock, NO_TELEMETRY, type Timetable } from '../core/ports.ts';
import type { Check } from '../http/health.ts';
import type { KubeClient } from '../kube/client.ts';
import type { LeaderElection, Tenure } from '../kube/lease.ts';
import { StoppedError } from '../kube/stopped.ts';
import { Agent, connect, type Place, type Transport } from './agent.ts';
import { type ElectionEvents, electionOf } from './election.ts';
import { type Endpoint, openEndpoint } from './endpoint.ts';
import type { Logger } from './logger.ts';
import { checkCluster, checkDefinition, checkLease, checkRecord, checkRepository } from './readiness.ts';
import { checkProgress, ROLE_MS, within } from './progress.ts';
import { Standby } from './standby.ts';
import { systemClock } from '../time/clock.ts';
import { cronTimetable } from '../time/timetable.ts';

export interface ReplicaOptions {
  place?: Place;
  /** The program's version, for the metrics. */
  version?: string;
  clock?: Clock;
  timetable?: Timetable;
  /** Nothing gets on any more, and only the end of the process helps. */
  onStuck: (error: Error) => void;
  /** What carries its requests to the API server; connections of its own when absent. */
  transport?: Transport | undefined;
  /** Sends the requests of checks; real ones when absent. */
  asker?: Asker | undefined;
  /** Makes names that no other process has. */
  uuid?: () => string;
}

/**
 * One of several agents for the same cluster: leads (an Agent is at work) or stands by. Each gain of the
 * lease makes a new Agent, which reads everything anew: nothing is believed that is older than the lease.
 */
export class Replica {
  private readonly config: AgentConfig;
  private readonly logger: Logger;
  private readonly place: Place;
  private readonly version: string;
  private readonly clock: Clock;
  private readonly timetable: Timetable;
  private readonly transport: Transport | undefined;
  private readonly asker: Asker | undefined;
  private readonly uuid: (() => string) | undefined;
  private readonly client: KubeClient | undefined;
  private readonly election: LeaderElection | undefined;
  private endpoint: Endpoint | undefined;
  private work: Agent | Standby | undefined;
  /** Changes of role happen one after the other. */
  private turn: Promise<void> = Promise.resolve();
  private stopped = false;
  private readonly onStuck: (error: Error) => void;
  private stuck: string | undefined;
  /** Since when a change of role, and an agent that leads, are under way. */
  private changingSince: number | undefined;
  private ledSince: number | undefined;
  private leaseProblem: string | undefined;
  private holder = '';
  private leaseHold: string | undefined;
  private polls = 0;

  /** Throws InvalidError when the cluster's access is not configured. */
  constructor(config: AgentConfig, logger: Logger, options: ReplicaOptions) {
    this.config = config;
    this.logger = logger;
    this.place = options.place ?? {};
    this.version = options.version ?? '';
    this.clock = options.clock ?? systemClock;
    this.timetable = options.timetable ?? cronTimetable(this.clock);
    this.onStuck = options.onStuck;
    this.transport = options.transport;
    this.asker = options.asker;
    this.uuid = options.uuid;
    if (!config.kubernetes.leaderElection.enabled) return;
    this.client = connect(config, { clock: this.clock, dispatcher: this.transport?.() });
    this.election = this.elect(this.client);
  }

  start(): void {
    this.turn = this.turn.then(() => this.open());
    if (this.election === undefined) return this.become(() => this.lead());
    this.become(() => this.standby());
    this.election.start();
  }

  /**
   * Last started, first stopped: the lease is given up when nothing is under way any more. When that does not come, or
   * requests had to be given up that may still take effect, the lease runs out by itself.
   */
  async stop(): Promise<void> {
    this.stopped = true;
    try {
      await within(this.clock, ROLE_MS, 'to stop', this.end());
    } catch (error) {
      this.giveUp(error);
    }
  }

  private async end(): Promise<void> {
    await this.turn;
    const ended = await this.work?.stop();
    await this.election?.stop({ release: ended !== false });
    await this.client?.close();
    await this.endpoint?.close();
  }

  private giveUp(error: unknown): void {
    const reason = error instanceof Error ? error : new Error(String(error));
    this.stuck = reason.message;
    this.logger.error({ reason: this.stuck }, 'the agent does not get on; this process ends');
    this.onStuck(reason);
  }

  /** Asks whoever leads for a poll at once. Wishes that come while one is waiting are answered with it. */
  requestPoll(reason: string): void {
    const { work, election } = this;
    this.logger.info({ reason }, 'a poll is asked for');
    if (!(work instanceof Agent)) {
      election?.askForPoll().catch((error: unknown) => this.leaseError(error));
      return;
    }
    // One under way may have fetched before the news came; a second one waits for it.
    if (this.polls >= 2) return;
    this.polls += 1;
    void work.repository.pollNow().finally(() => (this.polls -= 1));
  }

  private elect(client: KubeClient): LeaderElection {
    const events: ElectionEvents = {
      onGain: (tenure, untended) => this.become(() => this.lead(tenure, untended)),
      onLoss: () => {
        if (this.work instanceof Agent) this.work.abandon();
        this.become(() => this.standby());
      },
      onWait: (holder) => (this.holder = holder),
      onPollAsked: () => {
        if (this.work instanceof Agent) this.requestPoll('annotation of the lease');
      },
      onHold: (reason) => {
        this.leaseHold = reason;
        if (this.work instanceof Agent) this.work.hold(reason);
      },
      onError: (error) => this.leaseError(error),
    };
    return electionOf(this.config, this.place, client, this.logger, this.clock, events, this.uuid);
  }

  private leaseError(error: unknown): void {
    this.leaseProblem = error instanceof Error ? error.message : String(error);
    this.logger.warn({ reason: this.leaseProblem }, 'lease could not be read or written; will retry');
  }

  private standby(): Standby {
    return new Standby(this.config, this.logger, this.clock, this.timetable);
  }

  private lead(tenure?: Tenure, isUntended = true): Agent {
    const telemetry = this.endpoint?.telemetry ?? NO_TELEMETRY;
    const agent = new Agent(this.config, this.logger, {
      place: this.place,
      tenure,
      telemetry,
      clock: this.clock,
      timetable: this.timetable,
      transport: this.transport,
      asker: this.asker,
      leaseHold: this.leaseHold,
      isUntended,
      onTended: () => this.election?.tended(),
      onWentBack: () => this.wentBack(),
    });
    this.ledSince = this.clock.steady();
    agent.start().catch((error: unknown) => {
      // Whoever leads and does nothing keeps others from it.
      if (!(error instanceof StoppedError)) this.giveUp(error);
    });
    return agent;
  }

  /** Another agent takes over, which goes by what is there now, and compares it with reports first. */
  private wentBack(): void {
    if (this.election !== undefined) return this.election.wentBack();
    if (this.work instanceof Agent) this.work.abandon();
    this.become(() => this.lead());
  }

  private become(next: () => Agent | Standby): void {
    this.turn = this.turn
      .then(async () => {
        this.changingSince = this.clock.steady();
        await within(this.clock, ROLE_MS, 'a change of role', Promise.resolve(this.work?.stop()));
        this.work = undefined;
        if (!this.stopped) this.work = next();
        this.changingSince = undefined;
      })
      .catch((error: unknown) => this.giveUp(error));
  }

  private async open(): Promise<void> {
    const { http } = this.config;
    if (http === undefined) return;
    const source = {
      leader: () => this.work instanceof Agent,
      checks: () => this.checks(),
      progress: () => this.progress(),
      poll: () => this.pollState(),
      holds: () => (this.work instanceof Agent ? this.work.holds.current : {}),
      nodeOps: () => (this.work instanceof Agent ? this.work.nodeOps() : []),
      troubles: () => (this.work instanceof Agent ? this.work.troubles() : new Map<string, number>()),
      requestPoll: (reason: string) => this.requestPoll(reason),
    };
    const access = {
      client: () => connect(this.config, { clock: this.clock, dispatcher: this.transport?.() }),
      clock: this.clock,
      namespace: this.place.namespace ?? this.config.kubernetes.namespace,
    };
    this.endpoint = await openEndpoint(http, this.config, this.version, source, this.logger, access);
  }

  private pollState() {
    return (this.work instanceof Agent ? this.work.repository.state() : this.work?.state()) ?? {};
  }

  private progress(): Check[] {
    const { work, election, stuck, changingSince } = this;
    const { retryPeriod, renewDeadline } = this.config.kubernetes.leaderElection;
    const patience = 2 * (durationMs(retryPeriod) + durationMs(renewDeadline));
    const leads = work instanceof Agent;
    return checkProgress({
      now: this.clock.steady(),
      stuck,
      changingSince,
      election: election && { triedAt: election.triedAt, patience },
      passSince: leads ? work.repository.passSince : work?.passSince,
      unsyncedSince: leads && election && !work.synced ? this.ledSince : undefined,
    });
  }

  private checks(): Check[] {
    const { work, election, holder } = this;
    const role = work instanceof Agent ? 'this agent leads' : `stands by, ${holder || 'nobody'} leads`;
    const patience = durationMs(this.config.kubernetes.leaderElection.leaseDuration);
    const lease =
      election &&
      checkLease({
        now: this.clock.steady(),
        lookedAt: election.lookedAt,
        problem: this.leaseProblem,
        patience,
        role,
      });
    const cluster =
      work instanceof Agent
        ? [checkCluster(work.synced), ...(work.synced ? [checkDefinition(work.obstacle)] : [])]
        : [];
    const state = this.pollState();
    const repository = checkRepository(state, this.clock.wall());
    return [...(lease ? [lease] : []), ...cluster, repository, ...checkRecord(state)];
  }
}
