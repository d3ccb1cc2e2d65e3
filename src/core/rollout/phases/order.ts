import type { NodeOpSpec } from '../../../api/nodeop.ts';

/** The phase a node enters first when it is started. */
export function firstPhase(spec: NodeOpSpec): 'Preflight' | 'Draining' | 'Running' {
  return spec.preflight ? 'Preflight' : firstAfterPreflight(spec);
}

export function firstAfterPreflight(spec: NodeOpSpec): 'Draining' | 'Running' {
  return spec.cordon || spec.drainOptions.enabled ? 'Draining' : 'Running';
}
