import type { NodeOpSpec } from '../../api/nodeop.ts';
import type { Problem } from '../../api/schema.ts';
import { isObject } from '../runs/merge.ts';

/**
 * Fields that another NodeOp controller does not know, though a run that has them relies on them: without
 * them more would be done to the nodes, or something else, than was agreed to.
 */
const RELIED_ON = {
  suspend: (it) => it.suspend,
  env: (it) => (it.env ?? []).length > 0,
  activeDeadlineSeconds: (it) => it.activeDeadlineSeconds !== undefined,
  cancelTimeoutSeconds: (it) => it.cancelTimeoutSeconds !== undefined,
  maxFailures: (it) => it.maxFailures !== undefined,
  topologyKey: (it) => it.topologyKey !== undefined,
  soakSeconds: (it) => it.soakSeconds > 0,
  postflight: (it) => it.postflight !== undefined,
  steps: (it) => it.steps !== undefined,
} as const satisfies Partial<Record<keyof NodeOpSpec, (spec: NodeOpSpec) => boolean>>;

export const NOT_CARRIED_OUT =
  'the controller that carries out rollouts here (rollout.executor: external) does not know this field';

const NO_SHARES =
  'the controller that carries out rollouts here (rollout.executor: external) takes a number of nodes alone';

/** What a spec asks for that the other controller would pass over; paths begin inside the spec. */
export function unknownToOthers(spec: NodeOpSpec): Problem[] {
  const unknown = Object.entries(RELIED_ON)
    .filter(([, relies]) => relies(spec))
    .map(([field]) => ({ path: [field], message: NOT_CARRIED_OUT }));
  return typeof spec.concurrency === 'number'
    ? unknown
    : [...unknown, { path: ['concurrency'], message: `${NO_SHARES}, found ${spec.concurrency}` }];
}

/** Fields of this project that the other controller has a way of its own for: they are left out. */
const LEFT_OUT = [
  'nodeReadyTimeoutSeconds',
  'startTimeoutSeconds',
  'rebootTimeoutSeconds',
  'retryAfterDisruption',
  'tolerations',
  ...Object.keys(RELIED_ON),
];

/** What people wrote, in the words of the NodeOp reference: its defaults are the other controller's to fill in. */
export function inCommonWords(written: unknown): NodeOpSpec {
  const spec = isObject(written) ? written : {};
  const common = Object.entries(spec).filter(([field, value]) => !LEFT_OUT.includes(field) && value !== null);
  return Object.fromEntries(common) as unknown as NodeOpSpec;
}

/** Where the same words mean something else to the Kairos operator, as of version 0.1.3. */
export function meantOtherwise(written: NodeOpSpec): string[] {
  const { cordon, drainOptions, backoffLimit, rebootOnSuccess } = written as Partial<NodeOpSpec>;
  const notes: string[] = [];
  if (drainOptions?.enabled === true) {
    if (cordon !== true) notes.push('nothing is drained: the other controller drains only with cordon: true');
    else {
      notes.push('the other controller holds no PodDisruptionBudgets while it drains');
      if (!drainOptions.force) notes.push('pods without a controller stay, and go down with their node');
      if (drainOptions.gracePeriodSeconds === undefined)
        notes.push('pods have their own grace period: gracePeriodSeconds is not set');
      if (drainOptions.timeoutSeconds === undefined)
        notes.push('a drain that is held up goes on without end: timeoutSeconds is not set');
    }
  }
  if (backoffLimit === undefined)
    notes.push('a command that fails is run up to seven times: backoffLimit is not set');
  if (rebootOnSuccess === true)
    notes.push('a reboot has no time-out there: a node that does not come back is waited for');
  return notes;
}
