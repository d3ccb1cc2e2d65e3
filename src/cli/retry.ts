import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { AGENT_API_VERSION } from '../api/config.ts';
import { parseDocument } from '../api/documents.ts';
import { InvalidError } from '../api/errors.ts';
import type { Node } from '../api/kubernetes.ts';
import { ANNOTATION_SPEC } from '../api/labels.ts';
import { isFinalPhase, type NodeOp } from '../api/nodeop.ts';
import { NODEOPRUN_KIND, type NodeOpRun, NodeOpRunSchema } from '../api/nodeoprun.ts';
import { isFinalReport, type NodeOpReport, parseReport } from '../api/report.ts';
import { isObject } from '../core/runs/merge.ts';
import { type PastRun, retryFile, retryPath, unfinishedNodes } from '../core/runs/retry.ts';
import { NODES } from '../kube/resources.ts';
import { clusterOptions, ReadOnlyCluster, type ClusterFlags } from './cluster.ts';
import { clusterNameOf, findRun, labelOf, runPathOf } from './find-run.ts';
import { readNodeOps } from './status.ts';
import { print, printData, printError, prose } from './terminal.ts';

interface RetryFlags extends ClusterFlags {
  root: string;
  runs: string;
  write: boolean;
}

export function retryCommand(): Command {
  const command = new Command('retry')
    .description('a run file that repeats a run on the nodes that it failed on or did not come to')
    .argument('<RUN>', 'the report of a run, or a run as in status')
    .option('--root <dir>', 'the checkout of the repository', '.')
    .option('--runs <folder>', 'folder of the run files inside the repository', 'runs')
    .option('--write', 'write it beside the run file it repeats, instead of printing it', false);
  return clusterOptions(command)
    .addHelpText(
      'after',
      prose(`
A report is read from its file; any other RUN from the cluster, which only is read. Nothing is committed: look at the file, then
open a pull request with it.

Example:
  nodeop-agent retry results/2030-01-31-swappiness.yaml --write`),
    )
    .action(retry);
}

async function retry(wanted: string, flags: RetryFlags): Promise<void> {
  const report = existsSync(wanted) ? parseReport(await readFile(wanted)) : undefined;
  const { past, hostnames } = report ? fromReport(report) : await fromCluster(wanted, flags);
  if (unfinishedNodes(past).length === 0) {
    throw new InvalidError(
      `${past.run} failed on no node and was given up on none: there is nothing to repeat`,
    );
  }
  if (report)
    printError(
      'Nodes are selected by kubernetes.io/hostname; see that your nodes have it with their names as values.',
    );
  const text = retryFile(past, hostnames, await originalOf(past, flags.root));
  if (!flags.write) return printData(text.trimEnd());
  const below = past.run.startsWith(`${flags.runs}/`) ? past.run : `${flags.runs}/${past.name}.yaml`;
  const path = retryPath(below, (it) => existsSync(join(flags.root, it)));
  const file = join(flags.root, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text, { flag: 'wx' });
  return print(`wrote ${file}; look at it: nodeop-agent validate ${file}`);
}

interface Found {
  past: PastRun;
  hostnames: Map<string, string>;
}

function fromReport(report: NodeOpReport): Found {
  const past = ofReport(report);
  if (!isFinalReport(report)) throw new InvalidError(goesOn(past.run, report.status.phase));
  if (!past.spec)
    throw new InvalidError(`${past.run} never began: mend its file, or add it under another name`);
  return { past: { ...past, spec: past.spec }, hostnames: new Map() };
}

function ofReport({ run, nodeOp, metadata, cluster, spec, status }: NodeOpReport) {
  return {
    run: run.path,
    namespace: nodeOp?.namespace,
    name: nodeOp?.name ?? metadata.name,
    cluster,
    spec: isObject(spec) ? spec : undefined,
    nodes: status.nodes ?? [],
  };
}

function goesOn(run: string, phase: string): string {
  return `${run} is ${phase}: it can be repeated when it is over`;
}

async function fromCluster(wanted: string, flags: RetryFlags): Promise<Found> {
  const cluster = new ReadOnlyCluster(flags);
  try {
    const past = ofNodeOp(findRun(await readNodeOps(cluster), wanted));
    const hostnames = new Map<string, string>();
    for await (const { metadata } of cluster.list<Node>(NODES)) {
      const hostname = metadata.labels?.['kubernetes.io/hostname'];
      if (hostname !== undefined) hostnames.set(metadata.name ?? '', hostname);
    }
    return { past, hostnames };
  } finally {
    await cluster.close();
  }
}

function ofNodeOp(nodeOp: NodeOp): PastRun {
  const { metadata, spec, status } = nodeOp;
  const run = runPathOf(nodeOp) ?? labelOf(nodeOp);
  if (!isFinalPhase(status?.phase)) throw new InvalidError(goesOn(run, status?.phase ?? 'Pending'));
  const recorded: unknown = JSON.parse(metadata.annotations?.[ANNOTATION_SPEC] ?? 'null');
  const nodes = Object.entries(status?.nodeStatuses ?? {}).map(([name, it]) => ({ name, ...it }));
  return {
    run,
    namespace: metadata.namespace,
    name: metadata.name ?? '',
    cluster: clusterNameOf(nodeOp),
    spec: isObject(recorded) ? recorded : { ...spec },
    nodes,
  };
}

/** The run file of a checkout, where it is still there and names a definition. */
async function originalOf({ run }: PastRun, root: string): Promise<NodeOpRun | undefined> {
  const bytes = await readFile(join(root, run)).catch(() => undefined);
  const kind = { apiVersion: AGENT_API_VERSION, kind: NODEOPRUN_KIND, schema: NodeOpRunSchema };
  const parsed = bytes && parseDocument(bytes, [kind]);
  return parsed?.ok === true ? parsed.value : undefined;
}
