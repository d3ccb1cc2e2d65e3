import { isIP } from 'node:net';
import { z } from 'zod';
import { CheckAccessSchema } from './check-access.ts';
import { cron } from './cron.ts';
import { FeedbackSchema } from './feedback.ts';
import { accessFlaws, type Flaw, GitAccess, openFlaw, urlFlaws } from './git-access.ts';
import { GitSigning, GitVerify, trustFlaws } from './git-trust.ts';
import { NotifySchema } from './notify.ts';
import { pattern } from './patterns.ts';
import { trimEnd } from './trim.ts';
import { templateFlaw } from './message-template.ts';
import { PageAccessSchema, pageFlaws } from './page-access.ts';
import { duration, durationMs, int, namespaceName, object, objectName } from './schema.ts';

/** Group and version of the kinds that live in files only: AgentConfig, NodeOpRun, NodeOpReport. */
export const AGENT_API_VERSION = 'agent.nodeop.dev/v1alpha1';

const folder = () =>
  z
    .string()
    .transform((text) => trimEnd(text, '/'))
    .refine(
      (text) => text !== '' && text.split('/').every((part) => !['', '.', '..', '.git'].includes(part)),
      'expected a folder inside the repository, such as "runs" or "ops/runs"',
    );

const Paths = object({
  nodeops: folder().prefault('nodeops').describe('Folder of the definitions.'),
  runs: folder().prefault('runs').describe('Folder of the run files.'),
  results: folder().prefault('results').describe("Folder of the reports; the agent's own."),
  hold: folder()
    .optional()
    .describe(
      'File that holds all clusters while it is there; hold.yaml beside the folder of the run files when absent.',
    ),
}).superRefine((paths, ctx) => {
  const given = Object.entries(paths).filter(([, path]) => path !== undefined);
  for (const [name, path] of given) {
    const inside = given.find(([other, root]) => other !== name && `${path}/`.startsWith(`${root}/`));
    if (inside) {
      ctx.addIssue({ code: 'custom', path: [name], message: `must not lie inside paths.${inside[0]}` });
    }
  }
});

const address = () => z.string().min(1, 'must not be empty').regex(/^[^-]/, 'must not start with "-"');

const branchName = () =>
  z
    .string()
    // eslint-disable-next-line no-control-regex -- Git refuses names with control characters
    .regex(/^(?!-)(?!.*(\.\.|\/\/|@\{))[^\s\x00-\x1f\x7f~^:?*[\\]+$/, 'not a branch name')
    .default('main');

const Results = object({
  url: address().optional().describe('Their repository; git.url when absent.'),
  branch: branchName().describe('Their branch; made by the first commit when there is none.'),
  access: GitAccess.optional().describe('How to get into that repository; with url only.'),
  writeAccess: GitAccess.optional().describe('How to get in for pushes; with url only.'),
});

const Git = object({
  url: address().describe(
    'Repository to follow: https, ssh, or a local path (which is watched, so a push is seen at once).',
  ),
  branch: branchName().describe('Branch to follow and, unless results says otherwise, to commit reports to.'),
  access: GitAccess.prefault({}).describe('How to get into the repository.'),
  writeAccess: GitAccess.optional().describe('How to get in for pushes, when not as for reading.'),
  verify: GitVerify.optional().describe(
    'Runs are carried out only when the commits of their file and definition are signed; no signature is asked for when absent.',
  ),
  insecure: z
    .boolean()
    .default(false)
    .describe(
      'Takes http:// and git:// URLs without git.verify: whoever is on the way to the host can then run anything on every node.',
    ),
  fsck: object({
    skip: z
      .array(z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/, 'expected the whole id of an object'))
      .default([])
      .describe(
        'Objects that are taken though git finds fault with them: old ones that people have looked at.',
      ),
  })
    .prefault({})
    .describe('All objects are checked as they are fetched; a malformed one may hide what is executed.'),
  rewindGrace: duration()
    .default('5m')
    .describe(
      'How long a branch is waited for that goes back to an earlier commit, or lacks the last one in a new clone: a mirror that lags, a force-push put right.',
    ),
  signing: GitSigning.optional().describe("Key the agent's own commits are signed with."),
  results: Results.optional().describe(
    'A branch or repository of its own for what the agent writes of runs: reports, overview, logs, baseline.',
  ),
  dir: z
    .string()
    .min(1, 'must not be empty')
    .default('/var/lib/nodeop-agent/repository.git')
    .describe("The agent's own bare clone. It may be lost at any time; it is then cloned again."),
  timeout: duration().default('60s').describe('Bound on one git command without any progress.'),
  author: object({
    name: z.string().min(1).default('nodeop-agent').describe('Name of the author.'),
    email: z
      .string()
      .min(1)
      .default('nodeop-agent@localhost')
      .describe('Address of the author; some hosts want one they know.'),
  })
    .prefault({})
    .describe('Author of the commits with reports.'),
  paths: Paths.prefault({}).describe('Where in the repository people and the agent write.'),
  poll: object({
    schedule: cron(6)
      .default('*/15 * * * * *')
      .describe('When to fetch: cron with seconds (six fields), in UTC.'),
    jitter: duration().default('2s').describe('Random delay added to each poll.'),
  })
    .prefault({})
    .describe('When the repository is looked at without being asked to.'),
}).superRefine((git, ctx) => {
  const flaws = [
    ...repositoryFlaws(git, git.url),
    ...resultsFlaws(git),
    ...trustFlaws(git),
    ...openFlaws(git),
  ];
  for (const flaw of flaws) {
    ctx.addIssue({ code: 'custom', ...flaw });
  }
});

const ACCESSES = ['access', 'writeAccess'] as const;

function repositoryFlaws(
  repository: Pick<z.infer<typeof Results>, (typeof ACCESSES)[number]>,
  url: string,
): Flaw[] {
  const flaws = urlFlaws(url).map((it) => ({ ...it, path: ['url', ...it.path] }));
  for (const name of ACCESSES) {
    const access = repository[name];
    if (access) flaws.push(...accessFlaws(access, url).map((it) => ({ ...it, path: [name, ...it.path] })));
  }
  return flaws;
}

/** Also of the results: they say what is over, so whoever could put others in their place could have runs begin again. */
function openFlaws({ url, access, writeAccess, results, verify, insecure }: z.infer<typeof Git>): Flaw[] {
  if (verify || insecure) return [];
  const places = [
    { path: ['url'], repository: { url, access, writeAccess } },
    { path: ['results', 'url'], repository: results },
  ];
  return places.flatMap(({ path, repository }) => {
    if (repository?.url === undefined) return [];
    const flaw = openFlaw(repository.url);
    // With credentials it is refused anyway.
    return flaw && repositoryFlaws(repository, repository.url).length === 0 ? [{ ...flaw, path }] : [];
  });
}

function resultsFlaws({ url, branch, results }: z.infer<typeof Git>): Flaw[] {
  if (!results) return [];
  if (results.branch === branch && (results.url ?? url) === url) {
    return [{ path: ['results', 'branch'], message: 'is the followed branch itself; leave results out' }];
  }
  if (results.url !== undefined) {
    return repositoryFlaws(results, results.url).map((it) => ({ ...it, path: ['results', ...it.path] }));
  }
  const message = 'needs results.url; in the same repository git.access and git.writeAccess hold';
  const given = ACCESSES.filter((name) => results[name] !== undefined);
  return given.map((name) => ({ path: ['results', name], message }));
}

const LeaderElection = object({
  enabled: z
    .boolean()
    .default(true)
    .describe('Of all agents with the same lease one acts, the others stand by.'),
  name: objectName()
    .default('nodeop-agent')
    .describe("Name of the Lease; it lies in the agent's own namespace."),
  leaseDuration: duration()
    .default('12s')
    .describe('A lease not renewed for this long is taken over by another agent.'),
  renewDeadline: duration()
    .default('8s')
    .describe('An agent that could not renew for this long stops acting; less than leaseDuration.'),
  retryPeriod: duration().default('2s').describe('Between two looks at the lease.'),
}).superRefine((it, ctx) => {
  const order = ['retryPeriod', 'renewDeadline', 'leaseDuration'] as const;
  for (const [i, name] of order.slice(0, 2).entries()) {
    const above = order[i + 1] ?? name;
    if (durationMs(it[name]) < durationMs(it[above])) continue;
    ctx.addIssue({
      code: 'custom',
      path: [name],
      message: `must be less than ${above}, which is ${it[above]}`,
    });
  }
});

const file = (what: string) =>
  z.string().min(1, 'must not be empty').describe(`File with ${what}, read for every use.`);

const hook = (signature: string) =>
  object({ secretFile: file(`the secret of ${signature}`) })
    .optional()
    .describe(`Takes ${signature}.`);

const HttpFields = object({
  host: z.string().min(1).optional().describe('Address to listen on; all of them when absent.'),
  port: int(1).max(65_535).default(8080).describe('Port of health, metrics, webhooks and poll.'),
  trustedProxies: z
    .array(z.string().refine(isNetwork, 'expected an address or a network such as "10.0.0.0/8"'))
    .default([])
    .describe(
      'Addresses of proxies that are believed about whom they call for (X-Forwarded-For); those of an Ingress, for instance.',
    ),
  poll: object({ tokenFile: file('the bearer token of POST /poll') })
    .optional()
    .describe('POST /poll asks for a poll at once.'),
  hooks: object({
    github: hook('a GitHub webhook'),
    gitlab: hook('a GitLab webhook: its signing token, or its secret token'),
    gitea: hook('a Gitea or Forgejo webhook'),
    bitbucket: hook('a Bitbucket Cloud or Data Center webhook'),
    generic: hook('HMACs made by something else'),
  })
    .prefault({})
    .describe('Webhooks at POST /hooks/<name>; those with a secret exist.'),
  rateLimit: int(1).default(60).describe('Webhooks and polls taken from one address in a minute.'),
  page: PageAccessSchema.optional().describe('A page to look at, which changes nothing; off when absent.'),
});

const Http = HttpFields.superRefine((it, ctx) => {
  for (const flaw of pageFlaws(it)) ctx.addIssue({ code: 'custom', ...flaw });
});

/** An address, or a network by its prefix. */
function isNetwork(text: string): boolean {
  const [network = '', prefix, ...rest] = text.split('/');
  const family = isIP(network);
  if (family === 0 || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128));
}

const ClusterSchema = object({
  name: objectName().optional().describe("The cluster's name; none where only one is served."),
  replaces: z
    .string()
    .regex(/^[\w.-]{1,64}$/, 'expected the UID of the namespace kube-system of the former cluster')
    .optional()
    .describe(
      'UID of the namespace kube-system of the cluster whose name and reports this one takes over, since that was rebuilt.',
    ),
});

/** The agent's configuration file. */
export const AgentConfigSchema = object({
  apiVersion: z.literal(AGENT_API_VERSION).describe('Group and version of this kind.'),
  kind: z.literal('AgentConfig').describe('The kind of this document.'),
  cluster: z
    .union([objectName(), ClusterSchema])
    .optional()
    .describe(
      "This cluster's name: part of the reports' path, matched with spec.clusters of a NodeOpRun. Or `name` and `replaces`.",
    ),
  git: Git.describe('The repository that is followed, and how.'),
  kubernetes: object({
    kubeconfig: z.string().optional().describe('Path of a kubeconfig; in-cluster credentials when absent.'),
    context: z.string().optional().describe('Context of the kubeconfig; its current one when absent.'),
    namespace: namespaceName()
      .default('nodeop-system')
      .describe('Namespace of the NodeOps of runs that name none.'),
    leaderElection: LeaderElection.prefault({}).describe('Which of several agents acts, by a Lease.'),
  })
    .prefault({})
    .describe('The cluster whose nodes are worked on, and how to get into it.'),
  runs: object({
    initial: z
      .enum(['baseline', 'execute'])
      .default('baseline')
      .describe('Run files found at first contact: listed once and passed over, or executed.'),
    maxAge: duration()
      .default('7d')
      .describe(
        'A file that was added longer ago when it becomes valid is refused: nobody expects it any more.',
      ),
    maxConcurrent: int(1).default(1).describe('Runs carried out at the same time.'),
  })
    .prefault({})
    .describe('Which run files begin, and how many at a time.'),
  defaults: object({
    image: z
      .string()
      .min(1, 'must not be empty')
      .optional()
      .describe('Image of NodeOps that name none; pinned, so that all nodes run the same.'),
  })
    .prefault({})
    .describe('What stands in for fields that run files leave out.'),
  rollout: object({
    executor: z
      .enum(['agent', 'external'])
      .default('agent')
      .describe('Who carries out NodeOps: the agent, or another NodeOp controller in the cluster.'),
  })
    .prefault({})
    .describe('How NodeOps are carried out.'),
  checks: CheckAccessSchema.prefault({}).describe(
    'Where the checks of a rollout may send requests, and with which credentials.',
  ),
  report: object({
    interval: duration()
      .default('30s')
      .describe('A running report is committed at most this often; start and end at once.'),
    skipCi: z.boolean().default(true).describe('Put [skip ci] into the commit messages.'),
    message: z
      .string()
      .superRefine((text, ctx) => {
        const message = templateFlaw(text);
        if (message !== undefined) ctx.addIssue({ code: 'custom', message });
      })
      .default('{summary}')
      .describe(
        'Template of the commit messages, for hosts with rules: {summary} is the first line, {details} what follows (at the end unless named), {cluster} the name.',
      ),
    logLines: int()
      .default(20)
      .describe(
        'Last lines of a failed node’s log in the report; 0: none but the one that says why it failed.',
      ),
    logs: z
      .enum(['none', 'failed', 'all'])
      .default('none')
      .describe('Of which nodes the log is committed as a file of its own, beside the report.'),
    picture: z
      .boolean()
      .default(false)
      .describe(
        'Commit a picture of each run that is over beside its report: progress over time, and why nodes failed.',
      ),
    mask: z
      .array(pattern())
      .default([])
      .describe(
        'Regular expressions (RE2) of what is masked in logs, besides what looks like a credential anyway.',
      ),
    keep: object({
      count: int(1).optional().describe('The newest so many.'),
      age: duration().optional().describe('Those of runs that ended within this time.'),
    })
      .prefault({})
      .describe('Final reports that are kept; all of them when empty. A run never starts again for it.'),
  })
    .prefault({})
    .describe('What is committed of runs, and how often.'),
  http: Http.optional().describe('Health, metrics and webhooks; nothing is listened on when absent.'),
  feedback: FeedbackSchema.optional().describe(
    'Commit statuses and comments on the Git host; off when absent.',
  ),
  notify: NotifySchema.default([]).describe('Webhooks that are told how runs are going; none when empty.'),
  log: object({
    level: z
      .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal'])
      .default('info')
      .describe('The least that is logged.'),
  })
    .prefault({})
    .describe('The log on standard output.'),
});
export type AgentConfig = z.infer<typeof AgentConfigSchema>;

/** The cluster's name; undefined where only one is served. */
export function clusterOf({ cluster }: Pick<AgentConfig, 'cluster'>): string | undefined {
  return typeof cluster === 'object' ? cluster.name : cluster;
}

/** UID of the cluster whose name and reports this one takes over. */
export function replacedCluster({ cluster }: Pick<AgentConfig, 'cluster'>): string | undefined {
  return typeof cluster === 'object' ? cluster.replaces : undefined;
}
