import { ANNOTATION_PARAMETERS } from '../../../api/labels.ts';
import type { ObjectMeta } from '../../../api/kubernetes.ts';
import { isObject } from '../merge.ts';
import type { Resolved } from './environment.ts';

/** What a NodeOp says of the parameters it was made with; nothing where there are none. */
export function recordOf(resolved: readonly Resolved[]): Record<string, string> {
  if (resolved.length === 0) return {};
  return {
    [ANNOTATION_PARAMETERS]: JSON.stringify(Object.fromEntries(resolved.map((it) => [it.name, it.value]))),
  };
}

/** The parameters a NodeOp was made with. */
export function recordedParameters({ annotations = {} }: ObjectMeta): Record<string, unknown> | undefined {
  const text = annotations[ANNOTATION_PARAMETERS];
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    // Somebody in the cluster wrote it.
    return undefined;
  }
}
