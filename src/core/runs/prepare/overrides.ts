import { NodeOpManifestSchema, type NodeOpSpec } from '../../../api/nodeop.ts';
import type { NodeOpRun } from '../../../api/nodeoprun.ts';
import { check, type Problem } from '../../../api/schema.ts';
import { isObject, mergePatch } from '../merge.ts';
import { expandedProblems } from '../parameters/environment.ts';
import type { Given } from './parameters.ts';
import { atItsSource } from './places.ts';
import { refuse, type Refused } from './stage.ts';

/** What is to be done, whoever says so: the run file alone, or a definition and what the run changes in it. */
export interface Merged extends Given {
  /** With every default. */
  spec: NodeOpSpec;
  /** As people wrote it. */
  written: unknown;
}

/** Merges what the run overrides into the definition. */
export function withOverrides(draft: Given): Merged | Refused {
  const { run, definition, own } = draft;
  if (own) return { ...draft, ...own };
  if (!run || !definition) throw new Error('a run has a spec or names a definition');
  const kept = keptProblems(run.spec, definition);
  if (kept.length > 0) return refuse(draft, kept);
  const written = merged(definition.spec, run.spec);
  const result = check(NodeOpManifestSchema.shape.spec, written);
  const problems = result.ok ? expandedProblems(definition.declares.parameters, written) : result.problems;
  if (result.ok && problems.length === 0) return { ...draft, spec: result.value, written };
  return refuse(
    draft,
    problems.map((it) => atItsSource(it, run)),
  );
}

/** What the run would change though its definition keeps it as it is. `suspend` of the run is its brake, and changes nothing. */
function keptProblems(
  { overrides = {}, env }: NodeOpRun['spec'],
  { name, declares }: { name: string; declares: { overridable?: readonly string[] } },
): Problem[] {
  const { overridable } = declares;
  if (overridable === undefined) return [];
  const allowed = overridable.length === 0 ? 'nothing' : `only ${overridable.join(', ')}`;
  const message = `definition "${name}" lets its runs override ${allowed}`;
  const paths = [
    ...Object.keys(overrides).flatMap((it) => (overridable.includes(it) ? [] : [['spec', 'overrides', it]])),
    ...(env === undefined || overridable.includes('env') ? [] : [['spec', 'env']]),
  ];
  return paths.map((path) => ({ path, message }));
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
