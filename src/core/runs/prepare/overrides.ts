import { NodeOpManifestSchema, type NodeOpSpec } from '../../../api/nodeop.ts';
import type { NodeOpRun } from '../../../api/nodeoprun.ts';
import { check, type Problem } from '../../../api/schema.ts';
import { isObject, mergePatch } from '../merge.ts';
import { expandedProblems } from '../parameters/environment.ts';
import type { Defined } from './definition.ts';
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
  const result = patched(run, definition);
  return result.ok ? { ...draft, ...result.value } : refuse(draft, result.problems);
}

/** What is wrong with the overrides, also of a run whose parameters are: people hear of all of it at once. */
export function overrideProblems({ run, definition }: Defined): readonly Problem[] {
  const result = run && definition && patched(run, definition);
  return result?.ok === false ? result.problems : [];
}

function patched(
  run: NodeOpRun,
  definition: NonNullable<Defined['definition']>,
): { ok: true; value: Pick<Merged, 'spec' | 'written'> } | { ok: false; problems: readonly Problem[] } {
  const kept = keptProblems(run.spec, definition);
  if (kept.length > 0) return { ok: false, problems: kept };
  const written = merged(definition.spec, run.spec);
  const result = check(NodeOpManifestSchema.shape.spec, written);
  const problems = result.ok ? expandedProblems(definition.declares.parameters, written) : result.problems;
  if (result.ok && problems.length === 0) return { ok: true, value: { spec: result.value, written } };
  return { ok: false, problems: problems.map((it) => atItsSource(it, run)) };
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
  const changed = mergePatch(definition, overrides);
  const spec = isObject(changed) ? { ...changed } : {};
  if (suspend !== undefined) spec['suspend'] = suspend;
  if (env === undefined) return spec;
  const names = new Set(env.map((it) => it.name));
  const own: unknown[] = Array.isArray(spec['env']) ? spec['env'] : [];
  const kept = own.filter((it) => !isObject(it) || !names.has(String(it['name'])));
  return { ...spec, env: [...kept, ...env] };
}
