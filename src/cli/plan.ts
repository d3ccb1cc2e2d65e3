import { join } from 'node:path';
import { Command, Option } from 'commander';
import { type AgentConfig, AGENT_API_VERSION, AgentConfigSchema, clusterOf } from '../api/config.ts';
import { durationMs, formatProblem, nearest } from '../api/schema.ts';
import { code, escape } from '../core/text/markup.ts';
import { previewMarkdown, problemsMarkdown } from '../core/preview/markdown.ts';
import { isBlocked } from '../core/preview/preview.ts';
import { previewText } from '../core/preview/text.ts';
import { fitted } from '../core/text/fit.ts';
import { line } from '../core/text/output.ts';
import { clusterOptions, ReadOnlyCluster, type ClusterFlags } from './cluster.ts';
import { loadConfig } from './load-config.ts';
import { viewOfCluster } from './plan/from-cluster.ts';
import { viewOfFiles } from './plan/from-files.ts';
import type { PlanContext } from './plan/context.ts';
import { planAll, type Planned } from './plan/plan-run.ts';
import { readRun } from './plan/read-run.ts';
import type { ClusterView } from './plan/view.ts';
import { type Format, outputOption, printDocument } from './output.ts';
import { readDefinitions } from './repository-files.ts';
import { columns, durationText, printData, prose } from './terminal.ts';

type PlanFormat = Format | 'markdown';

interface PlanFlags extends ClusterFlags {
  config?: string;
  root: string;
  results?: string;
  cluster?: string;
  nodes: string[];
  nodeTime: string;
  format: PlanFormat;
  strict: boolean;
}

export function planCommand(): Command {
  const command = new Command('plan')
    .description('what merging run files would do: nodes in order, evictions, what would block')
    .argument('<RUNFILE...>', 'run files in a checkout of the repository');
  return outputOption(clusterOptions(command, 'namespace of runs that name none'), ['markdown'])
    .addOption(
      new Option(
        '--nodes <file>',
        'plan offline from objects that kubectl printed into a file; may be repeated',
      )
        .argParser((file: string, others: string[]) => [...others, file])
        .default([], 'the cluster'),
    )
    .option(
      '--config <file>',
      "the agent's configuration: cluster name, folders, namespace, who carries out rollouts",
    )
    .option('--root <dir>', 'the repository', '.')
    .option('--results <dir>', 'checkout with the reports, when they are on a branch of their own')
    .option('--cluster <name>', "the cluster's name, as run files use it")
    .addOption(
      new Option('--node-time <duration>', 'how long one node takes, for the shortest time')
        .argParser(durationText)
        .default('0s'),
    )
    .option('--strict', 'exit status 1 when something would block', false)
    .addHelpText(
      'after',
      prose(`
Reads the cluster only. Exit status: 0, 1 with --strict when something would block, 2 when a run file or an option is
invalid or it cannot be told which cluster this is, 3 when the cluster cannot be reached.

Examples:
  nodeop-agent plan --context berlin runs/2030-01-31-swappiness.yaml
  kubectl get nodes,pods,poddisruptionbudgets,daemonsets,nodeops -A -o json > cluster.json
  nodeop-agent plan --nodes cluster.json --format markdown runs/2030-01-31-swappiness.yaml`),
    )
    .action(run);
}

async function run(files: string[], flags: PlanFlags): Promise<void> {
  const config = flags.config === undefined ? defaults() : await loadConfig(flags.config);
  const context = await contextOf(flags, config);
  const read = await Promise.all(files.map((file) => readRun(file, context)));
  const runs = [...new Map(read.map((it) => [it.run, it])).values()];
  // Without a single valid run there is no reason to ask the cluster.
  const asks = runs.some(({ prepared }) => prepared.ok && prepared.here);
  const planned = asks
    ? await withView(flags, config, (view) => planAll(runs, context, view))
    : await planAll(runs, context, NOTHING);
  show(planned, flags.format);
  process.exitCode = exitStatus(planned, flags.strict);
}

const NOTHING: ClusterView = {
  facts: { nodes: new Map(), claims: new Map(), agentNode: undefined, agentPod: undefined },
  gaps: [],
  podGaps: [],
  budgets: () => Promise.resolve([]),
  podsOf: () => Promise.resolve(undefined),
};

function defaults(): AgentConfig {
  return AgentConfigSchema.parse({ apiVersion: AGENT_API_VERSION, kind: 'AgentConfig', git: { url: '.' } });
}

async function contextOf(flags: PlanFlags, config: AgentConfig): Promise<PlanContext> {
  const layout = { ...config.git.paths, cluster: flags.cluster ?? clusterOf(config) };
  return {
    root: flags.root,
    results: flags.results ?? (config.git.results ? undefined : flags.root),
    layout,
    namespace: flags.namespace ?? config.kubernetes.namespace,
    executor: config.rollout.executor,
    defaultImage: config.defaults.image,
    checkAccess: flags.config === undefined ? undefined : config.checks,
    maxConcurrent: config.runs.maxConcurrent,
    maxAgeMs: durationMs(config.runs.maxAge),
    verifies: config.git.verify !== undefined,
    definitions: await readDefinitions(join(flags.root, layout.nodeops)),
    nodeSeconds: durationMs(flags.nodeTime) / 1000,
  };
}

async function withView<T>(
  flags: PlanFlags,
  { kubernetes }: AgentConfig,
  use: (view: ClusterView) => Promise<T>,
): Promise<T> {
  const lease = { namespace: kubernetes.namespace, name: kubernetes.leaderElection.name };
  if (flags.nodes.length > 0) return use(await viewOfFiles(flags.nodes, lease));
  const { kubeconfig = kubernetes.kubeconfig, context = kubernetes.context } = flags;
  const cluster = new ReadOnlyCluster({
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
  });
  try {
    return await use(await viewOfCluster(cluster, lease));
  } finally {
    await cluster.close();
  }
}

/** A comment on GitHub holds 65,535 characters; what all runs share leaves room for a marker. */
const MARKDOWN_LIMIT = 60_000;

function show(planned: readonly Planned[], format: PlanFormat): void {
  if (format === 'text') return printData(planned.map(text).join('\n'));
  if (format !== 'markdown') return printDocument(planned, format);
  const limit = Math.floor(MARKDOWN_LIMIT / planned.length);
  return printData(planned.map((it) => markdown(it, limit)).join('\n'));
}

function text(planned: Planned): string {
  if (planned.kind === 'preview') return previewText(planned.preview, columns());
  if (planned.kind === 'elsewhere') return fitted(line(`${planned.run}: ${elsewhere(planned)}`), columns());
  const lines = planned.problems.map(
    (it) => `${line(planned.run)}:${it.line ?? 1}:${it.column ?? 1}: ${formatProblem(it)}`,
  );
  lines.push(`${line(planned.run)}: is not valid; nothing would be executed`);
  return fitted(lines.join('\n'), columns());
}

function markdown(planned: Planned, limit: number): string {
  if (planned.kind === 'preview') return previewMarkdown(planned.preview, limit);
  if (planned.kind === 'elsewhere') return `### ${code(planned.run)}\n\n${escape(elsewhere(planned))}\n`;
  return problemsMarkdown(planned.run, planned.problems);
}

type Elsewhere = Extract<Planned, { kind: 'elsewhere' }>;

function elsewhere(it: Elsewhere): string {
  const others = `is for other clusters only: ${it.clusters.join(', ')}`;
  if (it.cluster === undefined) return `${others}; say with --cluster, or --config, which one this is`;
  const guess = meant(it);
  return guess === undefined
    ? others
    : `${others}, and this is said to be ${it.cluster}; did you mean "${guess}"?`;
}

/** Whether it may well be for this one: nobody has said which it is, or somebody mistyped it. */
function isUnknown(it: Elsewhere): boolean {
  return it.cluster === undefined || meant(it) !== undefined;
}

/** The name that was mistyped; edge-1 and edge-2 are two clusters and no mistake. */
function meant({ cluster = '', clusters }: Elsewhere): string | undefined {
  const plain = (name: string) => name.replaceAll(/\d+/g, '#');
  const guess = nearest(cluster, clusters);
  return guess === undefined || plain(guess) === plain(cluster) ? undefined : guess;
}

function exitStatus(planned: readonly Planned[], strict: boolean): number {
  if (planned.some((it) => it.kind === 'invalid' || (it.kind === 'elsewhere' && isUnknown(it)))) return 2;
  return strict && planned.some((it) => it.kind === 'preview' && isBlocked(it.preview)) ? 1 : 0;
}
