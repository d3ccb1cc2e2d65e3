import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from '../../../src/agent/logger.ts';
import { Controller } from '../../../src/agent/rollouts/controller.ts';
import { KubeClient } from '../../../src/kube/client.ts';
import { LeaderElection } from '../../../src/kube/lease.ts';
import { NAMESPACE } from './cluster.ts';
import type { Random } from './random.ts';
import { ProcessClock, type VirtualTime } from './time.ts';
import { type Wire, WireDispatcher } from './transport.ts';

/** The official client reads a file; nothing listens where it points to. */
const KUBECONFIG = join(tmpdir(), `nodeop-world-${process.pid}.yaml`);
writeFileSync(
  KUBECONFIG,
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'world',
    clusters: [{ name: 'world', cluster: { server: 'http://world', 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'world', user: {} }],
    contexts: [{ name: 'world', context: { cluster: 'world', user: 'world' } }],
  }),
);

/** One replica of the agent, from its start to its end. */
export class AgentProcess {
  readonly clock: ProcessClock;
  readonly #wire: Wire;
  readonly #dispatchers: WireDispatcher[] = [];
  readonly #election: LeaderElection;
  readonly #logger: Logger;
  #controller: { controller: Controller; client: KubeClient } | undefined;
  #turn: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(wire: Wire, time: VirtualTime, random: Random, logger: Logger, clockOffset: number) {
    this.clock = new ProcessClock(time, random.next, clockOffset);
    this.#wire = wire;
    this.#logger = logger;
    this.#election = new LeaderElection({
      client: this.#client(),
      clock: this.clock,
      namespace: NAMESPACE,
      name: 'nodeop-agent',
      identity: random.uuid(),
      // Longer than by default: to renew a lease is most of what a quiet history does.
      leaseDurationMs: 45_000,
      renewDeadlineMs: 30_000,
      retryPeriodMs: 10_000,
      onGain: (holds) => this.#become(holds),
      onLoss: () => {
        void this.#controller?.client.close();
        this.#become(undefined);
      },
      onError: () => {},
    });
    this.#election.start();
  }

  get leads(): boolean {
    return this.#controller?.controller.synced === true && !this.clock.dead;
  }

  /** As SIGTERM does. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#become(undefined);
    await this.#turn;
    await this.#election.stop();
  }

  /** As SIGKILL does: what was sent is on its way, nothing else happens any more. */
  kill(): void {
    this.clock.kill();
    for (const dispatcher of this.#dispatchers) dispatcher.cut();
  }

  #client(mayWrite?: () => boolean): KubeClient {
    const dispatcher = new WireDispatcher(this.#wire, this.clock);
    this.#dispatchers.push(dispatcher);
    return new KubeClient({ kubeconfig: KUBECONFIG, clock: this.clock, dispatcher, mayWrite });
  }

  #become(holds: (() => boolean) | undefined): void {
    this.#turn = this.#turn.then(async () => {
      await this.#controller?.controller.stop();
      this.#controller = undefined;
      if (holds === undefined || this.#stopped) return;
      const client = this.#client(holds);
      const controller = new Controller({ client, logger: this.#logger, clock: this.clock });
      this.#controller = { controller, client };
      controller.start().catch(() => {});
    });
  }
}
