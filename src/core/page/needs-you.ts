import type { Node } from '../../api/kubernetes.ts';
import { isFinalPhase } from '../../api/nodeop.ts';
import type { NeedsYou } from '../../api/page.ts';
import type { Steps } from '../../api/pieces.ts';
import type { Cordons } from '../cordon.ts';
import { heldText } from '../holds.ts';
import { naturally } from '../text/order.ts';
import { oneLine } from '../text/table.ts';
import { known, ms, problemsOf, type SeenFacts } from './facts.ts';
import { rowOf, type Run, said } from './row.ts';
import { mayReadLogs, maySee, withoutLog } from './sees.ts';

/** What failed longer ago somebody has looked at, or nobody will. */
const RECENT_MS = 7 * 24 * 3_600_000;
const MOST = 100;
const PIECE = 500;

/** The order in which they are looked at. */
const ORDER: readonly NeedsYou['kind'][] = [
  'agent',
  'held',
  'failed',
  'heldUp',
  'cordoned',
  'invalid',
  'waiting',
];

export function* needsYou(runs: Iterable<Run>, cordons: Cordons, facts: SeenFacts): Steps<NeedsYou[]> {
  const found: NeedsYou[] = problemsOf(facts).map((text, i) => ({
    key: `agent ${i}`,
    kind: 'agent',
    text,
  }));
  let looked = 0;
  for (const run of runs) {
    const item = ofRun(run, facts);
    if (item) found.push(item);
    if ((looked += 1) % PIECE === 0) yield;
  }
  const left: NeedsYou[] = [];
  for (const node of facts.nodes.values()) {
    left.push(...ofNode(node, cordons, facts));
    if ((looked += 1) % PIECE === 0) yield;
  }
  found.push(...left.toSorted((a, b) => naturally(a.node ?? '', b.node ?? '')));
  const sorted = found.toSorted((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
  return sorted.slice(0, MOST);
}

function ofRun(run: Run, facts: SeenFacts): NeedsYou | undefined {
  const kind = kindOf(run, facts.now);
  if (kind === undefined) return undefined;
  const { name, why = '', startedAt, mergedAt, finishedAt } = rowOf(run, facts);
  const text = why === '' ? name : `${name}: ${why}`;
  return known<NeedsYou>({
    key: `run ${run.id}`,
    kind,
    text: oneLine(text, 500),
    run: run.id,
    since: finishedAt ?? startedAt ?? mergedAt,
  });
}

function kindOf({ nodeOp, card, waiting }: Run, now: number): NeedsYou['kind'] | undefined {
  const isRecent = (at: number | undefined) => at !== undefined && now - at < RECENT_MS;
  if (nodeOp) {
    const { status = {} } = nodeOp;
    if (status.phase === 'Failed')
      return isRecent(ms(status.completedAt) ?? ms(nodeOp.metadata.creationTimestamp)) ? 'failed' : undefined;
    if (isFinalPhase(status.phase) || !said(nodeOp).stuck) return undefined;
    return heldText(nodeOp) === undefined ? 'heldUp' : 'held';
  }
  if (waiting) return 'waiting';
  const isNews = isRecent(card?.finishedAt ?? card?.at);
  if (card?.state === 'Waiting') return 'waiting';
  if (card?.state === 'Invalid') return isNews ? 'invalid' : undefined;
  return card?.state === 'Failed' && isNews ? 'failed' : undefined;
}

function ofNode(node: Node, cordons: Cordons, { sees }: SeenFacts): NeedsYou[] {
  if (node.spec?.unschedulable !== true) return [];
  const left = cordons.left(node);
  const namespace = left?.by.slice(0, left.by.indexOf('/'));
  if (!left || !maySee(sees, namespace)) return [];
  const why = mayReadLogs(sees, namespace) ? left.why : withoutLog(left.why);
  const text = oneLine(`${left.node} was left cordoned by ${left.by}: ${why}`, 500);
  return [{ key: `node ${left.node}`, kind: 'cordoned', text, node: left.node }];
}
