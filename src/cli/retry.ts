import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { AGENT_API_VERSION } from '../api/config.ts';
import { parseDocument } from '../api/documents.ts';
import { InvalidError } from '../api/errors.ts';
import type { Node } from '../api/kubernetes.ts';
import { ANNOTATION_RUN_BLOB, ANNOTATION_SPEC, LABEL_HOSTNAME } from '../api/labels.ts';
import { isFinalPhase, type NodeOp } from '../api/nodeop.ts';
import { NODEOPRUN_KIND, type NodeOpRun, NodeOpRunSchema } from '../api/nodeoprun.ts';
import { isFinalReport, type NodeOpReport, parseReport } from '../api/report.ts';
import { formatProblem } from '../api/schema.ts';
import { trimEnd } from '../api/trim.ts';
import { isObject } from '../core/runs/merge.ts';
import { recordedParameters } from '../core/runs/parameters/record.ts';
import { prepareRun } from '../core/runs/prepare.ts';
import { type PastRun, retryFile, retryPath, selectorProblem, unfinishedNodes } from '../core/runs/retry.ts';
import { someOf } from '../core/text/fit.ts';
import { GitCommand } from '../git/command.ts';
import { NODES } from '../kube/resources.ts';
import { clusterOptions, ReadOnlyCluster, type ClusterFlags } from './cluster.ts';
import { clusterNameOf, findRun, labelOf, runPathOf } from './find-run.ts';
import { readDefinitions } from './repository-files.ts';
import { readNodeOps } from './status.ts';
import { print, printData, printError, prose, shellWord } from './terminal.ts';

const GIT_MS = 60_000;

interface RetryFlags extends ClusterFlags {
  root: string;
  runs: string;
  nodeops: string;
  write: boolean;
}

export function retryCommand(): Command {
  const command = new Command('retry')
    .description('a run file that repeats a run on the nodes that it failed on or did not come to')
    .argument('<RUN>', 'the report of a run, or a run as in status')
    .option('--root <dir>', 'the checkout of the repository', '.')
    .option('--runs <folder>', 'folder of the run files inside the repository', 'runs')
    .option('--nodeops <folder>', 'folder of the definitions inside the repository', 'nodeops')
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
      `Nodes are selected by ${LABEL_HOSTNAME}; see that your nodes have it with their names as values.`,
    );
  const unlabelled = report ? [] : unfinishedNodes(past).filter(({ name }) => !hostnames.has(name));
  if (unlabelled.length > 0) {
    const names = someOf(
      unlabelled.map(({ name }) => name),
      200,
    );
    printError(`Without the label ${LABEL_HOSTNAME}, or gone, so that the file finds them not: ${names}`);
  }
  const problem = selectorProblem(past, hostnames);
  if (problem !== undefined) throw new InvalidError(problem);
  const runs = trimEnd(flags.runs, '/');
  const below = past.run.startsWith(`${runs}/`) ? past.run : `${runs}/${past.name}.yaml`;
  const path = retryPath(below, (it) => existsSync(join(flags.root, it)));
  const { text, isRun } = await valid(past, hostnames, path, flags);
  if (!isRun && past.cluster !== undefined) {
    printError(
      `A NodeOp is carried out on every cluster of the repository, and this was ${past.cluster} alone: see that no other has such nodes.`,
    );
  }
  if (!flags.write) return printData(text.trimEnd());
  const file = join(flags.root, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text, { flag: 'wx' });
  const root = isRun && flags.root !== '.' ? ` --root ${shellWord(flags.root)}` : '';
  return print(`wrote ${file}; look at it: nodeop-agent validate ${shellWord(file)}${root}`);
}

/** A file that the agent takes: a run of the definition, or where that does not allow it, the NodeOp that was executed. */
async function valid(
  past: PastRun,
  hostnames: ReadonlyMap<string, string>,
  path: string,
  flags: RetryFlags,
): Promise<{ text: string; isRun: boolean }> {
  const definitions = await readDefinitions(join(flags.root, flags.nodeops));
  const problemsOf = (text: string): string[] => {
    const source = { path, mode: '100644', blob: '', commit: '', content: Buffer.from(text) };
    const prepared = prepareRun(source, {
      layout: { nodeops: flags.nodeops, runs: flags.runs, results: 'results' },
      namespace: 'default',
      definitions,
      defaultImage: 'unknown',
    });
    return prepared.ok ? [] : prepared.problems.map(formatProblem);
  };
  const original = await originalOf(past, flags.root);
  if (original) {
    const text = retryFile(past, hostnames, original);
    const problems = problemsOf(text);
    if (problems.length === 0) return { text, isRun: true };
    printError(
      `It cannot be repeated as a run of its definition: ${problems.join('; ')}. What was executed is repeated as a NodeOp of its own instead.`,
    );
    if (original.spec.window) printError('A NodeOp has no window: add it when there is time for it.');
  }
  const text = retryFile(past, hostnames);
  const problems = problemsOf(text);
  if (problems.length === 0) return { text, isRun: false };
  throw new InvalidError(`${past.run} cannot be repeated by a run file: ${problems.join('; ')}`);
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

function ofReport({ run, nodeOp, metadata, cluster, parameters, spec, status }: NodeOpReport) {
  return {
    run: run.path,
    blob: run.blob,
    parameters,
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
      const hostname = metadata.labels?.[LABEL_HOSTNAME];
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
  const recorded = recordedSpec(metadata.annotations?.[ANNOTATION_SPEC]);
  const nodes = Object.entries(status?.nodeStatuses ?? {}).map(([name, it]) => ({ name, ...it }));
  return {
    run,
    blob: metadata.annotations?.[ANNOTATION_RUN_BLOB],
    parameters: recordedParameters(metadata),
    namespace: metadata.namespace,
    name: metadata.name ?? '',
    cluster: clusterNameOf(nodeOp),
    spec: isObject(recorded) ? recorded : { ...spec },
    nodes,
  };
}

function recordedSpec(text = 'null'): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Somebody in the cluster wrote it.
    return undefined;
  }
}

/** The run file as it was acted on, or at least as it is in the checkout, where it names a definition. */
async function originalOf({ run, blob }: PastRun, root: string): Promise<NodeOpRun | undefined> {
  const file = join(root, run);
  const bytes = (await storedBlob(root, blob)) ?? (await readFile(file).catch(() => undefined));
  const kind = { apiVersion: AGENT_API_VERSION, kind: NODEOPRUN_KIND, schema: NodeOpRunSchema };
  const parsed = bytes && parseDocument(bytes, [kind]);
  return parsed?.ok === true ? parsed.value : undefined;
}

/** What git has under an object id, whether or not the checkout still has it. */
async function storedBlob(root: string, blob: string | undefined): Promise<Buffer | undefined> {
  if (blob === undefined || !/^[0-9a-f]{40,64}$/.test(blob)) return undefined;
  const git = new GitCommand({ dir: root, timeoutMs: GIT_MS });
  // It is no repository, or a shallow one.
  return git.text(['cat-file', 'blob', blob]).then(
    (text) => Buffer.from(text),
    () => undefined,
  );
}
