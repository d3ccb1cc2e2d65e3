import { type AgentConfig, clusterOf } from '../api/config.ts';
import { InvalidError } from '../api/errors.ts';
import type { NodeOp } from '../api/nodeop.ts';
import {
  type Clock,
  NO_TELEMETRY,
  type NodeOpStore,
  type ReportListener,
  type Telemetry,
  type Timetable,
} from '../core/ports.ts';
import type { Asker } from '../core/checks/try.ts';
import { KubeClient, type KubeClientOptions } from '../kube/client.ts';
import type { Tenure } from '../kube/lease.ts';
import { ledgerStore } from '../kube/ledger-store.ts';
import { notifyStore } from '../kube/notify-store.ts';
import { nodeOpStore } from '../kube/nodeop-store.ts';
import { NODES } from '../kube/resources.ts';
import { Controller } from './rollouts/controller.ts';
import { ExternalRollouts } from './rollouts/external.ts';
import { Feedback } from './feedback.ts';
import { endOrCut } from './grace.ts';
import type { Logger } from './logger.ts';
import { Notifier } from './notify/notifier.ts';
import { Holds } from './holds.ts';
import { holdPath } from '../core/runs/paths.ts';
import { RepositoryLoop } from './repository/loop.ts';
import { pause } from '../time/backoff.ts';
import { systemClock } from '../time/clock.ts';
import { cronTimetable } from '../time/timetable.ts';

/** Where the agent itself runs, so that it drains its own node last and never evicts itself. */
export interface Place {
  node?: string | undefined;
  pod?: string | undefined;
  /** The agent's own namespace. */
  namespace?: string | undefined;
}

/** `NODE_NAME`, `POD_NAMESPACE` and `POD_NAME` as the Deployment sets them. */
export function placeFrom(env: NodeJS.ProcessEnv): Place {
  const { NODE_NAME: node, POD_NAMESPACE: namespace, POD_NAME: name } = env;
  const pod = namespace !== undefined && name !== undefined ? `${namespace}/${name}` : undefined;
  return { node, namespace, pod };
}

/** What a replica gives the agent it runs while it leads. */
export interface AgentOptions {
  place?: Place;
  /** Under which it writes to the cluster; without one nobody else does. */
  tenure?: Tenure | undefined;
  telemetry?: Telemetry;
  clock?: Clock;
  timetable?: Timetable;
  /** What carries its requests to the API server; connections of its own when absent. */
  transport?: Transport | undefined;
  /** Nobody has led for so long that the cluster may come from a backup: its NodeOps are compared with their reports first. */
  isUntended?: boolean;
  /** Told once they have been. */
  onTended?: (() => void) | undefined;
  /** Told when the cluster turns out to be one of the past meanwhile: what this agent remembers is of another one. */
  onWentBack?: (() => void) | undefined;
  /** Sends the requests of checks; real ones when absent. */
  asker?: Asker | undefined;
  /** The reason on the lease to hold the whole cluster, if it is there. */
  leaseHold?: string | undefined;
}

const SETTLE_LOOK_MS = 50;
/** Makes what carries one client's requests. */
export type Transport = () => NonNullable<KubeClientOptions['dispatcher']>;

/** The composition root: one cluster, one repository, and the two loops between them. */
export class Agent {
  readonly repository: RepositoryLoop;
  readonly holds: Holds;
  /** Absent unless configured. */
  readonly feedback: Feedback | undefined;
  readonly notifier: Notifier;
  private readonly controller: Controller | ExternalRollouts;
  private readonly store: NodeOpStore;
  private readonly client: KubeClient;
  private readonly logger: Logger;
  private readonly clock: Clock;
  private readonly timetable: Timetable;
  private readonly listeners = new Set<() => void>();

  /** Throws InvalidError when the cluster's access is not configured. */
  constructor(config: AgentConfig, logger: Logger, options: AgentOptions = {}) {
    const { place = {}, tenure, telemetry = NO_TELEMETRY, clock = systemClock, transport } = options;
    this.logger = logger;
    this.clock = clock;
    this.timetable = options.timetable ?? cronTimetable(clock);
    this.holds = new Holds(logger, holdPath(config.git.paths));
    this.holds.set('lease', options.leaseHold);
    this.client = connect(config, {
      clock,
      mayWrite: tenure?.holds,
      leaseLeft: tenure?.left,
      onAnswer: telemetry.apiRequest,
      dispatcher: transport?.(),
    });
    const common = {
      client: this.client,
      clock,
      logger: logger.child({ loop: 'rollouts' }),
      onChange: () => {
        for (const listener of this.listeners) listener();
      },
    };
    const controller =
      config.rollout.executor === 'external'
        ? new ExternalRollouts(common)
        : new Controller({
            ...common,
            agentNode: place.node,
            agentPod: place.pod,
            defaultImage: config.defaults.image,
            telemetry,
            runsAreMarked: true,
            onWentBack: options.onWentBack,
            holds: this.holds,
            maxConcurrent: config.runs.maxConcurrent,
            checkAccess: config.checks,
            asker: options.asker,
            mayGo: (nodeOp) => this.repository.mayGo(nodeOp),
            mayGoOn: (nodeOp) => this.repository.mayGoOn(nodeOp),
          });
    this.controller = controller;
    const namespace = place.namespace ?? config.kubernetes.namespace;
    const lease = config.kubernetes.leaderElection.name;
    this.store = nodeOpStore({
      client: this.client,
      ledger: ledgerStore(this.client, namespace, lease),
      cache: controller.caches.nodeOps,
      subscribe: (listener) => {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
      },
      ...(controller instanceof Controller
        ? { obstacle: () => this.obstacle, mayDrop: () => !controller.definition.isWhole }
        : { read: controller.read, mayDrop: () => true, exact: true }),
    });
    this.holds.onChange(() => this.controller.wake());
    this.feedback = feedbackOf(config, logger, clock, (commit) => this.repository.mergesAfter(commit));
    this.notifier = new Notifier({
      config,
      nodeOps: this.store,
      store: notifyStore(this.client, namespace, lease),
      layout: { ...config.git.paths, cluster: clusterOf(config) },
      clock,
      logger,
      telemetry,
    });
    const onReports = listeners(
      this.feedback?.tell,
      config.notify.length > 0 ? this.notifier.tell : undefined,
    );
    this.repository = new RepositoryLoop({
      config,
      store: this.store,
      holds: this.holds,
      logger,
      clock,
      telemetry,
      isUntended: options.isUntended === true,
      onTended: () => {
        options.onTended?.();
        this.controller.wake();
      },
      onRecord: () => this.controller.wake(),
      ...(onReports && { onReports }),
    });
  }

  /** People hold the whole cluster by the lease, or no longer do. */
  hold(reason: string | undefined): void {
    this.holds.set('lease', reason);
  }

  /** Resolves when the cluster's state is known; an API server that is away is waited for. Rejects with StoppedError when stopped. */
  async startController(): Promise<void> {
    this.logger.info({ ready: false }, 'waiting for the API server');
    await this.controller.start();
    this.logger.info({ ready: true }, 'cluster state is known');
    this.notifier.start();
  }

  async start(): Promise<void> {
    await this.startController();
    await this.repository.start(this.timetable);
  }

  /** Waits until nothing is left to do for NodeOps that are over, but no longer than that many milliseconds. */
  async settle(ms: number): Promise<void> {
    const until = this.clock.steady() + ms;
    // oxlint-disable-next-line no-await-in-loop -- one look after the other
    while (!this.controller.quiet && this.clock.steady() < until) await pause(this.clock, SETTLE_LOOK_MS);
  }

  /** Whether the state of the cluster is known. */
  get synced(): boolean {
    return this.controller.synced;
  }

  /** Why no NodeOp is begun in this cluster, if that is so. */
  get obstacle(): string | undefined {
    return this.controller instanceof Controller ? this.controller.definition.obstacle : undefined;
  }

  /** Rejects when the API server gives no answer to a small question. */
  async ping(): Promise<void> {
    await this.client.list(NODES, { limit: 1 });
  }

  nodeOps(): Iterable<NodeOp> {
    return this.store.list();
  }

  /** How many actions of each type have failed again and again. */
  troubles(): ReadonlyMap<string, number> {
    return this.controller instanceof Controller ? this.controller.troubles() : new Map();
  }

  /** Cuts the connection to the cluster in mid-request: whatever is under way ends now. Then `stop`. */
  abandon(): void {
    void this.client.close();
  }

  /**
   * Last started, first stopped. What is under way in the cluster goes on and is picked up again; a request that is not
   * answered for long is given up.
   * @returns whether nothing of it can take effect any more
   */
  async stop(): Promise<boolean> {
    const end = async () => {
      await this.repository.stop();
      await this.feedback?.stop();
      await this.notifier.stop();
      await this.controller.stop();
      await this.client.close();
    };
    const isEnded = await endOrCut(this.clock, end, () => this.abandon());
    return isEnded && !this.client.isOwed;
  }
}

function listeners(...all: (ReportListener | undefined)[]): ReportListener | undefined {
  const given = all.filter((it) => it !== undefined);
  if (given.length === 0) return undefined;
  return (reports) => {
    for (const tell of given) tell(reports);
  };
}

function feedbackOf(
  config: AgentConfig,
  logger: Logger,
  clock: Clock,
  mergesAfter: (commit: string) => Promise<string[]>,
): Feedback | undefined {
  const { feedback, git } = config;
  if (feedback === undefined) return undefined;
  const { url, branch } = git.results ?? git;
  const own = git.results && url !== undefined ? { resultsUrl: url } : {};
  const layout = { ...git.paths, cluster: clusterOf(config) };
  return new Feedback({ config: feedback, layout, branch, ...own, logger, clock, mergesAfter });
}

/** Throws InvalidError when the cluster's access is not configured. */
export function connect(
  { kubernetes }: AgentConfig,
  options: Pick<KubeClientOptions, 'clock' | 'dispatcher' | 'mayWrite' | 'leaseLeft' | 'onAnswer'> = {},
): KubeClient {
  const { kubeconfig, context } = kubernetes;
  try {
    return new KubeClient({ kubeconfig, context, ...options });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new InvalidError('the cluster cannot be reached as configured:', [
      { path: ['kubernetes', 'kubeconfig'], message },
    ]);
  }
}
