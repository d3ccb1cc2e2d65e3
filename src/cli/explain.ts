import { Command } from 'commander';
import { InvalidError } from '../api/errors.ts';
import type { Node } from '../api/kubernetes.ts';
import { nearest } from '../api/schema.ts';
import { screen } from '../core/text/output.ts';
import { NODES } from '../kube/resources.ts';
import { clusterOptions, ReadOnlyCluster, type ClusterFlags } from './cluster.ts';
import { explain, explanationPage } from './explain/page.ts';
import { readNodeOps } from './look-up.ts';
import { type Format, outputOption, printDocument } from './output.ts';
import { columns, paintPhases, print, prose } from './terminal.ts';

interface ExplainFlags extends ClusterFlags {
  format: Format;
}

export function explainCommand(): Command {
  const command = new Command('explain')
    .description('of a node: why it is cordoned, what ran on it, and what will')
    .argument('<NODE>', 'name of a node');
  return outputOption(clusterOptions(command))
    .addHelpText(
      'after',
      prose('\nReads the cluster only.\n\nExample:\n  nodeop-agent explain node-3 --context berlin'),
    )
    .action(run);
}

async function run(name: string, flags: ExplainFlags): Promise<void> {
  const cluster = new ReadOnlyCluster(flags);
  try {
    const nodes = await cluster.all<Node>(NODES);
    const node = nodes.find(({ metadata }) => metadata.name === name);
    if (!node) throw new InvalidError(unknown(name, nodes));
    const found = explain(node, await readNodeOps(cluster, flags.namespace), flags);
    if (flags.format === 'text') print(paintPhases(screen(explanationPage(found, Date.now(), columns()))));
    else printDocument(found, flags.format);
  } finally {
    await cluster.close();
  }
}

function unknown(name: string, nodes: readonly Node[]): string {
  const guess = nearest(
    name,
    nodes.map(({ metadata }) => metadata.name ?? ''),
  );
  const hint = guess === undefined ? 'kubectl get nodes lists them' : `did you mean "${guess}"?`;
  return `the cluster has no node "${name}"; ${hint}`;
}
