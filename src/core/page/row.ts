import { isFinalPhase, type NodeOp } from '../../api/nodeop.ts';
import type { NodeGroup, RunId, RunRow, RunState } from '../../api/page.ts';
import { LACKS_FIELDS } from '../definition.ts';
import { heldText } from '../holds.ts';
import { standingText } from '../rollout/words.ts';
import type { WaitingRun } from '../runs/ledger.ts';
import { labelOf, runPathOf } from '../runs/identity.ts';
import { byCause, byWait, type Group } from '../text/causes.ts';
import { stepsText } from '../text/steps.ts';
import { oneLine } from '../text/table.ts';
import { countsOf, quiet, type ReportCard } from './card.ts';
import { estimateOf } from './estimate.ts';
import { known, ms, type SeenFacts } from './facts.ts';
import { runId, type Place } from './run-id.ts';
import { mayReadLogs, maySee, quietly, withoutLog } from './sees.ts';

/** All that is known of one run. */
export interface Run {
  id: RunId;
  nodeOp?: NodeOp | undefined;
  card?: ReportCard | undefined;
  waiting?: WaitingRun | undefined;
}

const WHY = 600;

/** All runs by their id, as far as the reader may see them. */
export function runsOf({ layout, nodeOps, reports, record, sees }: SeenFacts): Map<RunId, Run> {
  const runs = new Map<RunId, Run>();
  const at = (id: RunId): Run => {
    const found = runs.get(id) ?? { id };
    runs.set(id, found);
    return found;
  };
  for (const card of reports.cards) {
    if (maySee(sees, card.namespace)) at(runId(card, layout)).card = card;
  }
  const own = nodeOpsOf(nodeOps, layout);
  for (const [id, nodeOp] of own) if (maySee(sees, nodeOp.metadata.namespace)) at(id).nodeOp = nodeOp;
  for (const waiting of record?.waiting ?? []) {
    const id = runId({ path: waiting.run }, layout);
    // As it began, it was on its way out of the record.
    if (!own.has(id)) at(id).waiting = waiting;
  }
  return runs;
}

/** Of several NodeOps with the annotations of one run the oldest is its own; the others are shown by their names. */
export function nodeOpsOf(nodeOps: readonly NodeOp[], place: Place): Map<RunId, NodeOp> {
  const found = new Map<RunId, NodeOp>();
  const age = ({ metadata }: NodeOp) => metadata.creationTimestamp ?? '';
  for (const nodeOp of nodeOps.toSorted((a, b) => (age(a) < age(b) ? -1 : 1))) {
    const path = runPathOf(nodeOp);
    const id = path === undefined ? undefined : runId({ path }, place);
    const own = id === undefined || found.has(id) ? runId({ nodeOp: labelOf(nodeOp) }, place) : id;
    found.set(own, nodeOp);
  }
  return found;
}

/** When it began, was merged, or came to be; the newest stand first. */
export function ageOf({ nodeOp, card }: Run): number {
  const own = nodeOp && (ms(nodeOp.status?.startedAt) ?? ms(nodeOp.metadata.creationTimestamp));
  // One that waits has the newest word.
  return own ?? card?.at ?? Number.MAX_SAFE_INTEGER;
}

export function isOpen({ nodeOp, card, waiting }: Run): boolean {
  if (nodeOp) return !isFinalPhase(nodeOp.status?.phase);
  return waiting !== undefined || (card !== undefined && OPEN.has(card.state));
}

const OPEN: ReadonlySet<RunState> = new Set<RunState>(['Waiting', 'Pending', 'Running']);

export function rowOf(run: Run, facts: SeenFacts): RunRow {
  const { nodeOp, waiting, card } = run;
  if (nodeOp) return ofNodeOp(run.id, nodeOp, card, facts);
  if (waiting) return ofWaiting(run.id, waiting, card, facts);
  return card ? ofCard(run.id, card, facts) : { key: run.id, name: run.id, state: 'Waiting' };
}

function ofNodeOp(id: RunId, nodeOp: NodeOp, card: ReportCard | undefined, facts: SeenFacts): RunRow {
  const { status = {}, metadata } = nodeOp;
  const { cluster } = facts.layout;
  const { by, mergedAt } = card ?? {};
  const isLoud = mayReadLogs(facts.sees, metadata.namespace);
  const why = isLoud ? said(nodeOp).why : said(nodeOp).quiet;
  const current = status.steps?.find(({ phase }) => phase !== 'Passed');
  return known<RunRow>({
    key: id,
    name: id.startsWith('~') ? labelOf(nodeOp) : (runPathOf(nodeOp) ?? labelOf(nodeOp)),
    state: stateOf(nodeOp),
    cluster,
    stuck: said(nodeOp).stuck ? true : undefined,
    by,
    mergedAt,
    startedAt: ms(status.startedAt),
    finishedAt: ms(status.completedAt),
    counts: countsOf(status.summary),
    step: current && oneLine(stepsText([isLoud ? current : quietly(current)]), 200),
    why,
    estimate: said(nodeOp).estimate,
  });
}

/** As its report has it. */
function stateOf({ spec, status = {} }: NodeOp): RunState {
  const phase = status.phase ?? 'Pending';
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  const isWaiting = ready?.reason === LACKS_FIELDS || (spec.suspend && phase === 'Pending');
  return isWaiting ? 'Waiting' : phase;
}

function ofWaiting(
  id: RunId,
  waiting: WaitingRun,
  card: ReportCard | undefined,
  { layout }: SeenFacts,
): RunRow {
  const { by, mergedAt } = card ?? {};
  return known<RunRow>({
    key: id,
    name: waiting.run,
    state: 'Waiting',
    cluster: layout.cluster,
    by,
    mergedAt,
    why: oneLine(waiting.message, WHY),
    until: ms(waiting.until),
  });
}

function ofCard(id: RunId, card: ReportCard, { layout, sees }: SeenFacts): RunRow {
  const seen = mayReadLogs(sees, card.namespace) ? card : quiet(card);
  const { path, state, cluster = layout.cluster, by, mergedAt, startedAt, finishedAt, counts } = seen;
  const { step, why, until } = seen;
  const isHere = { name: path, state, cluster, by, mergedAt, startedAt, finishedAt, counts };
  return known<RunRow>({ key: id, ...isHere, step, why, until });
}

/** What is made of the statuses of all nodes of a NodeOp: once for each state it is in. */
interface Said {
  why: string | undefined;
  quiet: string | undefined;
  stuck: boolean;
  estimate: number | undefined;
  failures: NodeGroup[];
  waits: NodeGroup[];
}

const kept = new WeakMap<NodeOp, Said>();

export function said(nodeOp: NodeOp): Said {
  const before = kept.get(nodeOp);
  if (before) return before;
  const { status = {}, spec } = nodeOp;
  const isOver = isFinalPhase(status.phase);
  const text = standingText(status) ?? 'not looked at by an agent yet';
  const why = oneLine(text, WHY);
  const entries = Object.entries(status.nodeStatuses ?? {});
  const waits = isOver ? [] : byWait(entries);
  const isHeld = heldText(nodeOp) !== undefined || (spec.suspend && !isOver);
  const found: Said = {
    why,
    quiet: oneLine(withoutLog(text), WHY),
    stuck: isHeld || waits.length > 0,
    estimate: estimateOf(status),
    failures: byCause(entries).map(groupOf),
    waits: waits.map(groupOf),
  };
  kept.set(nodeOp, found);
  return found;
}

/** Of thousands of nodes the first are named. */
const NAMED = 50;
const GROUP = 300;

export function groupOf({ text, nodes }: Group): NodeGroup {
  return { text: oneLine(text, GROUP), count: nodes.length, nodes: nodes.slice(0, NAMED) };
}

/** Groups of one who may not see what containers said: some of them say the same then. */
export function quietGroups(groups: readonly NodeGroup[]): NodeGroup[] {
  const merged = Map.groupBy(groups, ({ text }) => withoutLog(text));
  return [...merged].map(([text, same]) => ({
    text,
    count: same.reduce((sum, it) => sum + it.count, 0),
    nodes: same.flatMap(({ nodes }) => nodes).slice(0, NAMED),
  }));
}
