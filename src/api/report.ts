import { z } from 'zod';
import { CheckStatusSchema } from './checks.ts';
import { AGENT_API_VERSION } from './config.ts';
import { parseDocument } from './documents.ts';
import { NODE_PHASES, ROLLOUT_PHASES } from './nodeop.ts';
import { atOnce, loadInPieces, type Steps } from './pieces.ts';
import { object } from './schema.ts';
import { StepStatusSchema } from './steps.ts';

export const REPORT_KIND = 'NodeOpReport';
export const BASELINE_KIND = 'NodeOpBaseline';
export const CHECKPOINT_KIND = 'NodeOpReportCheckpoint';

const text = () => z.string().optional();

/**
 * What a report is made of. The agent that wrote it may have been a later one, which knows more fields: they are passed over,
 * since a report that nobody can read only says that its run is over.
 */
const part = <Shape extends z.core.$ZodLooseShape>(shape: Shape) => z.object(shape);

/** `Waiting`: it was seen and has not begun. `Invalid`: it cannot be carried out as it is. */
const REPORT_PHASES = ['Waiting', ...ROLLOUT_PHASES, 'Invalid'] as const;
export type ReportPhase = (typeof REPORT_PHASES)[number];

const ReportNode = part({
  name: z.string().describe('Name of the node.'),
  phase: z.enum(NODE_PHASES).describe('How far it came.'),
  step: text().describe('The step it is in, where there are steps.'),
  message: text().describe('What happened, on one line.'),
  cause: text().describe('Last line that a failed node’s container said.'),
  cordoned: z.boolean().optional().describe('A failed node was left cordoned.'),
  attempts: z.int().optional().describe('How often the command was started.'),
  exitCode: z.int().optional().describe('Exit code of the last attempt, when it failed.'),
  rebootStatus: text().describe('What became of the reboot.'),
  startedAt: text().describe('When work on the node began.'),
  finishedAt: text().describe('When the verdict on the node was taken.'),
  log: text().describe('Last lines of a failed node’s log.'),
});
export type ReportNode = z.infer<typeof ReportNode>;

const Amounts = part({
  concurrency: z.int().optional().describe('Nodes worked on at the same time.'),
  maxFailures: z.int().optional().describe('Failed nodes tolerated.'),
}).describe('What shares of the nodes came to, for those that were written as shares.');

const { checks } = StepStatusSchema.shape;
const ReportStep = part({
  ...StepStatusSchema.shape,
  checks: z
    .array(part(CheckStatusSchema.shape))
    .optional()
    .describe(checks.description ?? ''),
  amounts: Amounts.optional(),
});
export type ReportStep = z.infer<typeof ReportStep>;

/** What became of one run file on one cluster. Written by the agent only; committed under `results/`. */
export const NodeOpReportSchema = part({
  apiVersion: z.literal(AGENT_API_VERSION).describe('Group and version of this kind.'),
  kind: z.literal(REPORT_KIND).describe('The kind of this document.'),
  metadata: part({ name: z.string().describe('Name of the NodeOp, or what it would be called.') }).describe(
    'How the report is called.',
  ),
  run: part({
    path: z.string().describe('Path of the run file.'),
    commit: text().describe('The commit that added the run file.'),
    author: text().describe('Who wrote that commit.'),
    committedAt: text().describe('When it was committed.'),
    blob: text().describe('Object id of the run file’s content that was acted on.'),
    signer: text().describe('Whose signature let it start, where signatures are asked for.'),
    definition: part({
      name: z.string().describe('Name of the definition.'),
      blob: text().describe('Object id of its content.'),
    })
      .optional()
      .describe('The definition an invalid run names; another content of it is another chance.'),
  }).describe('The run file, as it was acted on.'),
  cluster: text().describe('Name of the cluster, where it has one.'),
  nodeOp: part({
    namespace: text().describe('Its namespace.'),
    name: z.string().describe('Its name.'),
    uid: text().describe('Its UID.'),
  })
    .optional()
    .describe('The NodeOp the run became.'),
  parameters: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('What the definition was given, and its defaults.'),
  spec: z.unknown().optional().describe('The NodeOp spec as executed, after merge and defaults.'),
  status: part({
    phase: z.enum(REPORT_PHASES).describe('How the run stands.'),
    reason: text().describe('Why, in one word for programs.'),
    message: text().describe('Why, in a sentence for people.'),
    until: text().describe('The time a run waits for, where it waits for one.'),
    startedAt: text().describe('When the rollout began.'),
    finishedAt: text().describe('When it was over.'),
    durationSeconds: z.number().optional().describe('How long it took, in seconds.'),
    observedChange: part({
      blob: text().describe('Object id of the new content; absent when the file is gone.'),
      message: z.string().describe('What was changed, for people.'),
    })
      .optional()
      .describe('The run file was changed after the start; the change is ignored.'),
    stopped: part({
      message: z.string().describe('Who or what it was.'),
      at: text().describe('When.'),
    })
      .optional()
      .describe('What or who stopped it, and when.'),
    summary: z.record(z.string(), z.number()).optional().describe('How many nodes are where.'),
    problems: z
      .array(
        part({
          path: text().describe('The field.'),
          message: z.string().describe('What is wrong with it.'),
          line: z.int().optional().describe('Line, from 1.'),
          column: z.int().optional().describe('Column, from 1.'),
        }),
      )
      .optional()
      .describe('Everything wrong with an invalid run file.'),
    amounts: Amounts.optional(),
    steps: z.array(ReportStep).optional().describe('How each step stands, in their order.'),
    nodes: z.array(ReportNode).optional().describe('One entry a target node, sorted by name.'),
  }).describe('What became of it.'),
});
export type NodeOpReport = z.infer<typeof NodeOpReportSchema>;

/**
 * Whose folder it is, and the run files that are passed over. With a field that is not known here it cannot be read: it may
 * name more of them.
 */
export const BaselineSchema = object({
  apiVersion: z.literal(AGENT_API_VERSION),
  kind: z.literal(BASELINE_KIND),
  clusterUID: text().describe('UID of the namespace kube-system of the cluster that writes here.'),
  runs: z.array(z.string()),
});

/** What a start need not read again of the reports; see `core/runs/checkpoint.ts`. */
export const CheckpointSchema = object({
  apiVersion: z.literal(AGENT_API_VERSION),
  kind: z.literal(CHECKPOINT_KIND),
  tree: z.string().regex(/^[0-9a-f]{40,64}$/),
  over: z.int(),
  unsettled: z.array(z.string()),
  newest: z.array(
    object({
      report: z.string(),
      run: z.string(),
      phase: z.enum(REPORT_PHASES),
      reason: text(),
      until: text(),
      began: z.number(),
      ended: z.number(),
      durationSeconds: z.number().optional(),
      total: z.int(),
      completed: z.int(),
      failed: z.int(),
    }),
  ),
  hasOlder: z.boolean(),
});

const GOING_ON: ReadonlySet<ReportPhase> = new Set<ReportPhase>(['Waiting', 'Pending', 'Running']);

export function isFinalReport({ status }: { status: { phase: ReportPhase } }): boolean {
  return !GOING_ON.has(status.phase);
}

/** What the agent writes of 5,000 nodes with the longest names is a quarter of it. */
export const REPORT_BYTES = 16 * 1024 * 1024;
/** Of a report people may make anything; no cluster is so large. */
const MAX_NODES = 20_000;

/** A report of any size the agent writes; undefined when it is none. */
export function* readReport(bytes: Uint8Array): Steps<NodeOpReport | undefined> {
  if (bytes.byteLength > REPORT_BYTES) return undefined;
  const read = yield* loadInPieces(bytes, { list: '  nodes:', entry: ReportNode, most: MAX_NODES });
  if (!read.ok) return undefined;
  yield;
  const kind = { apiVersion: AGENT_API_VERSION, kind: REPORT_KIND, schema: NodeOpReportSchema };
  const parsed = parseDocument(read.head, [kind]);
  if (!parsed.ok) return undefined;
  const { value } = parsed;
  if (read.entries.length === 0) return value;
  // Two lists are none.
  if (value.status.nodes) return undefined;
  return { ...value, status: { ...value.status, nodes: read.entries } };
}

export function parseReport(bytes: Uint8Array): NodeOpReport | undefined {
  return atOnce(readReport(bytes));
}
