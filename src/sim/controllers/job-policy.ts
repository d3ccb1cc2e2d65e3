import { at, isRecord, type Obj } from '../store/object.ts';

/** `spec.podFailurePolicy`: what the first rule that matches a failed pod does with its Job. */
export interface Match {
  action: 'FailJob' | 'Ignore' | 'Count';
  message: string;
}

export function matchPolicy(job: Obj, pod: Obj): Match | undefined {
  for (const [index, rule] of rulesOf(job).entries()) {
    const found = onExitCodes(rule, pod) ?? onConditions(rule, pod);
    if (found === undefined) continue;
    const action = rule['action'] as Match['action'];
    return { action, message: `${found} matching ${action} rule at index ${index}` };
  }
  return undefined;
}

export function rulesOf(job: Obj): Record<string, unknown>[] {
  const rules = at(job, 'spec.podFailurePolicy.rules');
  return Array.isArray(rules) ? rules.filter(isRecord) : [];
}

function onExitCodes(rule: Record<string, unknown>, pod: Obj): string | undefined {
  const wanted = rule['onExitCodes'];
  if (!isRecord(wanted)) return undefined;
  const values = wanted['values'] as number[];
  for (const container of listAt(pod, 'status.containerStatuses')) {
    const { name } = container as { name?: string };
    const code = at(container, 'state.terminated.exitCode');
    if (typeof code !== 'number' || code === 0) continue;
    if (wanted['containerName'] !== undefined && wanted['containerName'] !== name) continue;
    if (values.includes(code) === (wanted['operator'] === 'In'))
      return `Container ${name} for pod ${nameOf(pod)} failed with exit code ${code}`;
  }
  return undefined;
}

function onConditions(rule: Record<string, unknown>, pod: Obj): string | undefined {
  for (const pattern of listAt(rule, 'onPodConditions')) {
    const status = at(pattern, 'status') ?? 'True';
    const found = listAt(pod, 'status.conditions').some(
      (one) => at(one, 'type') === at(pattern, 'type') && at(one, 'status') === status,
    );
    if (found) return `Pod ${nameOf(pod)} has condition ${String(at(pattern, 'type'))}`;
  }
  return undefined;
}

function listAt(value: unknown, path: string): unknown[] {
  const list = at(value, path);
  return Array.isArray(list) ? list : [];
}

const nameOf = ({ metadata }: Obj): string => `${metadata.namespace}/${metadata.name}`;
