import { AGENT_API_VERSION } from '../../../api/config.ts';
import { parseDocument } from '../../../api/documents.ts';
import { isOwnMark } from '../../../api/labels.ts';
import {
  NODEOP_API_VERSION,
  NODEOP_KIND,
  NodeOpManifestSchema,
  type NodeOpManifest,
  type NodeOpSpec,
} from '../../../api/nodeop.ts';
import { NODEOPRUN_KIND, NodeOpRunSchema, type NodeOpRun } from '../../../api/nodeoprun.ts';
import type { Problem } from '../../../api/schema.ts';
import { isObject } from '../merge.ts';
import { refusal } from '../paths.ts';
import type { Draft, Refused, RunSource } from './stage.ts';

/** A run file that has the shape of its kind. */
export interface ReadRun extends Draft {
  /** Of a NodeOp: its spec with defaults, and as it was written. */
  own?: { spec: NodeOpSpec; written: unknown };
}

const KINDS = [
  { apiVersion: NODEOP_API_VERSION, kind: NODEOP_KIND, schema: NodeOpManifestSchema },
  { apiVersion: AGENT_API_VERSION, kind: NODEOPRUN_KIND, schema: NodeOpRunSchema },
];

/** Reads the file: a NodeOp, or a NodeOpRun that names a definition. */
export function readRun(source: RunSource): ReadRun | Refused {
  const refused = refusal(source.path, source.mode);
  if (refused !== undefined) return { ok: false, problems: [{ path: [], message: refused }] };
  const parsed = parseDocument<NodeOpManifest | NodeOpRun>(source.content, KINDS);
  if (!parsed.ok) return parsed;
  const { value, raw, locate, spelled } = parsed;
  const claimed = ownMarks(value.metadata);
  if (claimed.length > 0) return { ok: false, problems: locate(claimed) };
  const draft = { source, locate, spelled, metadata: value.metadata ?? {} };
  if (value.kind === NODEOPRUN_KIND) return { ...draft, run: value };
  return { ...draft, own: { spec: value.spec, written: isObject(raw) ? raw['spec'] : undefined } };
}

/** What the agent believes of a NodeOp because it alone writes it, labels and annotations to come among them. */
function ownMarks(metadata: unknown): Problem[] {
  return ['annotations', 'labels'].flatMap((field) => {
    const marks = isObject(metadata) ? metadata[field] : undefined;
    const own = isObject(marks) ? Object.keys(marks).filter(isOwnMark) : [];
    return own.map((it) => ({ path: ['metadata', field, it], message: 'is for the agent alone to write' }));
  });
}
