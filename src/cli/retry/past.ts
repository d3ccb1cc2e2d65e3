import type { Node } from '../../api/kubernetes.ts';
import { InvalidError } from '../../api/errors.ts';
import { ANNOTATION_RUN_BLOB, ANNOTATION_SPEC, LABEL_HOSTNAME } from '../../api/labels.ts';
import { isFinalPhase, type NodeOp } from '../../api/nodeop.ts';
import { isFinalReport, type NodeOpReport } from '../../api/report.ts';
import { isObject } from '../../core/runs/merge.ts';
import { recordedParameters } from '../../core/runs/parameters/record.ts';
import type { PastRun } from '../../core/runs/retry.ts';
import { NODES } from '../../kube/resources.ts';
import { type ClusterFlags, ReadOnlyCluster } from '../cluster.ts';
import { clusterNameOf, labelOf, runPathOf } from '../find-run.ts';
import { lookUpBegun } from '../look-up.ts';

/** A run that is over, and the hostnames of nodes as far as they are known. */
export interface Found {
  past: PastRun;
  hostnames: Map<string, string>;
}

export function fromReport(report: NodeOpReport): Found {
  const past = ofReport(report);
  if (!isFinalReport(report)) throw new InvalidError(goesOn(past.run, report.status.phase));
  if (!past.spec)
    throw new InvalidError(`${past.run} never began: mend its file, or add it under another name`);
  return { past: { ...past, spec: past.spec }, hostnames: new Map() };
}

function ofReport({ run, nodeOp, metadata, cluster, parameters, spec, status }: NodeOpReport) {
  return {
    run: run.path,
    blob: run.blob,
    parameters,
    namespace: nodeOp?.namespace,
    name: nodeOp?.name ?? metadata.name,
    cluster,
    spec: isObject(spec) ? spec : undefined,
    nodes: status.nodes ?? [],
  };
}

function goesOn(run: string, phase: string): string {
  return `${run} is ${phase}: it can be repeated when it is over`;
}

export async function fromCluster(wanted: string, flags: ClusterFlags): Promise<Found> {
  const cluster = new ReadOnlyCluster(flags);
  try {
    const past = ofNodeOp(await lookUpBegun(cluster, wanted, flags.namespace));
    const hostnames = new Map<string, string>();
    for await (const { metadata } of cluster.list<Node>(NODES)) {
      const hostname = metadata.labels?.[LABEL_HOSTNAME];
      if (hostname !== undefined) hostnames.set(metadata.name ?? '', hostname);
    }
    return { past, hostnames };
  } finally {
    await cluster.close();
  }
}

function ofNodeOp(nodeOp: NodeOp): PastRun {
  const { metadata, spec, status } = nodeOp;
  const run = runPathOf(nodeOp) ?? labelOf(nodeOp);
  if (!isFinalPhase(status?.phase)) throw new InvalidError(goesOn(run, status?.phase ?? 'Pending'));
  const recorded = recordedSpec(metadata.annotations?.[ANNOTATION_SPEC]);
  const nodes = Object.entries(status?.nodeStatuses ?? {}).map(([name, it]) => ({ name, ...it }));
  return {
    run,
    blob: metadata.annotations?.[ANNOTATION_RUN_BLOB],
    parameters: recordedParameters(metadata),
    namespace: metadata.namespace,
    name: metadata.name ?? '',
    cluster: clusterNameOf(nodeOp),
    spec: isObject(recorded) ? recorded : { ...spec },
    nodes,
  };
}

function recordedSpec(text = 'null'): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Somebody in the cluster wrote it.
    return undefined;
  }
}
