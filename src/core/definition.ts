import { z } from 'zod';
import type { KubeObject } from '../api/kubernetes.ts';
import { NODEOP_GROUP, NODEOP_VERSION, NodeOpCrdSchema, type NodeOpSpec } from '../api/nodeop.ts';

/** Name of the CustomResourceDefinition of NodeOps. */
export const DEFINITION = `nodeops.${NODEOP_GROUP}`;

/** Reason of what is not begun, since the cluster would forget what becomes of it. */
export const LACKS_FIELDS = 'DefinitionLacksFields';

/** A structural schema, as far as it says which fields are kept. */
interface Schema {
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  enum?: unknown[];
  'x-kubernetes-preserve-unknown-fields'?: boolean;
}

export interface Definition extends KubeObject {
  spec?: {
    versions?: {
      name: string;
      served?: boolean;
      subresources?: { status?: object };
      schema?: { openAPIV3Schema?: Schema };
    }[];
  };
}

/** What API servers would drop of a NodeOp without a word, or refuse as no value of its field, as paths. */
export interface Lack {
  /** Without them a rollout cannot go on safely: what was begun, when, and in which boot would be forgotten. */
  needed: readonly string[];
  /** Told, and in nobody's way unless a run uses it. */
  other: readonly string[];
}

/** What only people read. Everything else of the status is needed. */
const FOR_PEOPLE = [
  ...['message', 'cause', 'log', 'cordoned', 'attempts', 'exitCode', 'finishedAt', 'lastUpdated'].map(
    (name) => `status.nodeStatuses.*.${name}`,
  ),
  'status.summary',
  'status.startedAt',
  'status.completedAt',
  'status.lastUpdated',
  'status.steps[].message',
];

/** What is on record of steps. A server that drops `spec.steps` never comes to it. */
const OF_STEPS = ['status.stepOf', 'status.steps', 'status.nodeStatuses.*.lostInSoak'];

/** Undefined when nothing is lacking. */
export function lackOf(definition: Definition | undefined): Lack | undefined {
  const version = definition?.spec?.versions?.find(({ name, served }) => name === NODEOP_VERSION && served);
  if (version === undefined) return { needed: [`the version ${NODEOP_VERSION} of ${DEFINITION}`], other: [] };
  const schema = version.schema?.openAPIV3Schema ?? {};
  const own = (ownSchema ??= z.toJSONSchema(NodeOpCrdSchema, { io: 'input' }) as Schema);
  const missing = missingIn(schema, own, '');
  const hasSteps = !missing.includes('spec.steps');
  const isNeeded = (path: string) =>
    path.startsWith('status') && !isForPeople(path) && (hasSteps || !isIn(OF_STEPS, path));
  const needed = missing.filter(isNeeded);
  if (version.subresources?.status === undefined) needed.unshift('the subresource status');
  const other = missing.filter((path) => !isNeeded(path));
  return needed.length + other.length === 0 ? undefined : { needed, other };
}

/** Made when it is first needed: it takes a few milliseconds. */
let ownSchema: Schema | undefined;

function isForPeople(path: string): boolean {
  return isIn(FOR_PEOPLE, path);
}

/** One of these fields, or inside one. */
function isIn(fields: readonly string[], path: string): boolean {
  return fields.some(
    (known) => path === known || path.startsWith(`${known}.`) || path.startsWith(`${known}[`),
  );
}

/**
 * Whether a spec has a field that holds something back. A server that drops one, as that of the version before does, would
 * let more happen than was agreed to.
 */
export function holdsBack({
  concurrency,
  maxFailures,
  suspend,
  steps,
  postflight,
}: Partial<NodeOpSpec>): boolean {
  const isShare = typeof concurrency === 'string';
  return isShare || suspend === true || (maxFailures ?? steps ?? postflight) !== undefined;
}

/** The fields of `own` that `theirs` has no place for, and values that it does not take; of a field that is missing, not those inside it. */
function missingIn(theirs: Schema, own: Schema, path: string): string[] {
  if (theirs['x-kubernetes-preserve-unknown-fields'] === true) return [];
  const missing: string[] = [];
  for (const [name, field] of Object.entries(own.properties ?? {})) {
    const known = theirs.properties?.[name];
    const at = path === '' ? name : `${path}.${name}`;
    if (known === undefined) missing.push(at);
    else missing.push(...missingIn(known, field, at));
  }
  const values = own.enum?.filter((value) => theirs.enum?.includes(value) === false) ?? [];
  missing.push(...values.map((value) => `${path} ${JSON.stringify(value)}`));
  if (own.items) missing.push(...missingIn(theirs.items ?? {}, own.items, `${path}[]`));
  if (typeof own.additionalProperties === 'object') {
    const inner = theirs.additionalProperties;
    if (inner !== true) missing.push(...missingIn(inner || {}, own.additionalProperties, `${path}.*`));
  }
  return missing;
}

const SHOWN = 8;

/** Why no NodeOp is begun; undefined when nothing that is needed is lacking. */
export function obstacleText(lack: Lack | undefined): string | undefined {
  if (lack === undefined || lack.needed.length === 0) return undefined;
  return `the definition of NodeOps in this cluster lacks what is needed to go on safely (${some(lack.needed)}): apply manifests/crd of this version, or leave the nodes to the other controller with rollout.executor: external`;
}

/** What is told besides. */
export function lackText(lack: Lack | undefined): string | undefined {
  if (lack === undefined || lack.other.length === 0) return undefined;
  return `the definition of NodeOps in this cluster drops fields of this version (${some(lack.other)}): apply its manifests/crd`;
}

function some(paths: readonly string[]): string {
  const more = paths.length > SHOWN ? ` and ${paths.length - SHOWN} more` : '';
  return `${paths.slice(0, SHOWN).join(', ')}${more}`;
}
