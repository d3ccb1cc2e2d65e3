import { PageAccessSchema } from '../../api/page-access.ts';
import type { PageFacts } from '../../core/page/facts.ts';
import { gitPlaceOf } from '../../core/page/git-place.ts';
import { all } from '../../core/page/sees.ts';
import type { Clock } from '../../core/ports.ts';
import type { Layout } from '../../core/runs/paths.ts';
import { Contents } from '../../git/contents.ts';
import { redact } from '../../git/credentials.ts';
import { GitCommand } from '../../git/command.ts';
import { authOf } from '../../http/page/auth.ts';
import { Site } from '../../http/page/site.ts';
import { HttpServer } from '../../http/server.ts';
import type { KubeClient } from '../../kube/client.ts';
import { pageAssets } from '../../page/assets.ts';
import type { PageBranch } from './reports.ts';
import { LiveSource } from './source.ts';

export interface ServeOptions {
  client: KubeClient;
  clock: Clock;
  version: string;
  /** 0: any that is free. */
  port: number;
  namespace: string;
  lease: string;
  layout: Layout;
  /** A repository on this machine, and branches in it as git names them. */
  repository?: { dir: string; runs: string; results: string } | undefined;
  access: PageFacts['access'];
  onError: (error: unknown) => void;
}

export interface Served {
  url: string;
  close: () => Promise<void>;
}

const HOST = '127.0.0.1';
const GIT_MS = 60_000;

/** The page for whoever is at this machine, with their own rights in the cluster. Rejects when the port is taken. */
export async function servePage(options: ServeOptions): Promise<Served> {
  const { client, clock, version, namespace, lease, layout, repository, access, onError } = options;
  const branches = repository && branchesOf(repository);
  const remote = branches && (await remoteOf(branches.runs));
  const git = gitPlaceOf({ url: remote, branch: repository ? shortName(repository.runs) : '' });
  const source = new LiveSource({
    client,
    clock,
    cluster: { namespace, lease },
    layout: () => layout,
    branches,
    git,
    gitOfResults: git && repository && { ...git, branch: shortName(repository.results) },
    agent: () => ({
      servedBy: 'command',
      version,
      problems: [],
      repository: remote === undefined ? undefined : redact(remote),
    }),
    access,
    mask: [],
    onError,
  });
  const page = PageAccessSchema.parse({});
  const nobody = { userOf: () => Promise.resolve(undefined), seesOf: () => Promise.resolve(all(namespace)) };
  const auth = authOf({ page, trustedProxies: [], namespace, clock, reviews: nobody });
  const site = new Site({ assets: pageAssets, source, auth, hosts: [], clock, version, onError });
  const server = new HttpServer({ routes: [], host: HOST, port: options.port, onError, site });
  const port = await server.listen();
  return {
    url: `http://${HOST}:${port}/`,
    close: async () => {
      await server.close();
      site.close();
      await source.close();
    },
  };
}

function branchesOf({ dir, runs, results }: NonNullable<ServeOptions['repository']>) {
  const git = new GitCommand({ dir, timeoutMs: GIT_MS });
  const contents = new Contents(git);
  const branch = (ref: string): PageBranch => ({ git, contents, ref });
  return { runs: branch(runs), results: branch(results) };
}

/** Where the clone came from, as far as it is known: pages of the host are linked. */
async function remoteOf({ git }: PageBranch): Promise<string | undefined> {
  const url = await git.text(['config', '--get', 'remote.origin.url']).catch(() => '');
  return url.trim() === '' ? undefined : url.trim();
}

function shortName(ref: string): string {
  return ref.replace(/^refs\/(?:heads|remotes\/[^/]+)\//, '');
}
