import { findDefinition } from '../definitions.ts';
import type { ReadRun } from './read.ts';
import { refuse, type PrepareContext, type Refused } from './stage.ts';

/** A run file together with the definition that it names. */
export interface Defined extends ReadRun {
  definition?: { name: string; path: string; spec: unknown };
}

/** Finds the definition, whose namespace is the run's unless that names one. */
export function withDefinition(read: ReadRun, { definitions }: PrepareContext): Defined | Refused {
  if (!read.run) return read;
  const { nodeOp: name } = read.run.spec;
  const found = findDefinition(definitions, name);
  if (!found.ok) return refuse(read, [found.problem]);
  const { path, spec } = found;
  const namespace = found.metadata['namespace'];
  const metadata = { ...(typeof namespace === 'string' && { namespace }), ...read.metadata };
  return { ...read, metadata, definition: { name, path, spec } };
}
