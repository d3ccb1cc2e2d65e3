import { AGENT_API_VERSION } from '../../api/config.ts';
import { LABEL_HOSTNAME } from '../../api/labels.ts';
import { NODEOP_API_VERSION, NODEOP_KIND, type NodePhase } from '../../api/nodeop.ts';
import { NODEOPRUN_KIND, type NodeOpRun } from '../../api/nodeoprun.ts';
import { labelValue } from '../../api/selector.ts';
import { trimEnd } from '../../api/trim.ts';
import { naturally } from '../text/order.ts';
import { line } from '../text/output.ts';
import { yaml } from '../text/yaml.ts';
import { counted } from '../text/counts.ts';

/** A run that is over, as far as repeating it goes. */
export interface PastRun {
  /** Path of its run file, or `<namespace>/<name>` of a NodeOp without one. */
  run: string;
  namespace: string | undefined;
  /** Name of the NodeOp. */
  name: string;
  cluster: string | undefined;
  /** Object id of its run file as it was acted on, where that is known. */
  blob?: string | undefined;
  /** What the definition was given, its defaults among them. */
  parameters?: Record<string, unknown> | undefined;
  /** The NodeOp spec as executed. */
  spec: Record<string, unknown>;
  nodes: readonly { name: string; phase: NodePhase; message?: string | undefined }[];
}

/** What people wrote, when it is still there and names a definition. */
export type Original = Pick<NodeOpRun, 'metadata' | 'spec'>;

const LABEL_VALUE = labelValue();
const TOLD = 20;

/** Nodes on which it did not do what it was to do. */
export function unfinishedNodes({ nodes }: PastRun): PastRun['nodes'] {
  const left = nodes.filter(({ phase }) => phase === 'Failed' || phase === 'Cancelled');
  return left.toSorted((a, b) => naturally(a.name, b.name));
}

function hostnameOf(node: string, hostnames: ReadonlyMap<string, string>): string {
  return hostnames.get(node) ?? node;
}

/** Why no selector finds the nodes that are left and no others; undefined when one does, as far as it is known. */
export function selectorProblem(past: PastRun, hostnames: ReadonlyMap<string, string>): string | undefined {
  const left = new Set(unfinishedNodes(past).map(({ name }) => name));
  const values = new Map([...left].map((name) => [hostnameOf(name, hostnames), name]));
  const long = [...values].find(([value]) => !LABEL_VALUE.safeParse(value).success);
  if (long) {
    return `node ${line(long[1])} cannot be selected: its name is no value of a label, and its ${LABEL_HOSTNAME} is not known`;
  }
  const twin = [...hostnames].find(([name, value]) => !left.has(name) && values.has(value));
  if (!twin) return undefined;
  const [name, value] = twin;
  return `${LABEL_HOSTNAME}=${line(value)} is the label of ${line(values.get(value) ?? '')} and of ${line(name)}, on which there is nothing to repeat`;
}

/**
 * A run file that repeats a run on the nodes that it failed on or did not come to.
 * @param hostnames values of the label kubernetes.io/hostname by node; a node's own name where it is not told
 * @param original the run file it was, when it names a definition: then so does this one, and what the definition says now counts
 */
export function retryFile(
  past: PastRun,
  hostnames: ReadonlyMap<string, string> = new Map(),
  original?: Original,
): string {
  const left = unfinishedNodes(past);
  const values = left.map(({ name }) => hostnameOf(name, hostnames));
  const matchExpressions = [{ key: LABEL_HOSTNAME, operator: 'In', values }];
  const document = original
    ? ofDefinition(past, original, { matchLabels: null, matchExpressions })
    : asExecuted(past, { matchExpressions });
  return `${heading(past, left).join('\n')}\n${yaml(document, { lineWidth: 110, noRefs: true })}`;
}

function heading({ run, name, cluster }: PastRun, left: PastRun['nodes']): string[] {
  const count = (phase: NodePhase) => left.filter((it) => it.phase === phase).length;
  const nodes = counted(left.length, 'node');
  const why = left.slice(0, TOLD).map((it) => `#   ${line(`${it.name}: ${it.phase}, ${it.message ?? ''}`)}`);
  return [
    `# Repeats ${line(run)} (NodeOp ${line(name)}) on ${nodes}: failed on ${count('Failed')}, did not come to ${count('Cancelled')}.`,
    ...why,
    ...(left.length > TOLD ? [`#   … and ${left.length - TOLD} more`] : []),
    ...(cluster === undefined ? [] : [`# It was carried out on the cluster ${line(cluster)}.`]),
  ];
}

function ofDefinition(
  { name, cluster, parameters: recorded = {} }: PastRun,
  { metadata, spec }: Original,
  nodeSelector: object,
): object {
  const { notBefore: _before, notAfter: _after, suspend: _suspend, ...rest } = spec;
  // The file may have been edited since; the values are those that were executed.
  const given = Object.entries(rest.parameters ?? {}).map(([key, value]) => [
    key,
    Object.hasOwn(recorded, key) ? recorded[key] : value,
  ]);
  return {
    apiVersion: AGENT_API_VERSION,
    kind: NODEOPRUN_KIND,
    metadata: {
      generateName: prefixOf(name),
      ...(metadata?.namespace !== undefined && { namespace: metadata.namespace }),
    },
    spec: {
      ...rest,
      ...(rest.parameters && { parameters: Object.fromEntries(given) as Record<string, unknown> }),
      ...(cluster !== undefined && { clusters: [cluster] }),
      overrides: { ...rest.overrides, nodeSelector },
    },
  };
}

function asExecuted({ name, namespace, spec }: PastRun, nodeSelector: object): object {
  const { suspend: _suspend, nodeSelector: _selector, ...rest } = spec;
  return {
    apiVersion: NODEOP_API_VERSION,
    kind: NODEOP_KIND,
    metadata: { generateName: prefixOf(name), ...(namespace !== undefined && { namespace }) },
    spec: { nodeSelector, ...rest },
  };
}

/** Begins the names of both: a run of its own, and told as one that repeats. */
function prefixOf(name: string): string {
  const stem = name.replace(/-retry-[0-9a-f]{10}$/, '').slice(0, 190);
  return `${trimEnd(stem, '-.')}-retry-`;
}

/** Beside the run file it repeats: `flash.yaml`, `flash-retry.yaml`, `flash-retry-2.yaml`, … */
export function retryPath(run: string, isTaken: (path: string) => boolean): string {
  const stem = run.replace(/\.ya?ml$/i, '').replace(/-retry(-\d+)?$/, '');
  for (let i = 1; ; i += 1) {
    const path = `${stem}-retry${i === 1 ? '' : `-${i}`}.yaml`;
    if (!isTaken(path)) return path;
  }
}
