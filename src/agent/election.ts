import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { AgentConfig } from '../api/config.ts';
import { durationMs } from '../api/schema.ts';
import type { Clock } from '../core/ports.ts';
import type { KubeClient } from '../kube/client.ts';
import { LeaderElection, type LeaderElectionOptions } from '../kube/lease.ts';
import type { Place } from './agent.ts';
import type { Logger } from './logger.ts';

export type ElectionEvents = Pick<
  LeaderElectionOptions,
  'onGain' | 'onLoss' | 'onWait' | 'onPollAsked' | 'onHold' | 'onError'
>;

/** The election the configuration asks for; what is heard of it goes into the log besides. */
export function electionOf(
  { kubernetes }: AgentConfig,
  place: Place,
  client: KubeClient,
  logger: Logger,
  clock: Clock,
  events: ElectionEvents,
  uuid: () => string = randomUUID,
): LeaderElection {
  const { name, leaseDuration, renewDeadline, retryPeriod } = kubernetes.leaderElection;
  const namespace = place.namespace ?? kubernetes.namespace;
  const identity = `${hostname()}_${uuid()}`;
  const log = logger.child({ lease: `${namespace}/${name}`, identity });
  return new LeaderElection({
    client,
    clock,
    namespace,
    name,
    identity,
    leaseDurationMs: durationMs(leaseDuration),
    renewDeadlineMs: durationMs(renewDeadline),
    retryPeriodMs: durationMs(retryPeriod),
    ...events,
    onGain: (tenure, untended) => {
      log.info({ leader: true }, 'leads: this agent acts now');
      events.onGain(tenure, untended);
    },
    onLoss: (reason) => {
      log.error({ leader: false, reason }, 'leads no more: this agent stops acting');
      events.onLoss(reason);
    },
    onWait: (holder) => {
      log.info({ leader: false, holder }, 'stands by: another agent leads');
      events.onWait?.(holder);
    },
  });
}
