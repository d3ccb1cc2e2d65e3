import type { AgentConfig } from '../../../src/api/config.ts';
import { endOrCut } from '../../../src/agent/grace.ts';
import type { Logger } from '../../../src/agent/logger.ts';
import type { Asker } from '../../../src/core/checks/try.ts';
import { ROLE_MS, within } from '../../../src/agent/progress.ts';
import { Replica } from '../../../src/agent/replica.ts';
import { Controller } from '../../../src/agent/rollouts/controller.ts';
import { KubeClient } from '../../../src/kube/client.ts';
import { LeaderElection, type Tenure } from '../../../src/kube/lease.ts';
import { timetableOn } from '../../support/timetable.ts';
import { NAMESPACE } from './cluster.ts';
import { KUBECONFIG } from './kubeconfig.ts';
import type { Random } from './random.ts';
import { currentProcess, ProcessClock, type VirtualTime } from './time.ts';
import { type Wire, WireDispatcher } from './transport.ts';

/** Longer than by default: to renew a lease is most of what a quiet history does. */
export const LEASE_MS = 45_000;

interface Own {
  time: VirtualTime;
  random: Random;
  logger: Logger;
  asker: (clock: ProcessClock) => Asker;
  /** Of its machine's clock, in milliseconds. */
  offset: number;
  /** It gave itself up. */
  onStuck: (error: Error) => void;
}

/** One replica of the agent, from its start to its end. */
export class AgentProcess {
  readonly clock: ProcessClock;
  readonly #wire: Wire;
  readonly #dispatchers: WireDispatcher[] = [];
  readonly #agent: { start: () => void; stop: () => Promise<void> };

  /** @param config of an agent with a repository; without one it only carries out what is in the cluster */
  constructor(wire: Wire, { time, random, logger, asker, offset, onStuck }: Own, config?: AgentConfig) {
    this.clock = new ProcessClock(time, random.next, offset);
    this.#wire = wire;
    const transport = () => this.#transport();
    const { clock } = this;
    this.#agent = config
      ? new Replica(config, logger, {
          clock,
          timetable: timetableOn(clock),
          transport,
          asker: asker(clock),
          uuid: () => random.uuid(),
          onStuck: (error) => {
            onStuck(error);
            this.kill();
          },
        })
      : new RolloutsOnly({ clock, transport, asker: asker(clock), logger, onStuck, identity: random.uuid() });
    currentProcess.run(clock, () => this.#agent.start());
  }

  /** As SIGTERM does. */
  stop(): Promise<void> {
    return currentProcess.run(this.clock, () => this.#agent.stop());
  }

  /** As SIGKILL does: what was sent is on its way, nothing else happens any more. */
  kill(): void {
    this.clock.kill();
    for (const dispatcher of this.#dispatchers) dispatcher.cut();
  }

  #transport(): WireDispatcher {
    const dispatcher = new WireDispatcher(this.#wire, this.clock);
    this.#dispatchers.push(dispatcher);
    return dispatcher;
  }
}

interface RolloutsOptions {
  clock: ProcessClock;
  transport: () => WireDispatcher;
  asker: Asker;
  logger: Logger;
  identity: string;
  onStuck: (error: Error) => void;
}

/** A replica without a repository: the election, and the controller while it leads. Much quicker than with git. */
class RolloutsOnly {
  readonly #own: RolloutsOptions;
  readonly #election: LeaderElection;
  #work: { controller: Controller; client: KubeClient } | undefined;
  #turn: Promise<void> = Promise.resolve();
  #stopped = false;
  /** Whether no request of what was at work last had to be given up. */
  #endedBySelf = true;

  constructor(own: RolloutsOptions) {
    this.#own = own;
    const { clock, identity } = own;
    this.#election = new LeaderElection({
      client: this.#client(),
      clock,
      namespace: NAMESPACE,
      name: 'nodeop-agent',
      identity,
      leaseDurationMs: LEASE_MS,
      renewDeadlineMs: 30_000,
      retryPeriodMs: 14_000,
      onGain: (tenure) => this.#become(tenure),
      onLoss: () => {
        void this.#work?.client.close();
        this.#become(undefined);
      },
      onError: () => {},
    });
  }

  start(): void {
    this.#election.start();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#become(undefined);
    await this.#turn;
    await this.#election.stop({ release: this.#endedBySelf });
  }

  #client(tenure?: Tenure): KubeClient {
    const { clock, transport } = this.#own;
    const { holds: mayWrite, left: leaseLeft } = tenure ?? {};
    return new KubeClient({ kubeconfig: KUBECONFIG, clock, dispatcher: transport(), mayWrite, leaseLeft });
  }

  #become(tenure: Tenure | undefined): void {
    const { clock, asker, logger, onStuck } = this.#own;
    this.#turn = this.#turn
      .then(async () => {
        await within(clock, ROLE_MS, 'a change of role', this.#end());
        this.#work = undefined;
        if (tenure === undefined || this.#stopped) return;
        const client = this.#client(tenure);
        const controller = new Controller({ client, logger, clock, asker });
        this.#work = { controller, client };
        controller.start().catch(() => {});
      })
      .catch(onStuck);
  }

  /** As an Agent ends. */
  async #end(): Promise<void> {
    const work = this.#work;
    if (work === undefined) return;
    const end = () => work.controller.stop();
    this.#endedBySelf = await endOrCut(this.#own.clock, end, () => void work.client.close());
  }
}
