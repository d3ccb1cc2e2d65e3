import { formatYaml } from '../../api/yaml.ts';
import { AGENT_API_VERSION, type AgentConfig } from '../../api/config.ts';
import { atOnce, type Steps } from '../../api/pieces.ts';
import { formatPath } from '../../api/schema.ts';
import { isFinalPhase, type NodeOp, type NodeStatus } from '../../api/nodeop.ts';
import { REPORT_KIND, type NodeOpReport, type ReportNode, type ReportStep } from '../../api/report.ts';
import type { Pattern } from '../../api/patterns.ts';
import { LACKS_FIELDS } from '../definition.ts';
import { amountsOf } from '../rollout/amounts.ts';
import { stepsByNode } from '../rollout/steps/split.ts';
import { standingText } from '../rollout/words.ts';
import { maskPatterns } from '../text/mask.ts';
import { withoutInFlight } from './lost.ts';
import { plain } from '../text/output.ts';
import { recordedParameters } from './parameters/record.ts';
import type { Verdict, Wait } from './plan.ts';
import type { Manifest } from './prepare.ts';
import { counted } from '../text/counts.ts';

export interface ReportSubject {
  path: string;
  commit?: string | undefined;
  author?: string | undefined;
  committedAt?: string | undefined;
  blob?: string | undefined;
  signer?: string | undefined;
  cluster?: string | undefined;
  /** Who carries it out. */
  executor?: AgentConfig['rollout']['executor'];
  /** That an invalid run names; without a blob when there is none of that name. */
  definition?: { name: string; blob: string | undefined } | undefined;
}

const EDITED = {
  agent: 'the run file was edited after the start; only suspend is honoured',
  external: 'the run file was edited after the start; nothing of that is honoured',
};

/**
 * The report of a NodeOp as it stands. Holds nothing that changes without news, such as `lastUpdated`.
 * @param mask what is masked in messages; what looks like a credential anyway was masked before it became one
 */
export function reportNodeOp(
  subject: ReportSubject,
  nodeOp: NodeOp,
  logs: ReadonlyMap<string, string>,
  currentBlob: string | undefined,
  mask: readonly Pattern[],
): NodeOpReport {
  const say = (message: string | undefined) =>
    message === undefined ? undefined : maskPatterns(plain(message.slice(0, MAX_SAID)), mask);
  const { status = {}, metadata } = nodeOp;
  const ready = status.conditions?.find((it) => it.type === 'Ready');
  const isHeld = nodeOp.spec.suspend && (status.phase ?? 'Pending') === 'Pending';
  const standing = isHeld
    ? { phase: 'Waiting' as const, reason: 'Suspended', message: 'suspend is true in the run file' }
    : {
        // The NodeOp is there, and nothing of it begins before somebody does something about the cluster.
        phase: ready?.reason === LACKS_FIELDS ? ('Waiting' as const) : (status.phase ?? ('Pending' as const)),
        reason: ready?.reason,
        message: say(standingText(status)),
      };
  const stepNames = stepsByNode(status);
  const changed = currentBlob !== undefined && subject.blob !== undefined && currentBlob !== subject.blob;
  return compact({
    ...head(subject, metadata.name ?? ''),
    nodeOp: { namespace: metadata.namespace, name: metadata.name ?? '', uid: metadata.uid },
    parameters: recordedParameters(metadata),
    spec: nodeOp.spec,
    status: {
      ...standing,
      startedAt: status.startedAt,
      finishedAt: status.completedAt,
      durationSeconds: isFinalPhase(status.phase) ? seconds(status.startedAt, status.completedAt) : undefined,
      observedChange: changed
        ? { blob: currentBlob, message: EDITED[subject.executor ?? 'agent'] }
        : undefined,
      stopped: stoppedBy(nodeOp, say),
      summary: summaryOf(nodeOp),
      amounts: amountsOf(nodeOp.spec, status.summary?.total ?? 0),
      steps: reportSteps(nodeOp, say),
      nodes: Object.entries(status.nodeStatuses ?? {})
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, node]) =>
          reportNode(
            name,
            { ...node, message: say(node.message), cause: say(node.cause), log: say(node.log) },
            logs.get(name),
            stepNames.get(name),
          ),
        ),
    },
  });
}

/** What or who stopped it: people, in whatever way, or too many failures. */
function stoppedBy({ status = {} }: NodeOp, say: (message: string | undefined) => string | undefined) {
  const asked = status.conditions?.find(({ type }) => type === 'Cancelled');
  if (asked) return { message: say(asked.message) ?? '', at: asked.lastTransitionTime };
  const left = Object.values(status.nodeStatuses ?? {}).filter(({ phase }) => phase === 'Cancelled');
  const [first] = left.toSorted((a, b) => ((a.finishedAt ?? '') < (b.finishedAt ?? '') ? -1 : 1));
  if (first?.message === undefined) return undefined;
  return { message: say(first.message.replace(/^Cancelled: /, '')) ?? '', at: first.finishedAt };
}

/** The report of a run that was seen and has not begun. */
export function reportWait(subject: ReportSubject, { reason, message, until }: Wait): NodeOpReport {
  const status = {
    // It has its turn, and its NodeOp is refused.
    phase: reason === 'NotCreated' ? ('Pending' as const) : ('Waiting' as const),
    reason,
    message: plain(message),
    until: until === undefined || until === Infinity ? undefined : stamp(until),
  };
  return compact({ ...head(subject, nameOf(subject)), status });
}

/** The report of a run that is about to begin: it has to be on the remote before its NodeOp is made. */
export function reportStart(subject: ReportSubject, { metadata, spec }: Manifest): NodeOpReport {
  const { namespace, name } = metadata;
  const parameters = recordedParameters(metadata);
  const status = { phase: 'Pending' as const };
  return compact({ ...head(subject, name), nodeOp: { namespace, name }, parameters, spec, status });
}

function stamp(at: number): string {
  return new Date(at).toISOString().replace('.000Z', 'Z');
}

function nameOf({ path }: ReportSubject): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The report of a run that ended without, or after the loss of, its NodeOp. */
export function reportVerdict(
  subject: ReportSubject,
  verdict: Verdict,
  previous: NodeOpReport | undefined,
  now: Date,
): NodeOpReport {
  const name = nameOf(subject);
  if (verdict.phase === 'Invalid') {
    const problems = verdict.problems.map(({ path, message, line, column }) => ({
      path: path.length === 0 ? undefined : formatPath(path),
      message: plain(message),
      line,
      column,
    }));
    const count = counted(problems.length, 'problem');
    const status = { phase: verdict.phase, reason: verdict.reason, message: count, problems };
    return compact({ ...head(subject, name), status });
  }
  const isStopped = verdict.reason === 'NodeOpDeleted' || verdict.reason === 'Removed';
  const stopped = isStopped ? { stopped: { message: verdict.message, at: stamp(now.getTime()) } } : {};
  const end = { phase: verdict.phase, reason: verdict.reason, message: verdict.message, ...stopped };
  if (!previous) return compact({ ...head(subject, name), status: end });
  // In the order of the keys, by which the text is read quickly.
  const { startedAt, durationSeconds, observedChange, summary, nodes } = withoutInFlight(previous.status);
  const { phase, reason, message } = end;
  const status = {
    phase,
    reason,
    message,
    startedAt,
    finishedAt: now.toISOString(),
    durationSeconds,
    observedChange,
  };
  return compact({ ...previous, status: { ...status, ...stopped, summary, nodes } });
}

/** The agent's own messages are shorter; people may write a status of a megabyte, and one text is written in one turn. */
const MAX_SAID = 16 * 1024;

export function formatReport(report: NodeOpReport): string {
  return atOnce(writeReport(report));
}

/** So many nodes are written in a few milliseconds. */
const WRITTEN_AT_ONCE = 200;
const LAYOUT = { lineWidth: 120, noRefs: true };

/**
 * The same in steps of a few milliseconds: field by field, since people may have made anything of one, and the list of nodes,
 * which is the last thing in it and may have thousands, in pieces.
 */
export function* writeReport(report: NodeOpReport): Steps<string> {
  const { status, ...rest } = report;
  const { nodes = [] } = status;
  const first = nodes.length === 0 ? status : { ...status, nodes: nodes.slice(0, WRITTEN_AT_ONCE) };
  const parts: string[] = [];
  for (const [field, value] of Object.entries({ ...rest, status: first })) {
    if (value === undefined) continue;
    parts.push(formatYaml({ [field]: value }, LAYOUT));
    yield;
  }
  for (let i = WRITTEN_AT_ONCE; i < nodes.length; i += WRITTEN_AT_ONCE) {
    const some = formatYaml({ status: { nodes: nodes.slice(i, i + WRITTEN_AT_ONCE) } }, LAYOUT);
    parts.push(some.slice(some.indexOf('\n', some.indexOf('\n') + 1) + 1));
    yield;
  }
  return parts.join('');
}

function head(subject: ReportSubject, name: string) {
  const { path, commit, author, committedAt, blob, signer, cluster, definition } = subject;
  return {
    apiVersion: AGENT_API_VERSION,
    kind: REPORT_KIND,
    metadata: { name },
    run: { path, commit, author, committedAt, blob, signer, definition },
    cluster,
  } as const;
}

function reportNode(
  name: string,
  node: Loose<NodeStatus>,
  log: string | undefined,
  step: string | undefined,
): Loose<ReportNode> {
  return {
    name,
    phase: node.phase,
    step,
    message: node.message,
    cause: node.cause,
    cordoned: node.cordoned,
    attempts: node.attempts,
    exitCode: node.exitCode,
    rebootStatus: node.rebootStatus,
    startedAt: node.startedAt,
    finishedAt: node.finishedAt,
    log: log === '' ? undefined : (log ?? node.log),
  };
}

function reportSteps(
  { spec, status }: NodeOp,
  say: (message: string | undefined) => string | undefined,
): Loose<ReportStep>[] | undefined {
  return status?.steps?.map(({ name, phase, nodes, finished, failed, since, message, ...rest }) => {
    const step = spec.steps?.find((it) => it.name === name);
    const amounts = step && amountsOf({ ...step, concurrency: step.concurrency ?? spec.concurrency }, nodes);
    return { name, phase, nodes, finished, failed, since, message: say(message), amounts, ...rest };
  });
}

function summaryOf(nodeOp: NodeOp) {
  const summary = nodeOp.status?.summary;
  if (!summary) return undefined;
  const { total, pending, inFlight, completed, skipped, failed, cancelled } = summary;
  return { total, pending, inFlight, completed, skipped, failed, cancelled };
}

function seconds(from: string | undefined, to: string | undefined): number | undefined {
  if (from === undefined || to === undefined) return undefined;
  return Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1000));
}

type Loose<T> = T extends readonly (infer Item)[]
  ? Loose<Item>[]
  : T extends object
    ? { [Key in keyof T]: Loose<T[Key]> | undefined }
    : T;

/** Leaves out what is undefined, at every depth, keeping the order of the keys. */
function compact(value: Loose<NodeOpReport>): NodeOpReport {
  return JSON.parse(JSON.stringify(value)) as NodeOpReport;
}
