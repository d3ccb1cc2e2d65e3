import { isDeepStrictEqual } from 'node:util';
import { formatProblem } from '../../api/schema.ts';
import { isFinalPhase, type NodeOp } from '../../api/nodeop.ts';
import { LACKS_FIELDS } from '../definition.ts';
import { isObject } from '../runs/merge.ts';
import { withoutParameters } from '../runs/parameters/environment.ts';
import { recordedParameters } from '../runs/parameters/record.ts';
import type { Manifest } from '../runs/prepare.ts';
import { nameTaken } from '../runs/name-taken.ts';
import { takesPlace } from '../runs/places.ts';
import {
  type PlanOptions,
  planRuns,
  type RunAction,
  type RunFacts,
  settled,
  type Verdict,
} from '../runs/plan.ts';

/** What the agent makes of a run file that is merged. */
export interface Outlook {
  /** Why nothing comes of it, or not what it says. */
  blockers: string[];
  notes: string[];
}

/** What is known of a run, and where people find that. */
export interface Known {
  facts: RunFacts;
  /** The report's path. */
  report: string;
  /** Where it stands that it is passed over, if it is. */
  passedOverIn?: string;
  /** `report`: nobody knows of NodeOps, so the report stands for its own. */
  nodeOpFrom: 'cluster' | 'report';
  /** The NodeOp that has its name and is not its own. */
  nameHolder?: NodeOp | undefined;
}

/**
 * Judges run files as the agent does when they are merged: by its own plan for them and for all other runs there are. By
 * path.
 */
export function outlooks(
  wanted: readonly Known[],
  others: readonly RunFacts[],
  now: Date,
  options: PlanOptions,
): Map<string, Outlook> {
  const actions = planRuns([...others, ...wanted.map(({ facts }) => facts)], now, options);
  return new Map(wanted.map((known) => [known.facts.path, outlook(known, actions, others, options)]));
}

function outlook(
  known: Known,
  actions: readonly RunAction[],
  others: readonly RunFacts[],
  { maxConcurrent }: PlanOptions,
): Outlook {
  const { facts, nameHolder } = known;
  const own = actions.filter(({ run }) => run.path === facts.path);
  if (facts.nodeOp) return ofStarted(facts.nodeOp, known, own);
  const [action] = own;
  if (action === undefined) return blocked(whyNothing(known));
  if (action.type === 'restore') return blocked(overText(known));
  if (action.type === 'conclude') return blocked(verdictText(action.verdict));
  if (nameHolder) return blocked(nameTaken(nameHolder));
  if (action.type !== 'wait') return { blockers: [], notes: [] };
  if (action.reason === 'Queued') return noted(queueText(action, actions, others, maxConcurrent));
  const text = `it would wait (${action.reason}): ${action.message}`;
  // By themselves these never end.
  const isForPeople = action.reason === LACKS_FIELDS || action.until === Infinity;
  return isForPeople ? blocked(text) : noted(text);
}

const blocked = (text: string): Outlook => ({ blockers: [text], notes: [] });
const noted = (text: string): Outlook => ({ blockers: [], notes: [text] });

const ANOTHER = 'add another file instead';

function overText({ report }: Known): string {
  return `it was carried out before and is never repeated, see ${report}; ${ANOTHER}`;
}

function whyNothing(known: Known): string {
  const { facts, report, passedOverIn } = known;
  const why = settled(facts);
  if (why === 'judged') return `it was found invalid as it is, see ${report}; mend the file`;
  if (why === 'moved') {
    return `it is ${facts.movedFrom}, moved, whose run is over: nothing begins; leave that one where it is, and ${ANOTHER}`;
  }
  // A report that cannot be read says that the run is over.
  if (why !== 'passedOver' || passedOverIn === undefined) return overText(known);
  return `it is passed over, see ${passedOverIn}; ${ANOTHER}`;
}

function verdictText(verdict: Verdict): string {
  const said = verdict.phase === 'Invalid' ? verdict.problems.map(formatProblem).join('; ') : verdict.message;
  return `nothing would begin, it would be reported as ${verdict.phase} (${verdict.reason}): ${said}`;
}

/** Who comes first of those that are under way, and of those that wait as well. */
function queueText(
  action: RunAction,
  actions: readonly RunAction[],
  others: readonly RunFacts[],
  places: number,
): string {
  const working = others.flatMap(({ nodeOp }) => (nodeOp && takesPlace(nodeOp) ? [labelOf(nodeOp)] : []));
  const before = actions.slice(0, actions.indexOf(action)).filter(isToBegin);
  const first = before.map(({ run }) => run.path);
  const parts = [
    ...(working.length === 0
      ? []
      : [`waits for runs under way, of which there may be ${places}: ${working.join(', ')}`]),
    ...(first.length === 0
      ? []
      : [
          `${working.length === 0 ? 'waits for its turn; ' : ''}before it ${first.length === 1 ? 'comes' : 'come'} ${first.join(', ')}`,
        ]),
  ];
  return parts.join('; ');
}

function isToBegin(action: RunAction): boolean {
  return action.type === 'create' || (action.type === 'wait' && action.reason === 'Queued');
}

function labelOf({ metadata }: NodeOp): string {
  return `${metadata.namespace ?? ''}/${metadata.name ?? ''}`;
}

/** After its start of all edits `suspend` alone is acted on. */
function ofStarted(
  nodeOp: NodeOp,
  { facts, report, nodeOpFrom }: Known,
  actions: readonly RunAction[],
): Outlook {
  const label = `NodeOp ${labelOf(nodeOp)}`;
  if (isFinalPhase(nodeOp.status?.phase)) {
    return blocked(`it was started before as ${label} and is never repeated; ${ANOTHER}`);
  }
  const where = nodeOpFrom === 'cluster' ? label : report;
  const prepared = facts.file?.prepare();
  const ignored = prepared?.ok === true ? changedFields(nodeOp, prepared.manifest) : [];
  const pause = actions.find((it) => it.type === 'suspend');
  const effect =
    pause === undefined
      ? 'merging this changes nothing of it'
      : pause.suspend
        ? 'merging this pauses it: no further node is started'
        : 'merging this lets it go on';
  const said = `it is under way, see ${where}`;
  if (ignored.length === 0) return noted(`${said}; ${effect}`);
  const fields = ignored.map((it) => `spec.${it}`).join(', ');
  const blocker = `${said}: of edits suspend alone is acted on, not ${fields}`;
  return { blockers: [blocker], notes: pause === undefined ? [] : [effect] };
}

/** Fields of `spec` in which they differ, by the names people write; what parameters become is told as parameters. */
function changedFields(executed: NodeOp, wanted: Manifest): string[] {
  const [before, after] = [asWritten(executed), asWritten(wanted)];
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys.filter((key) => key !== 'suspend' && !isDeepStrictEqual(before[key], after[key]));
}

function asWritten({ metadata, spec }: NodeOp | Manifest): Record<string, unknown> {
  const parameters = recordedParameters(metadata) ?? {};
  return { ...(isObject(spec) && withoutParameters(spec, Object.keys(parameters))), parameters };
}
