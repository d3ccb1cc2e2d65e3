import { Command } from 'commander';
import { InvalidError } from '../api/errors.ts';
import type { Node } from '../api/kubernetes.ts';
import type { NodeOp } from '../api/nodeop.ts';
import { nearest } from '../api/schema.ts';
import { screen } from '../core/text/output.ts';
import { phaseTimes } from '../core/rollout/phase-times.ts';
import { madeFor } from '../kube/made.ts';
import { NODES } from '../kube/resources.ts';
import { clusterOptions, ReadOnlyCluster, type ClusterFlags } from './cluster.ts';
import { cordonedPage, explainCordoned } from './explain/cordoned.ts';
import { explain, type Explanation, explanationPage, workShown } from './explain/page.ts';
import { readNodeOps } from './look-up.ts';
import { type Format, outputOption, printDocument } from './output.ts';
import { columns, paintPhases, print, prose } from './terminal.ts';

interface ExplainFlags extends ClusterFlags {
  format: Format;
}

export function explainCommand(): Command {
  const command = new Command('explain')
    .description('why a node is cordoned, what ran on it, and what will; without one, every cordoned node')
    .argument('[NODE]', 'name of a node; every cordoned one when absent');
  return outputOption(clusterOptions(command))
    .addHelpText(
      'after',
      prose(
        '\nReads the cluster only.\n\nExample:\n  nodeop-agent explain --context berlin\n  nodeop-agent explain node-3 --context berlin',
      ),
    )
    .action(run);
}

async function run(name: string | undefined, flags: ExplainFlags): Promise<void> {
  const cluster = new ReadOnlyCluster(flags);
  try {
    const nodes = await cluster.all<Node>(NODES);
    const node = name === undefined ? undefined : named(name, nodes);
    const nodeOps = await readNodeOps(cluster, flags.namespace);
    if (node) showOne(await withPhases(explain(node, nodeOps, flags), cluster, nodeOps), flags);
    else showCordoned(explainCordoned(nodes, nodeOps, flags), flags);
  } finally {
    await cluster.close();
  }
}

/** What was made for the node is read as well. */
async function withPhases(
  found: Explanation,
  { client }: ReadOnlyCluster,
  nodeOps: readonly NodeOp[],
): Promise<Explanation> {
  const work = workShown(found);
  const nodeOp = nodeOps.find(
    ({ metadata }) => metadata.name === work?.nodeOp && metadata.namespace === work?.namespace,
  );
  const made = nodeOp && (await madeFor(client, nodeOp, found.node));
  if (!work || !made) return found;
  const iso = (at: number) => new Date(at).toISOString().replace('.000Z', 'Z');
  const phases = phaseTimes(nodeOp.spec, work.status, made).map(({ phase, from, until }) => ({
    phase,
    from: iso(from),
    ...(until !== undefined && { until: iso(until) }),
  }));
  return phases.length === 0 ? found : { ...found, phases };
}

function showOne(found: Explanation, { format }: ExplainFlags): void {
  if (format !== 'text') return printDocument(found, format);
  print(paintPhases(screen(explanationPage(found, Date.now(), columns()))));
}

function showCordoned(cordoned: readonly Explanation[], flags: ExplainFlags): void {
  if (flags.format !== 'text') return printDocument({ cordoned }, flags.format);
  print(paintPhases(screen(cordonedPage(cordoned, flags, columns()))));
}

/** Throws InvalidError when the cluster has no such node. */
function named(name: string, nodes: readonly Node[]): Node {
  const node = nodes.find(({ metadata }) => metadata.name === name);
  if (!node) throw new InvalidError(unknown(name, nodes));
  return node;
}

function unknown(name: string, nodes: readonly Node[]): string {
  const guess = nearest(
    name,
    nodes.map(({ metadata }) => metadata.name ?? ''),
  );
  const hint = guess === undefined ? 'kubectl get nodes lists them' : `did you mean "${guess}"?`;
  return `the cluster has no node "${name}"; ${hint}`;
}
