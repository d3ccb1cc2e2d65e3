import { NODEOP_API_VERSION, NODEOP_KIND, NodeOpManifestSchema } from '../../api/nodeop.ts';
import { AGENT_API_VERSION } from '../../api/config.ts';
import { NODEOPRUN_KIND, NodeOpRunSchema } from '../../api/nodeoprun.ts';
import { InvalidError } from '../../api/errors.ts';
import { check, formatProblem, objectName, show } from '../../api/schema.ts';
import { trimEnd } from '../../api/trim.ts';
import { isObject } from '../runs/merge.ts';

/** A manifest of another tool as a definition and a run of it. */
export interface Imported {
  /** What both files are called. */
  name: string;
  definition: object;
  run: object;
  /** What has no counterpart here, or means something else: for whoever looks the files over. */
  notes: string[];
}

export type Fields = Record<string, unknown>;

/** An object in a field; empty when there is none. */
export function fieldsOf(value: unknown): Fields {
  return isObject(value) ? value : {};
}

/** What was made of a manifest before it is put into files. */
export interface Draft {
  metadata: Fields;
  spec: Fields;
  window?: object;
  notes: string[];
}

const LONGEST_NAME = 63;
const OBJECT_NAME = objectName();

/** Leaves out what NodeOps do not have, and says so. */
export function toFiles({ metadata, spec, window, notes }: Draft): Imported {
  const given = [metadata['name'], metadata['generateName']].find((it) => typeof it === 'string');
  const name = trimEnd((given ?? 'imported').slice(0, LONGEST_NAME), '-.');
  if (!OBJECT_NAME.safeParse(name).success)
    throw new InvalidError(
      `metadata.name: ${show(name)} is no name of an object, by which both files are called: give it another one`,
    );
  const { kept, told } = fitting(spec);
  const { namespace } = metadata;
  const run = {
    apiVersion: AGENT_API_VERSION,
    kind: NODEOPRUN_KIND,
    metadata: { generateName: `${name}-` },
    spec: { nodeOp: name, ...(window && { window }) },
  };
  const read = check(NodeOpRunSchema, run);
  const wrong = read.ok ? [] : read.problems.map(formatProblem);
  return {
    name,
    definition: {
      apiVersion: NODEOP_API_VERSION,
      kind: NODEOP_KIND,
      metadata: { name, ...(typeof namespace === 'string' && { namespace }) },
      spec: kept,
    },
    run,
    notes: [...notes, ...told, ...wrong],
  };
}

/** The fields that NodeOps have, and notes about others and about wrong values. */
function fitting(spec: Fields): { kept: Fields; told: string[] } {
  const known = new Set(Object.keys(NodeOpManifestSchema.shape.spec.shape));
  const given = Object.entries(spec).filter(([, value]) => value !== undefined && value !== null);
  const kept = Object.fromEntries(given.filter(([field]) => known.has(field)));
  const unknown = given
    .filter(([field]) => !known.has(field))
    .map(([field]) => `spec.${field}: has no counterpart here and is left out`);
  const result = check(NodeOpManifestSchema.shape.spec, kept);
  const problems = result.ok ? [] : result.problems.map((it) => `spec.${formatProblem(it)}`);
  return { kept, told: [...unknown, ...problems] };
}
