import type { Node } from '../../api/kubernetes.ts';
import type { NodeOp } from '../../api/nodeop.ts';
import { Cordons } from '../../core/cordon.ts';
import { counted } from '../../core/text/counts.ts';
import { wrap } from '../../core/text/fit.ts';
import { naturally } from '../../core/text/order.ts';
import { accessOf, type ClusterFlags } from '../cluster.ts';
import { explain, type Explanation, headline } from './page.ts';

/** Every node of the cluster that is cordoned, those first that nobody works on. */
export function explainCordoned(
  nodes: readonly Node[],
  nodeOps: readonly NodeOp[],
  flags: ClusterFlags,
): Explanation[] {
  const cordons = new Cordons(nodeOps);
  return nodes
    .filter(({ spec }) => spec?.unschedulable === true)
    .map((node) => explain(node, nodeOps, flags, cordons))
    .toSorted((a, b) => Number(isWorkedOn(a)) - Number(isWorkedOn(b)) || naturally(a.node, b.node));
}

const isWorkedOn = ({ now }: Explanation) => now !== undefined;

/** For a terminal of so many columns. */
export function cordonedPage(
  found: readonly Explanation[],
  flags: ClusterFlags,
  width: number | undefined,
): string {
  const [first] = found;
  if (first === undefined) return 'No node is cordoned.';
  const idle = found.filter((it) => !isWorkedOn(it)).length;
  const those = found.length === 1 ? 'it' : idle === found.length ? 'any of them' : `${idle} of them`;
  return [
    `${counted(found.length, 'node is', 'nodes are')} cordoned${idle === 0 ? '' : `, and no NodeOp works on ${those}`}.`,
    ...found.flatMap((it) => ['', wrap(headline(it), width), ...waits(it, width)]),
    '',
    'One of them in full:',
    `  nodeop-agent explain ${first.node}${accessOf(flags).own}`,
  ].join('\n');
}

/** More runs are only counted. */
const NAMED = 5;

function waits({ waiting }: Explanation, width: number | undefined): string[] {
  if (waiting.length === 0) return [];
  const more = waiting.length > NAMED ? `, and ${waiting.length - NAMED} more` : '';
  const runs = waiting.slice(0, NAMED).map(({ run }) => run);
  return [`  ${wrap(`To come: ${runs.join(', ')}${more}`, width === undefined ? width : width - 2, '    ')}`];
}
