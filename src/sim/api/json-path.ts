import { at, isRecord } from '../store/object.ts';

/** One step: into a field, or to the first entry of a list whose field has a value. */
const STEP = /\.((?:[^.[\\]|\\.)+)|\[\?\(@\.([\w.]+)==["']([^"']*)["']\)\]/gy;

/**
 * What a printer column shows, by as much of Kubernetes' JSONPath as definitions use: `.a.b`, `.annotations.example\.org/key`,
 * `.conditions[?(@.type=="Ready")].reason`. Undefined when there is nothing, or the path is another one.
 */
export function valueAt(object: unknown, path: string): unknown {
  const steps = [...path.matchAll(STEP)];
  if (steps.map(([text]) => text).join('') !== path) return undefined;
  let value = object;
  for (const [, field, key = '', wanted] of steps) {
    if (field !== undefined) value = isRecord(value) ? value[field.replace(/\\(.)/g, '$1')] : undefined;
    else value = Array.isArray(value) ? value.find((it) => at(it, key) === wanted) : undefined;
  }
  return value;
}
