import { NodeOpManifestSchema, type NodeOpSpec } from '../../../api/nodeop.ts';
import type { NodeOpRun } from '../../../api/nodeoprun.ts';
import { check } from '../../../api/schema.ts';
import { isObject, mergePatch } from '../merge.ts';
import type { Defined } from './definition.ts';
import { atItsSource } from './places.ts';
import { refuse, type Refused } from './stage.ts';

/** What is to be done, whoever says so: the run file alone, or a definition and what the run changes in it. */
export interface Merged extends Defined {
  /** With every default. */
  spec: NodeOpSpec;
  /** As people wrote it. */
  written: unknown;
}

/** Merges what the run overrides into the definition. */
export function withOverrides(draft: Defined): Merged | Refused {
  const { run, definition, own } = draft;
  if (own) return { ...draft, ...own };
  if (!run || !definition) throw new Error('a run has a spec or names a definition');
  const written = merged(definition.spec, run.spec);
  const result = check(NodeOpManifestSchema.shape.spec, written);
  if (result.ok) return { ...draft, spec: result.value, written };
  return refuse(
    draft,
    result.problems.map((it) => atItsSource(it, run)),
  );
}

/** `env` joins that of the definition, names of the run first; null in `overrides` removes a field. */
function merged(definition: unknown, { overrides = {}, env, suspend }: NodeOpRun['spec']): unknown {
  const patched = mergePatch(definition, overrides);
  const spec = isObject(patched) ? { ...patched } : {};
  if (suspend !== undefined) spec['suspend'] = suspend;
  if (env === undefined) return spec;
  const names = new Set(env.map((it) => it.name));
  const own: unknown[] = Array.isArray(spec['env']) ? spec['env'] : [];
  const kept = own.filter((it) => !isObject(it) || !names.has(String(it['name'])));
  return { ...spec, env: [...kept, ...env] };
}
