import { z } from 'zod';
import { amount } from './amount.ts';
import type { KubeObject } from './kubernetes.ts';
import {
  command,
  EnvVar,
  imageName,
  mountPath,
  pullSecret,
  ResourceRequirements,
  Toleration,
} from './pod-fields.ts';
import { int, namespaceName, object, objectName } from './schema.ts';
import { LabelSelector, labelKey, labelValue } from './selector.ts';
import { StepStatusSchema, StepsSchema } from './steps.ts';

/**
 * NodeOp, `operator.kairos.io/v1alpha1`: one run of a command on nodes. Fields and defaults follow the
 * Kairos reference; those it does not have are marked "Extension".
 */
export const NODEOP_GROUP = 'operator.kairos.io';
export const NODEOP_VERSION = 'v1alpha1';
export const NODEOP_API_VERSION = `${NODEOP_GROUP}/${NODEOP_VERSION}`;
export const NODEOP_KIND = 'NodeOp';

const DrainOptions = object({
  enabled: z
    .boolean()
    .default(false)
    .describe('Drain the node before the operation; draining implies cordoning.'),
  force: z.boolean().default(false).describe('Evict pods without a controller too. They are gone for good.'),
  gracePeriodSeconds: z
    .int()
    .min(-2_147_483_648)
    .max(2_147_483_647)
    .default(30)
    .describe("Grace period of the evictions, in seconds; negative: each pod's own."),
  ignoreDaemonSets: z
    .boolean()
    .default(true)
    .describe('Leave DaemonSet pods where they are instead of refusing.'),
  deleteEmptyDirData: z
    .boolean()
    .default(false)
    .describe('Evict pods with emptyDir volumes; their data is lost.'),
  timeoutSeconds: int().default(300).describe('Bound on evictions and waits together, in seconds; 0: none.'),
});
export type DrainOptions = z.infer<typeof DrainOptions>;

const Preflight = object({
  command: command().describe(
    'Command of the check. Exit 0 with text in /dev/termination-log skips the node; exit 0 without goes on; anything else fails the node.',
  ),
  image: imageName().optional().describe('Image of the check; spec.image when absent or empty.'),
  activeDeadlineSeconds: int(1).default(120).describe("Bound on the preflight pod's whole life, in seconds."),
});

const Postflight = object({
  command: command().describe(
    'Command of the check. Exit 0 completes the node; anything else fails it, and it stays cordoned.',
  ),
  image: imageName().optional().describe('Image of the check; spec.image when absent or empty.'),
  activeDeadlineSeconds: int(1)
    .default(120)
    .describe("Bound on the postflight pod's whole life, in seconds."),
});

const SPEC = {
  nodeSelector: LabelSelector.optional().describe('Nodes to work on; all when absent.'),
  image: imageName()
    .optional()
    .describe(
      "Container image to run on each node; absent or empty: defaults.image of the agent's configuration.",
    ),
  imagePullSecrets: z
    .array(object({ name: pullSecret().optional().describe('Name of the Secret.') }))
    .optional()
    .describe('Secrets for pulling from private registries.'),
  command: command().describe('Command to execute in the container.'),
  hostMountPath: mountPath()
    .default('/host')
    .describe("Where the node's root file system is mounted in the container."),
  cordon: z.boolean().default(false).describe('Cordon the node before the operation.'),
  drainOptions: DrainOptions.prefault({}).describe('Draining of the node before the operation.'),
  rebootOnSuccess: z.boolean().default(false).describe('Reboot the node after the operation succeeded.'),
  backoffLimit: int().default(3).describe('Retries on one node before it is failed.'),
  concurrency: amount({ least: 0 })
    .default(0)
    .describe('Nodes worked on at the same time, or which share of all; 0: all at once.'),
  stopOnFailure: z.boolean().default(false).describe('Start no further node once one failed.'),
  preflight: Preflight.optional().describe('Check that runs on each node first and can skip it.'),
  postflight: Postflight.optional().describe(
    'Extension: check that runs on each node after its command and reboot, while it is still cordoned.',
  ),
  resources: ResourceRequirements.optional().describe(
    'Requests and limits of the main container; none when absent.',
  ),
  preflightResources: ResourceRequirements.optional().describe(
    'Requests and limits of the preflight container; 200m CPU and 128Mi memory for both when absent, none with {}.',
  ),
  rebootResources: ResourceRequirements.optional().describe(
    'Requests and limits of the reboot container; 200m CPU and 128Mi memory for both when absent, none with {}.',
  ),
  nodeReadyTimeoutSeconds: int()
    .default(600)
    .describe(
      'Extension: how long a target that is not Ready is waited for once nothing else is left to do.',
    ),
  uncordonOnFailure: z
    .boolean()
    .default(false)
    .describe('Uncordon a node whose operation failed, if this NodeOp cordoned it.'),
  startTimeoutSeconds: int(1)
    .default(600)
    .describe(
      'Extension: how long the container of each pod may take to start, in seconds; past it the node is failed with the reason.',
    ),
  activeDeadlineSeconds: int(1).optional().describe("Extension: bound on one node's main Job, in seconds."),
  cancelTimeoutSeconds: int()
    .optional()
    .describe(
      'Extension: how long a command may go on after its run was cancelled before its Job is deleted, in seconds; to its end when absent.',
    ),
  retryAfterDisruption: z
    .boolean()
    .default(false)
    .describe(
      'Extension: run a command again, within backoffLimit, whose pod was disrupted or lost; it may have done its work.',
    ),
  rebootTimeoutSeconds: int(1)
    .default(600)
    .describe('Extension: bound on a node coming back Ready with a new boot ID, in seconds.'),
  maxFailures: amount({ least: 0, noneAsShare: true })
    .optional()
    .describe(
      'Extension: failed nodes tolerated, or which share of all, before no new node is started; 0 with stopOnFailure, else unlimited.',
    ),
  suspend: z
    .boolean()
    .default(false)
    .describe('Extension: start no new node while true; nodes in flight finish.'),
  env: z.array(EnvVar).optional().describe('Extension: environment of the main and the preflight container.'),
  tolerations: z
    .array(Toleration)
    .optional()
    .describe('Extension: tolerations of the pods created; everything is tolerated when absent.'),
  topologyKey: labelKey()
    .optional()
    .describe('Extension: node label; nodes of one value are finished before those of the next begin.'),
  soakSeconds: int()
    .default(0)
    .describe(
      'Extension: how long a finished node must stay Ready before its slot is free for the next one.',
    ),
  steps: StepsSchema.optional().describe(
    'Extension: parts of the targets that follow each other, each once the one before is passed; the nodes in none of them come last.',
  ),
};

const ELSEWHERE = 'schedules go under nodeops/, the folder of definitions; a run file is one run';
/** What people write into a run file though it belongs to a definition. */
export const SCHEDULED = { schedule: ELSEWHERE, timeZone: ELSEWHERE, concurrencyPolicy: ELSEWHERE };

const DECLARED =
  'definitions under nodeops/ have it, and no NodeOp; a run gives spec.parameters of a NodeOpRun';
/** What people write into a NodeOp though it belongs to a definition. */
const OF_DEFINITIONS = { ...SCHEDULED, parameters: DECLARED, overridable: DECLARED };

/** Partial specs (overrides of a run) are checked against this same shape with everything optional. */
export const NodeOpSpecSchema = object(SPEC, OF_DEFINITIONS);
export type NodeOpSpec = z.infer<typeof NodeOpSpecSchema>;

/** With the image that is used where a spec names none; undefined when there is none at all. */
export function withImage(spec: NodeOpSpec, fallback: string | undefined): NodeOpSpec | undefined {
  if (spec.image !== undefined && spec.image !== '') return spec;
  return fallback === undefined || fallback === '' ? undefined : { ...spec, image: fallback };
}

/** What is wrong with a spec without an image. */
export const NO_IMAGE = 'is required unless the configuration of the agent has defaults.image';

export const NODE_PHASES = [
  'Pending',
  'Preflight',
  'Draining',
  'Running',
  'Rebooting',
  'Postflight',
  'Completed',
  'Failed',
  'Cancelled',
] as const;
export type NodePhase = (typeof NODE_PHASES)[number];

export const NodeStatusSchema = object({
  phase: z.enum(NODE_PHASES).describe('Where the node is on its way.'),
  jobName: z.string().optional().describe('The Job that runs the command; absent when none was created.'),
  message: z.string().optional().describe('What happened or what is waited for, on one line.'),
  cause: z
    .string()
    .optional()
    .describe('Of a failure: the last line the container said, its log or its termination message.'),
  log: z
    .string()
    .optional()
    .describe('Of a failure: what the container said before, as far as there is room.'),
  cordoned: z
    .boolean()
    .optional()
    .describe('Of a failure: the node was left cordoned; where there is room to say so.'),
  rebootStatus: z
    .enum(['not-requested', 'cancelled', 'pending', 'completed'])
    .optional()
    .describe('What became of the reboot.'),
  attempts: z.int().optional().describe('Pods the Job has started.'),
  exitCode: z.int().optional().describe('Exit code of the last attempt, when it failed.'),
  bootID: z
    .string()
    .optional()
    .describe('Boot ID of the node before the reboot, until the reboot is proved.'),
  nodeUID: z
    .string()
    .optional()
    .describe('The first characters of the UID of the node; only while in flight.'),
  ending: object({
    phase: z.enum(['Completed', 'Failed', 'Cancelled']).describe('The phase that will follow.'),
    message: z.string().describe('The message that will go with it.'),
    unbegun: z.boolean().optional().describe('It holds only if the command had not begun after all.'),
  })
    .optional()
    .describe('The verdict, while what was started on the node is still being ended.'),
  outcomeUnknown: z
    .boolean()
    .optional()
    .describe(
      'The node was not Ready when it was given up, or what was started could not be read or ended: it may have run.',
    ),
  lostInSoak: z
    .boolean()
    .optional()
    .describe('It was not Ready for too long while its step was soaking, and counts as failed for that.'),
  startedAt: z.iso.datetime().optional().describe('When work on the node began.'),
  phaseStartedAt: z.iso
    .datetime()
    .optional()
    .describe('When the present phase began, or the wait for a node that is not Ready; only until then.'),
  finishedAt: z.iso.datetime().optional().describe('When the verdict on the node was taken.'),
  lastUpdated: z.iso
    .datetime()
    .optional()
    .describe('Only until the node is finished; then finishedAt says it.'),
});
export type NodeStatus = z.infer<typeof NodeStatusSchema>;

export const ROLLOUT_PHASES = ['Pending', 'Running', 'Completed', 'Failed', 'Cancelled'] as const;
export type RolloutPhase = (typeof ROLLOUT_PHASES)[number];

const ConditionSchema = object({
  type: z.string().describe('What it is about, such as Ready.'),
  status: z.enum(['True', 'False', 'Unknown']).describe('Whether it is so.'),
  reason: z.string().optional().describe('Why, in one word for programs.'),
  message: z.string().optional().describe('Why, in a sentence for people.'),
  lastTransitionTime: z.iso.datetime().optional().describe('When the status changed last.'),
  observedGeneration: z.int().optional().describe('The generation of the NodeOp it tells of.'),
});

const SummarySchema = object({
  total: z.int().describe('Target nodes.'),
  pending: z.int().describe('Nodes whose turn has not come.'),
  inFlight: z.int().describe('Nodes that are worked on.'),
  completed: z.int().describe('Nodes that are completed, skipped ones among them.'),
  failed: z.int().describe('Nodes that failed.'),
  cancelled: z.int().describe('Nodes that were given up, or never begun.'),
  skipped: z.int().optional().describe('Of those completed: nodes on which there was nothing to do.'),
  done: z.string().describe('Completed nodes of all, as text such as "3/5", for the printer column.'),
});
export type Summary = z.infer<typeof SummarySchema>;

const NodeOpStatusSchema = object({
  phase: z.enum(ROLLOUT_PHASES).optional().describe('How the whole stands; final once no node is in flight.'),
  observedGeneration: z.int().optional().describe('The generation that was looked at last; -1: none yet.'),
  summary: SummarySchema.optional().describe('How many nodes are where.'),
  conditions: z
    .array(ConditionSchema)
    .optional()
    .describe('Ready, Reconciling, Stalled as kstatus reads them, and others.'),
  startedAt: z.iso.datetime().optional().describe('When the rollout began.'),
  completedAt: z.iso.datetime().optional().describe('When it was over.'),
  lastUpdated: z.iso.datetime().optional().describe('When this status was written.'),
  stepOf: z
    .string()
    .optional()
    .describe(
      'The step of each target, one character (0-9, a-z) a target, in the byte order of their names.',
    ),
  steps: z
    .array(StepStatusSchema)
    .optional()
    .describe('How each step stands, the nodes in none of them as "rest".'),
  // Atomic: else the API server keeps, beside the status, whose each field of each node is, which takes as much room again.
  nodeStatuses: z
    .record(z.string(), NodeStatusSchema)
    .meta({ 'x-kubernetes-map-type': 'atomic' })
    .optional()
    .describe('One entry a target node.'),
});
export type NodeOpStatus = z.infer<typeof NodeOpStatusSchema>;

/** What people may write beside the name of a NodeOp, of the run file that becomes one too. */
export const MARKS = {
  labels: z.record(labelKey(), labelValue()).optional().describe('Labels of the NodeOp.'),
  annotations: z.record(labelKey(), z.string()).optional().describe('Annotations of the NodeOp.'),
  creationTimestamp: z.null().optional().describe('Left behind by generators; says nothing.'),
};

const MetadataSchema = object({
  name: objectName().optional().describe('Name of the NodeOp; of a run file of its own, once in a cluster.'),
  generateName: z
    .string()
    .optional()
    .describe('Begins the name; the rest follows from cluster, path and content, so each run has its own.'),
  namespace: namespaceName()
    .optional()
    .describe("Its namespace; kubernetes.namespace of the agent's configuration when absent."),
  ...MARKS,
}).refine(
  (meta) => meta.name !== undefined || meta.generateName !== undefined,
  'needs a name or a generateName',
);

/** A NodeOp as people write it. */
export const NodeOpManifestSchema = object({
  apiVersion: z.literal(NODEOP_API_VERSION).describe('Group and version of this kind.'),
  kind: z.literal(NODEOP_KIND).describe('The kind of this document.'),
  metadata: MetadataSchema.describe('How the NodeOp is called.'),
  spec: NodeOpSpecSchema.describe('What is done on which nodes, and how.'),
  status: z.unknown().optional().describe('Written by the agent; to be left out in files.'),
});
export type NodeOpManifest = z.infer<typeof NodeOpManifestSchema>;

/**
 * The shape the CRD is generated from: `spec` and `status` alone. Until somebody has looked at a NodeOp its status says
 * that no generation is observed: kstatus would call it Current without.
 */
export const NodeOpCrdSchema = object({
  spec: NodeOpSpecSchema.describe('What is done on which nodes, and how.'),
  status: NodeOpStatusSchema.default({ observedGeneration: -1 }).describe(
    'How it stands; written by the agent.',
  ),
});

/** A NodeOp as the API server hands it out. */
export interface NodeOp extends KubeObject {
  spec: NodeOpSpec;
  status?: NodeOpStatus;
}

export function isFinalNodePhase(phase: NodePhase): boolean {
  return phase === 'Completed' || phase === 'Failed' || phase === 'Cancelled';
}

export function isFinalPhase(phase: RolloutPhase | undefined): boolean {
  return phase === 'Completed' || phase === 'Failed' || phase === 'Cancelled';
}
