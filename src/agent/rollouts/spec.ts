import { ANNOTATION_SPEC } from '../../api/labels.ts';
import type { CheckAccess } from '../../api/check-access.ts';
import { type NodeOp, type NodeOpSpec, NodeOpSpecSchema, NO_IMAGE, withImage } from '../../api/nodeop.ts';
import { check, formatProblem } from '../../api/schema.ts';
import { barredChecks } from '../../core/checks/barred.ts';
import { copyProblem } from '../../core/rollout/identity.ts';
import type { Refusal } from '../../core/rollout/refusal.ts';

/** What the configuration says of NodeOps. */
export interface RolloutRules {
  /** For those that name no image. */
  defaultImage?: string | undefined;
  /** Where their checks may send requests; it is not asked when absent. */
  checkAccess?: CheckAccess | undefined;
}

export type SpecToCarryOut = { spec: NodeOpSpec; changed: boolean } | { refusal: Refusal };

/** The recorded spec with the live `suspend`; the live one of a NodeOp that is not begun. */
export function readSpec(object: NodeOp, { defaultImage, checkAccess }: RolloutRules): SpecToCarryOut {
  const copied = copyProblem(object);
  if (copied !== undefined) return { refusal: { reason: 'Copied', message: copied } };
  const live = check(NodeOpSpecSchema, withoutNulls(object.spec));
  const record = object.metadata.annotations?.[ANNOTATION_SPEC];
  const recorded = record === undefined ? live : check(NodeOpSpecSchema, parsed(record));
  if (!recorded.ok) {
    const message = recorded.problems.map((problem) => `spec.${formatProblem(problem)}`).join('; ');
    return { refusal: { reason: 'InvalidSpec', message } };
  }
  // What has begun goes on: a check that may not be asked any more fails its step.
  const barred = record === undefined ? barredChecks(recorded.value, checkAccess) : [];
  if (barred.length > 0) {
    const message = barred.map((problem) => `spec.${formatProblem(problem)}`).join('; ');
    return { refusal: { reason: 'InvalidSpec', message } };
  }
  const suspend = live.ok ? live.value.suspend : recorded.value.suspend;
  const spec = withImage({ ...recorded.value, suspend }, defaultImage);
  if (spec === undefined) return { refusal: { reason: 'InvalidSpec', message: `spec.image: ${NO_IMAGE}` } };
  // What stands for a missing image may have been another when it was recorded.
  const now = live.ok ? (withImage(live.value, spec.image) ?? live.value) : undefined;
  return { spec, changed: !isEqual(now, spec) };
}

/** Whatever the order of their fields is. */
function isEqual(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, child]) => [key, sorted(child)]));
}

/** An API server stores the null of a nullable field; it means the same as no field. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([, child]) => child !== null);
  return Object.fromEntries(kept.map(([key, child]) => [key, withoutNulls(child)]));
}

/** The recorded spec; undefined, which no schema takes, when somebody broke it. */
function parsed(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}
