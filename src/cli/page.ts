import { existsSync } from 'node:fs';
import { Command, Option } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { servePage } from '../agent/page/serve.ts';
import { type AgentConfig, clusterOf } from '../api/config.ts';
import { InvalidError } from '../api/errors.ts';
import type { NodeOp } from '../api/nodeop.ts';
import { clusterNameOf } from '../core/runs/identity.ts';
import { GitCommand } from '../git/command.ts';
import { NODEOPS } from '../kube/resources.ts';
import { systemClock } from '../time/clock.ts';
import { accessOf, clusterOptions, ReadOnlyCluster, type ClusterFlags } from './cluster.ts';
import { loadConfig } from './load-config.ts';
import { type Format, outputOption, printDocument } from './output.ts';
import { numberBetween, print, printError, prose, untilSignal } from './terminal.ts';

interface PageFlags extends ClusterFlags {
  repository?: string;
  config?: string;
  port: number;
  format: Format;
}

export function pageCommand(): Command {
  const command = new Command('page')
    .description('a page to look at, on this machine: runs, nodes, what needs somebody')
    .option('--repository <dir>', 'a clone of the repository: reports of runs that the cluster has no more')
    .option('--config <file>', "the agent's configuration: cluster name, folders, branches, namespace")
    .addOption(
      new Option('--port <port>', 'port; any that is free when 0')
        .argParser(numberBetween(0, 65_535))
        .default(8088),
    );
  return outputOption(clusterOptions(command, 'namespace of the agent'))
    .addHelpText(
      'after',
      prose(`
Serves this machine alone, until Ctrl-C, with what your kubeconfig may read, and changes nothing. Of a clone the branch is
read that origin has, as of the last git fetch, else the one that is checked out.

Example:
  nodeop-agent page --context berlin --repository ~/node-operations`),
    )
    .action(run);
}

async function run(flags: PageFlags): Promise<void> {
  const config = flags.config === undefined ? undefined : await loadConfig(flags.config);
  const cluster = new ReadOnlyCluster(flags);
  try {
    const name = (config && clusterOf(config)) ?? (await nameOf(cluster));
    const told = new Set<string>();
    const page = await servePage({
      client: cluster.client,
      clock: systemClock,
      version: packageJson.version,
      port: flags.port,
      namespace: flags.namespace ?? config?.kubernetes.namespace ?? 'nodeop-system',
      lease: config?.kubernetes.leaderElection.name ?? 'nodeop-agent',
      layout: { ...(config?.git.paths ?? PATHS), cluster: name },
      repository: await repositoryOf(flags, config),
      access: accessOf(flags),
      onError: (error) => {
        const message = error instanceof Error ? error.message : String(error);
        if (!told.has(message)) printError(message);
        told.add(message);
      },
    });
    if (flags.format === 'text') print(`The page is at ${page.url} until Ctrl-C.`);
    else printDocument({ url: page.url }, flags.format);
    await untilSignal();
    await page.close();
  } finally {
    await cluster.close();
  }
}

const PATHS = { nodeops: 'nodeops', runs: 'runs', results: 'results' };

/** The name of the cluster, as its NodeOps have it. */
async function nameOf(cluster: ReadOnlyCluster): Promise<string | undefined> {
  for await (const nodeOp of cluster.list<NodeOp>(NODEOPS)) {
    const name = clusterNameOf(nodeOp);
    if (name !== undefined) return name;
  }
  return undefined;
}

async function repositoryOf({ repository: dir }: PageFlags, config: AgentConfig | undefined) {
  if (dir === undefined) return undefined;
  if (!existsSync(dir)) throw new InvalidError(`--repository: there is no folder ${dir}`);
  const git = new GitCommand({ dir, timeoutMs: 60_000 });
  const isRepository = await git.text(['rev-parse', '--git-dir']).then(
    () => true,
    () => false,
  );
  if (!isRepository) throw new InvalidError(`--repository: ${dir} is no Git repository`);
  const { branch, results } = config?.git ?? {};
  const runs = await refOf(git, branch);
  return {
    dir,
    runs,
    results: results?.url === undefined ? await refOf(git, results?.branch ?? branch) : runs,
  };
}

/** What origin has of the branch, as of the last fetch, or else the branch itself. */
async function refOf(git: GitCommand, named: string | undefined): Promise<string> {
  const current = await git.text(['symbolic-ref', '--quiet', '--short', 'HEAD']).catch(() => '');
  const branch = named ?? current.trim();
  for (const ref of [`refs/remotes/origin/${branch}`, `refs/heads/${branch}`]) {
    const found = await git.text(['rev-parse', '--verify', '--quiet', ref]).catch(() => '');
    if (branch !== '' && found.trim() !== '') return ref;
  }
  return 'HEAD';
}
