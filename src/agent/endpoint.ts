import type { AgentConfig } from '../api/config.ts';
import { isFinalPhase, type NodeOp } from '../api/nodeop.ts';
import { type ClusterHolds, nodeOpHoldText } from '../core/holds.ts';
import type { Clock, Telemetry } from '../core/ports.ts';
import { healthRoutes, type Check } from '../http/health.ts';
import { addressesIn } from '../http/caller.ts';
import { systemClock } from '../time/clock.ts';
import { Digest } from './digest.ts';
import { HttpServer } from '../http/server.ts';
import { triggerRoutes } from '../http/triggers.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Logger } from './logger.ts';
import type { PageParts } from './page/open.ts';
import type { PollState } from './repository/loop.ts';

/** What the endpoint looks up in the replica it belongs to. */
export interface EndpointSource {
  leader: () => boolean;
  checks: () => Check[];
  progress: () => Check[];
  poll: () => PollState;
  /** What holds the whole cluster. */
  holds: () => ClusterHolds;
  nodeOps: () => Iterable<NodeOp>;
  /** How many actions of each type have failed again and again. */
  troubles: () => ReadonlyMap<string, number>;
  /** Asks whoever leads for a poll at once. */
  requestPoll: (reason: string) => void;
}

/** What the page needs besides, where there is one. */
export interface PageAccess {
  /** A client of its own, which ends with it. */
  client: () => KubeClient;
  clock: Clock;
  /** Of the Lease and the record. */
  namespace: string;
}

export interface Endpoint {
  telemetry: Telemetry;
  close: () => Promise<void>;
}

/**
 * Opens health, metrics, webhooks and the page on the configured ports. An address that is taken is an error in the
 * log, not the end: the rollouts go on, and the liveness probe says what it thinks of it.
 */
export async function openEndpoint(
  http: NonNullable<AgentConfig['http']>,
  config: AgentConfig,
  version: string,
  source: EndpointSource,
  logger: Logger,
  access: PageAccess,
): Promise<Endpoint> {
  const log = logger.child({ loop: 'http' });
  const { git } = config;
  // Loaded only where it is used: the metrics' library would cost every other command its memory.
  const { createMetrics } = await import('../http/metrics.ts');
  const metrics = createMetrics(version, () => {
    const { tip, lastPoll, waiting = [] } = source.poll();
    const reasons = new Map<string, number>();
    for (const { reason } of waiting) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    const nodeOps = [...source.nodeOps()];
    const held = countHolds(source.holds(), nodeOps);
    const failing = source.troubles();
    const counts = { waiting: reasons, held, failing, ...countPhases(nodeOps) };
    return { leader: source.leader(), tip, lastPoll, ...counts };
  });
  const refusals = new Digest(systemClock, (fields) => log.warn(fields, 'call refused'));
  const triggers = triggerRoutes({
    url: git.url,
    branch: git.branch,
    hooks: http.hooks,
    pollTokenFile: http.poll?.tokenFile,
    rateLimit: http.rateLimit,
    poll: source.requestPoll,
    onRefused: (path, reason, remote) =>
      refusals.tell(`${path} ${reason.slice(0, 40)}`, { path, reason: reason.slice(0, 500), remote }),
  });
  const page = http.page && (await openPage({ config, version, source, logger, access }));
  const common = {
    isTrustedProxy: addressesIn(http.trustedProxies),
    onError: (error: unknown) => log.error({ err: String(error) }, 'http'),
  };
  const isShared = http.page !== undefined && http.page.port === undefined;
  const server = new HttpServer({
    ...common,
    routes: [...healthRoutes(source.checks, source.progress), metrics.route, ...triggers],
    host: http.host,
    port: http.port,
    ...(isShared && { site: page?.site }),
  });
  await listen(server, http.port, 'health, metrics and webhooks are served', log);
  if (isShared) log.info({ port: http.port }, 'the page is served');
  const { port, host = '127.0.0.1' } = http.page ?? {};
  const own =
    port === undefined ? undefined : new HttpServer({ ...common, routes: [], host, port, site: page?.site });
  if (own && port !== undefined) await listen(own, port, 'the page is served', log);
  return {
    telemetry: metrics.telemetry,
    close: async () => {
      refusals.close();
      await Promise.all([server.close(), own?.close()]);
      await page?.close();
    },
  };
}

/** An address that is taken is no reason to end. */
async function listen(server: HttpServer, port: number, message: string, log: Logger): Promise<void> {
  try {
    log.info({ port: await server.listen() }, message);
  } catch {
    log.error({ port }, 'nothing is served: the port cannot be listened on');
  }
}

async function openPage({
  config,
  version,
  source,
  logger,
  access,
}: {
  config: AgentConfig;
  version: string;
  source: EndpointSource;
  logger: Logger;
  access: PageAccess;
}): Promise<PageParts> {
  // Loaded only where somebody may look.
  const { agentPage } = await import('./page/open.ts');
  const client = access.client();
  const parts = agentPage({
    config,
    client,
    clock: access.clock,
    namespace: access.namespace,
    version,
    logger,
    agent: () => {
      const { tip, lastPoll } = source.poll();
      const wrong = source.checks().filter(({ missing }) => missing !== undefined);
      const problems = wrong.map(({ name, missing }) => `${name}: ${missing}`);
      return { servedBy: source.leader() ? 'leader' : 'standby', tip, lastPoll, problems };
    },
  });
  const close = async () => {
    await parts.close();
    await client.close();
  };
  return { site: parts.site, close };
}

/** Of the lease and the repository 1 while they hold the cluster, of NodeOps how many are held by themselves. */
function countHolds({ lease, repository }: ClusterHolds, nodeOps: readonly NodeOp[]) {
  const isHeld = (it: NodeOp) => nodeOpHoldText(it) !== undefined && !isFinalPhase(it.status?.phase);
  return new Map([
    ['lease', Number(lease !== undefined)],
    ['repository', Number(repository !== undefined)],
    ['nodeop', nodeOps.filter(isHeld).length],
  ]);
}

/** How many NodeOps, nodes of all of them, and steps of those that go on are in each phase. */
function countPhases(nodeOps: Iterable<NodeOp>) {
  const runs = new Map<string, number>();
  const nodes = new Map<string, number>();
  const steps = new Map<string, number>();
  const add = (counts: Map<string, number>, phase: string) => counts.set(phase, (counts.get(phase) ?? 0) + 1);
  for (const { status } of nodeOps) {
    add(runs, status?.phase ?? 'Pending');
    for (const { phase } of Object.values(status?.nodeStatuses ?? {})) add(nodes, phase);
    if (isFinalPhase(status?.phase)) continue;
    for (const { phase } of status?.steps ?? []) add(steps, phase);
  }
  return { runs, nodes, steps };
}
