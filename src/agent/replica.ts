import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { AgentConfig } from '../api/config.ts';
import { durationMs } from '../api/schema.ts';
import type { KubeClient } from '../kube/client.ts';
import { LeaderElection } from '../kube/lease.ts';
import { Agent, connect, type Place } from './agent.ts';
import type { Logger } from './logger.ts';
import { Standby } from './standby.ts';

/**
 * One of several agents for the same cluster: leads (an Agent is at work) or stands by. Each gain of the
 * lease makes a new Agent, which reads everything anew: nothing is believed that is older than the lease.
 */
export class Replica {
  private readonly config: AgentConfig;
  private readonly logger: Logger;
  private readonly place: Place;
  private readonly client: KubeClient | undefined;
  private readonly election: LeaderElection | undefined;
  private work: Agent | Standby | undefined;
  /** Changes of role happen one after the other. */
  private turn: Promise<void> = Promise.resolve();
  private stopped = false;

  /** Throws InvalidError when the cluster's access is not configured. */
  constructor(config: AgentConfig, logger: Logger, place: Place = {}) {
    this.config = config;
    this.logger = logger;
    this.place = place;
    if (!config.kubernetes.leaderElection.enabled) return;
    this.client = connect(config);
    this.election = this.elect(this.client);
  }

  start(): void {
    if (this.election === undefined) return this.become(() => this.lead());
    this.become(() => new Standby(this.config, this.logger));
    this.election.start();
  }

  /** Last started, first stopped: the lease is given up when nothing is under way any more. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.turn;
    await this.work?.stop();
    await this.election?.stop();
    await this.client?.close();
  }

  private elect(client: KubeClient): LeaderElection {
    const { kubernetes } = this.config;
    const { name, leaseDuration, renewDeadline, retryPeriod } = kubernetes.leaderElection;
    const namespace = this.place.namespace ?? kubernetes.namespace;
    const identity = `${hostname()}_${randomUUID()}`;
    const log = this.logger.child({ lease: `${namespace}/${name}`, identity });
    return new LeaderElection({
      client,
      namespace,
      name,
      identity,
      leaseDurationMs: durationMs(leaseDuration),
      renewDeadlineMs: durationMs(renewDeadline),
      retryPeriodMs: durationMs(retryPeriod),
      onGain: (holds) => {
        log.info({ leader: true }, 'leads: this agent acts now');
        this.become(() => this.lead(holds));
      },
      onLoss: (reason) => {
        log.error({ leader: false, reason }, 'leads no more: this agent stops acting');
        if (this.work instanceof Agent) this.work.abandon();
        this.become(() => new Standby(this.config, this.logger));
      },
      onWait: (holder) => log.info({ leader: false, holder }, 'stands by: another agent leads'),
      onError: (error) => {
        const reason = error instanceof Error ? error.message : String(error);
        log.warn({ reason }, 'lease could not be read or written; will retry');
      },
    });
  }

  private lead(holds?: () => boolean): Agent {
    const agent = new Agent(this.config, this.logger, this.place, holds);
    agent.start().catch((error: unknown) => this.logger.error({ err: String(error) }, 'agent did not start'));
    return agent;
  }

  private become(next: () => Agent | Standby): void {
    this.turn = this.turn.then(async () => {
      await this.work?.stop();
      this.work = undefined;
      if (!this.stopped) this.work = next();
    });
  }
}
