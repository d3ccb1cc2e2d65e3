import { createHash } from 'node:crypto';
import {
  ANNOTATION_RUN,
  ANNOTATION_RUN_BLOB,
  ANNOTATION_RUN_COMMIT,
  ANNOTATION_WINDOW,
} from '../../../api/labels.ts';
import { NODEOP_API_VERSION, NODEOP_KIND } from '../../../api/nodeop.ts';
import type { NodeOpRun } from '../../../api/nodeoprun.ts';
import { objectName } from '../../../api/schema.ts';
import { trimBoth } from '../../../api/trim.ts';
import { show } from '../../../api/wording.ts';
import { isObject } from '../merge.ts';
import { recordOf } from '../parameters/record.ts';
import { runId, type Layout } from '../paths.ts';
import type { Merged } from './overrides.ts';
import {
  refuse,
  type Manifest,
  type Metadata,
  type PrepareContext,
  type Prepared,
  type Refused,
  type RunSource,
} from './stage.ts';

/** Made once: to make a schema takes longer than to check a name. */
const OBJECT_NAME = objectName();

/** The NodeOp to create, and when and where. */
export function toManifest(merged: Merged, context: PrepareContext): Prepared | Refused {
  const { source, metadata, run, definition, parameters } = merged;
  const { name: given, generateName } = metadata;
  const name = given ?? derivedName(source, context.layout, generateName);
  if (!OBJECT_NAME.safeParse(name).success) {
    const message = `does not begin an object name: ${show(generateName)}`;
    return refuse(merged, [{ path: ['metadata', 'generateName'], message }]);
  }
  const manifest: Manifest = {
    apiVersion: NODEOP_API_VERSION,
    kind: NODEOP_KIND,
    metadata: {
      name,
      namespace: metadata.namespace ?? context.namespace,
      ...(isObject(metadata.labels) && { labels: texts(metadata.labels) }),
      annotations: annotations(merged, metadata, context.layout),
    },
    spec: merged.spec,
  };
  return {
    ok: true,
    manifest,
    ...whenAndWhere(run?.spec, context.layout),
    ...(definition && { definition: { name: definition.name, path: definition.path } }),
    ...(parameters.length > 0 && { parameters }),
  };
}

function annotations(
  { source, run, parameters }: Merged,
  metadata: Metadata,
  layout: Layout,
): Record<string, string> {
  const window = run?.spec.window;
  return {
    ...(isObject(metadata.annotations) ? texts(metadata.annotations) : {}),
    ...(window && { [ANNOTATION_WINDOW]: JSON.stringify(window) }),
    ...recordOf(parameters),
    [ANNOTATION_RUN]: runId(layout, source.path),
    [ANNOTATION_RUN_BLOB]: source.blob,
    [ANNOTATION_RUN_COMMIT]: source.commit,
  };
}

function whenAndWhere(spec: NodeOpRun['spec'] | undefined, { cluster }: Layout) {
  if (!spec) return { here: true };
  const { clusters = [], window, notBefore, notAfter } = spec;
  return {
    here: clusters.length === 0 || (cluster !== undefined && clusters.includes(cluster)),
    clusters,
    ...(window && { window }),
    ...(notBefore !== undefined && { notBefore }),
    ...(notAfter !== undefined && { notAfter }),
  };
}

function texts(values: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]));
}

/** The same file on the same cluster always gets the same name, so creating it twice is impossible. */
function derivedName(source: RunSource, { cluster }: Layout, prefix: string | undefined): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([cluster ?? '', source.path, source.blob]))
    .digest('hex')
    .slice(0, 10);
  if (prefix !== undefined) return `${prefix.slice(0, 200)}${hash}`;
  const file = source.path.slice(source.path.lastIndexOf('/') + 1).replace(/\.ya?ml$/i, '');
  const plain = file.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  const stem = trimBoth(plain.slice(0, 50), '-');
  return `${stem === '' ? 'run' : stem}-${hash}`;
}
