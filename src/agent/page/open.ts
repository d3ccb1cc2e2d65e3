import { type AgentConfig, clusterOf } from '../../api/config.ts';
import { compilePattern } from '../../api/patterns.ts';
import { gitPlaceOf } from '../../core/page/git-place.ts';
import type { AgentFacts } from '../../core/page/facts.ts';
import type { Clock } from '../../core/ports.ts';
import { redact } from '../../git/credentials.ts';
import { type Mirror, mirrorOf } from '../../git/mirror.ts';
import { authOf } from '../../http/page/auth.ts';
import { Site } from '../../http/page/site.ts';
import type { KubeClient } from '../../kube/client.ts';
import { AccessReviews } from '../../kube/reviews.ts';
import { pageAssets } from '../../page/assets.ts';
import { Digest } from '../digest.ts';
import type { Logger } from '../logger.ts';
import { LiveSource } from './source.ts';

export interface PageParts {
  site: Site;
  close: () => Promise<void>;
}

export interface AgentPageOptions {
  config: AgentConfig;
  client: KubeClient;
  clock: Clock;
  /** Of the Lease and the record. */
  namespace: string;
  version: string;
  logger: Logger;
  agent: () => Pick<AgentFacts, 'servedBy' | 'tip' | 'lastPoll' | 'problems'>;
}

/** The page of an agent, whether it leads or stands by: all it shows it reads by itself. */
export function agentPage(options: AgentPageOptions): PageParts {
  const { config, client, clock, namespace, version } = options;
  const { http, git, kubernetes, feedback } = config;
  const page = http?.page ?? { hosts: [] };
  const logger = options.logger.child({ loop: 'page' });
  const onError = (error: unknown) => {
    logger.warn(
      { err: error instanceof Error ? error.message : String(error) },
      'the page cannot be told all',
    );
  };
  const stop = new AbortController();
  const mirror = mirrorOf(git, stop.signal);
  const place = (url: string | undefined, branch: string) => gitPlaceOf({ feedback, url, branch });
  const { results } = git;
  const url = redact(git.url);
  const source = new LiveSource({
    client,
    clock,
    cluster: { namespace, lease: kubernetes.leaderElection.name },
    layout: () => ({ ...git.paths, cluster: clusterOf(config) }),
    branches: { runs: branchOf(mirror, 'runs'), results: branchOf(mirror, 'results') },
    git: place(git.url, git.branch),
    gitOfResults: results ? place(results.url ?? git.url, results.branch) : place(git.url, git.branch),
    agent: () => ({ ...options.agent(), version, repository: url, branch: git.branch }),
    access: { own: '', kubectl: '' },
    mask: config.report.mask.map(compilePattern),
    onError,
  });
  const auth = authOf({
    page,
    trustedProxies: http?.trustedProxies ?? [],
    namespace: kubernetes.namespace,
    clock,
    reviews: new AccessReviews(client, kubernetes.namespace, page.auth?.kubernetes?.audiences),
  });
  const refusals = new Digest(clock, (fields) => logger.info(fields, 'sign-in'));
  const onSignIn = (outcome: string, fields: object) => {
    if (outcome === 'signed in') logger.info({ outcome, ...fields }, 'sign-in');
    else refusals.tell(outcome, { outcome, ...fields });
  };
  const site = new Site({
    assets: pageAssets,
    source,
    auth,
    hosts: page.hosts,
    clock,
    version,
    onError,
    onSignIn,
  });
  return {
    site,
    close: async () => {
      site.close();
      refusals.close();
      stop.abort();
      await source.close();
    },
  };
}

/** What the agent has fetched, and by itself what it left out; nothing of the agent's own work is touched. */
function branchOf(mirror: Mirror, which: 'runs' | 'results') {
  const { git } = mirror;
  const { contents, ref } = mirror[which];
  return { git, contents, ref };
}
