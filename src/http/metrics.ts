import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Telemetry } from '../core/ports.ts';
import type { Route } from './server.ts';

/** What is looked up when somebody asks, rather than counted as it happens. */
export interface Observation {
  leader: boolean;
  /** Commit the followed branch is at. */
  tip?: string | undefined;
  /** When the repository was last fetched without an error, in epoch milliseconds. */
  lastPoll?: number | undefined;
  /** How many runs wait for what. */
  waiting: ReadonlyMap<string, number>;
  /** How many runs and nodes are in each phase. */
  runs: ReadonlyMap<string, number>;
  nodes: ReadonlyMap<string, number>;
  /** How many steps of rollouts that go on. */
  steps: ReadonlyMap<string, number>;
  /** By whom something is held: how many holds. */
  held?: ReadonlyMap<string, number>;
  /** How many actions of each type have failed again and again. */
  failing?: ReadonlyMap<string, number>;
}

const SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const MINUTES = [5, 15, 30, 60, 120, 300, 600, 1200, 3600];

/** The agent's metrics, named as Prometheus recommends. The only importer of prom-client. */
export function createMetrics(
  version: string,
  observe: () => Observation,
): { telemetry: Telemetry; route: Route } {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name: `nodeop_agent_${name}`, help, labelNames, registers });
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name: `nodeop_agent_${name}`, help, labelNames, registers });
  const histogram = (name: string, help: string) =>
    new Histogram({ name: `nodeop_agent_${name}`, help, buckets: MINUTES, registers });

  gauge('build_info', 'The version that runs; always 1.', ['version']).set({ version }, 1);
  const leader = gauge('leader', '1 on the replica that acts, 0 on those that stand by.');
  const lastPoll = gauge(
    'last_poll_timestamp_seconds',
    'When the repository was last fetched without an error; its age is time() minus this.',
  );
  const tip = gauge('tip_info', 'The commit the followed branch is at; always 1.', ['commit']);
  const runs = gauge('runs', 'NodeOps in the cluster by phase.', ['phase']);
  const waiting = gauge('runs_waiting', 'Runs that were seen and have not begun, by what they wait for.', [
    'reason',
  ]);
  const nodes = gauge('nodes', 'Nodes of all NodeOps in the cluster by phase.', ['phase']);
  const steps = gauge('steps', 'Steps of NodeOps that go on by phase.', ['phase']);
  const held = gauge(
    'held',
    'Holds people have put on: by the lease and the repository (whole cluster), and on NodeOps that go on.',
    ['by'],
  );
  const failing = gauge(
    'actions_failing',
    'Actions of rollouts that the API server refuses, or does not answer, again and again, by what is to be done.',
    ['action'],
  );
  const polls = counter('polls_total', 'Fetches of the repository.', ['result']);
  const pushRetries = counter('push_retries_total', 'Pushes tried again because somebody else was first.');
  const notifications = counter(
    'notifications_total',
    'Notifications by target of the configuration: sent, attempts that failed, and those that were given up (dropped).',
    ['target', 'result'],
  );
  const requests = counter('api_requests_total', 'Requests to the API server; code 0 is no answer.', [
    'verb',
    'code',
  ]);
  const drains = histogram(
    'drain_duration_seconds',
    'From cordoning a node to its last pod gone, or to giving up; of nodes that are drained.',
  );
  const reboots = histogram(
    'reboot_duration_seconds',
    'From asking a node to reboot to Ready with a new boot ID.',
  );
  const tries = counter('check_tries_total', 'Tries of checks of steps that have ended.', ['kind', 'result']);
  const verdicts = counter(
    'check_verdicts_total',
    'Evaluations of checks of steps, each of one or several tries; a failed one after the soak fails its step.',
    ['kind', 'verdict'],
  );
  const asked = new Histogram({
    name: 'nodeop_agent_check_duration_seconds',
    help: 'How long a try of a check took, from its beginning to its end.',
    labelNames: ['kind'],
    buckets: SECONDS,
    registers,
  });
  // The first failure is an increase only of a series that was there before.
  for (const kind of ['http', 'prometheus', 'command']) {
    asked.zero({ kind });
    for (const end of ['passed', 'failed']) {
      tries.inc({ kind, result: end }, 0);
      verdicts.inc({ kind, verdict: end }, 0);
    }
  }
  const queue = histogram('run_queue_duration_seconds', 'From seeing a run to creating its NodeOp.');

  const collect = () => {
    const seen = observe();
    leader.set(seen.leader ? 1 : 0);
    if (seen.lastPoll !== undefined) lastPoll.set(seen.lastPoll / 1000);
    for (const info of [tip, runs, waiting, nodes, steps, failing]) info.reset();
    if (seen.tip !== undefined) tip.set({ commit: seen.tip }, 1);
    for (const [by, count] of seen.held ?? []) held.set({ by }, count);
    for (const [action, count] of seen.failing ?? []) failing.set({ action }, count);
    for (const [phase, count] of seen.runs) runs.set({ phase }, count);
    for (const [reason, count] of seen.waiting) waiting.set({ reason }, count);
    for (const [phase, count] of seen.nodes) nodes.set({ phase }, count);
    for (const [phase, count] of seen.steps) steps.set({ phase }, count);
  };
  return {
    telemetry: {
      apiRequest: (verb, code) => requests.inc({ verb, code: String(code) }),
      drained: (seconds) => drains.observe(seconds),
      rebooted: (seconds) => reboots.observe(seconds),
      queued: (seconds) => queue.observe(seconds),
      pushRetried: () => pushRetries.inc(),
      notified: (target, result) => notifications.inc({ target, result }),
      checkTried: (kind, result, seconds) => {
        tries.inc({ kind, result });
        if (seconds !== undefined) asked.observe({ kind }, seconds);
      },
      checkJudged: (kind, verdict) => verdicts.inc({ kind, verdict }),
      polled: (ok) => polls.inc({ result: ok ? 'ok' : 'failed' }),
    },
    route: {
      method: 'GET',
      path: '/metrics',
      handle: async () => {
        collect();
        return {
          code: 200,
          body: await registry.metrics(),
          headers: { 'content-type': registry.contentType },
        };
      },
    },
  };
}
