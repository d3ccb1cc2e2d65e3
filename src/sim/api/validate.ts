import { rulesOf } from '../controllers/job-policy.ts';
import type { ResourceType } from '../resources.ts';
import { invalid } from '../store/errors.ts';
import { at, equal, isRecord, type Obj, textOf } from '../store/object.ts';

/**
 * What the API server refuses of built-in types, as far as a client can get it wrong by accident: names,
 * label values, Jobs that could never end, changes of what is fixed. Custom types have their schema.
 */
export function validate(type: ResourceType, object: Obj, before?: Obj): void {
  const causes = [
    ...names(object),
    ...labels(object),
    ...(type.kind === 'Job' ? job(object, before) : []),
    ...(type.kind === 'Event' ? event(object) : []),
  ];
  const kind = type.group === '' ? type.kind : `${type.kind}.${type.group}`;
  const { name, generateName } = object.metadata;
  if (causes.length > 0) throw invalid(kind, name ?? generateName ?? '', causes);
}

interface Cause {
  field: string;
  message: string;
}

const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

function names({ metadata }: Obj): Cause[] {
  const { name, generateName } = metadata;
  const field = 'metadata.name';
  if (name === undefined && generateName === undefined)
    return [{ field, message: 'Required value: name or generateName is required' }];
  if (name === undefined || (NAME.test(name) && name.length <= 253)) return [];
  return [
    { field, message: `Invalid value: ${JSON.stringify(name)}: must be a lowercase RFC 1123 subdomain` },
  ];
}

function labels({ metadata }: Obj): Cause[] {
  const wrong = Object.values(metadata.labels ?? {}).filter(
    (value) => value.length > 63 || !LABEL.test(value),
  );
  return wrong.map((value) => ({
    field: 'metadata.labels',
    message: `Invalid value: ${JSON.stringify(value)}: must be a valid label value of at most 63 characters`,
  }));
}

function job(object: Obj, before: Obj | undefined): Cause[] {
  const field = 'spec.template.spec.restartPolicy';
  const policy = textOf(at(object, field)) || 'Always';
  const restarts = !['Never', 'OnFailure'].includes(policy);
  const message = `Unsupported value: ${JSON.stringify(policy)}: supported values: "OnFailure", "Never"`;
  const changed = before !== undefined && !equal(at(object, 'spec.template'), at(before, 'spec.template'));
  return [
    ...(restarts ? [{ field, message }] : []),
    ...failurePolicy(object),
    ...(changed ? [{ field: 'spec.template', message: 'Invalid value: field is immutable' }] : []),
  ];
}

/** Rules of `podFailurePolicy` as batch/v1 validates them. */
function failurePolicy(object: Obj): Cause[] {
  const field = 'spec.podFailurePolicy';
  if (at(object, field) === undefined) return [];
  const causes: Cause[] = [];
  const never = at(object, 'spec.template.spec.restartPolicy') === 'Never';
  if (!never) {
    const message = 'Invalid value: only "Never" is supported when podFailurePolicy is specified';
    causes.push({ field: 'spec.template.spec.restartPolicy', message });
  }
  if ((at(object, 'spec.podReplacementPolicy') ?? 'Failed') !== 'Failed') {
    const message = 'Unsupported value: "TerminatingOrFailed": supported values: "Failed"';
    causes.push({ field: 'spec.podReplacementPolicy', message });
  }
  for (const [i, rule] of rulesOf(object).entries()) {
    const path = `${field}.rules[${i}]`;
    if (!['FailJob', 'Ignore', 'Count', 'FailIndex'].includes(textOf(rule['action'])))
      causes.push({ field: `${path}.action`, message: 'Unsupported value' });
    if ((rule['onExitCodes'] === undefined) === (rule['onPodConditions'] === undefined))
      causes.push({
        field: path,
        message: 'Invalid value: specifying one of OnExitCodes and OnPodConditions is required',
      });
    causes.push(...exitCodes(rule, `${path}.onExitCodes`));
  }
  return causes;
}

function exitCodes(rule: Record<string, unknown>, field: string): Cause[] {
  const wanted = rule['onExitCodes'];
  if (!isRecord(wanted)) return [];
  const values = Array.isArray(wanted['values']) ? (wanted['values'] as number[]) : [];
  const sorted = values.every((value, i) => i === 0 || value > (values[i - 1] ?? 0));
  if (values.length > 0 && sorted && !(wanted['operator'] === 'In' && values.includes(0))) return [];
  return [{ field: `${field}.values`, message: 'Invalid value: must be ordered, unique, and not 0 for In' }];
}

function event(object: Obj): Cause[] {
  const involved = object['involvedObject'];
  const namespace = isRecord(involved) ? textOf(involved['namespace']) : '';
  if (namespace === '' || namespace === object.metadata.namespace) return [];
  return [{ field: 'involvedObject.namespace', message: 'Invalid value: does not match event.namespace' }];
}
