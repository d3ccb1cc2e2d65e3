import type { NodeOpSpec } from '../../api/nodeop.ts';
import type { Problem } from '../../api/schema.ts';

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
} as const satisfies Partial<Record<keyof NodeOpSpec, (spec: NodeOpSpec) => boolean>>;

export const NOT_CARRIED_OUT =
  'the controller that carries out rollouts here (rollout.executor: external) does not know this field';

/** What a spec asks for that the other controller would pass over; paths begin inside the spec. */
export function unknownToOthers(spec: NodeOpSpec): Problem[] {
  return Object.entries(RELIED_ON)
    .filter(([, relies]) => relies(spec))
    .map(([field]) => ({ path: [field], message: NOT_CARRIED_OUT }));
}

/** The spec in the words of the NodeOp reference alone; every default is written out, since theirs may differ. */
export function inCommonWords(spec: NodeOpSpec): NodeOpSpec {
  const {
    nodeReadyTimeoutSeconds: _ready,
    uncordonOnFailure: _uncordon,
    rebootTimeoutSeconds: _reboot,
    tolerations: _tolerations,
    suspend: _suspend,
    env: _env,
    startTimeoutSeconds: _start,
    activeDeadlineSeconds: _deadline,
    cancelTimeoutSeconds: _cancel,
    retryAfterDisruption: _retry,
    maxFailures: _failures,
    topologyKey: _topology,
    soakSeconds: _soak,
    ...common
  } = spec;
  // Draining implies cordoning; the other controller drains only where cordoning is asked for.
  return { ...common, cordon: spec.cordon || spec.drainOptions.enabled } as NodeOpSpec;
}
