import { CONTAINER } from '../api/labels.ts';
import type { Pod } from '../api/kubernetes.ts';
import type { NodeOp } from '../api/nodeop.ts';
import { own } from '../api/own.ts';
import { jobName } from '../core/rollout/names.ts';
import { ApiError } from './api-error.ts';
import type { KubeClient } from './client.ts';
import { newestOf } from './facts.ts';
import { objectPath, PODS } from './resources.ts';

/** So much of the end of a log is wanted. */
export interface LogLimit {
  lines: number;
  bytes: number;
}

/** The end of a log. */
export interface LogEnd {
  text: string;
  /** There was more before it. */
  isCut: boolean;
}

/** The last lines of what the command of a node says or said; undefined when its pod is gone. */
export async function commandLog(
  client: KubeClient,
  nodeOp: NodeOp,
  node: string,
  limit: LogLimit,
): Promise<LogEnd | undefined> {
  const { namespace = 'default', name = '', uid = '' } = nodeOp.metadata;
  const job = own(nodeOp.status?.nodeStatuses, node)?.jobName ?? jobName({ name, uid }, node);
  const { items } = await client.list<Pod>(PODS, { labelSelector: `job-name=${job}` }, namespace);
  const newest = newestOf(items);
  if (newest === undefined) return undefined;
  const path = `${objectPath(PODS, newest.metadata.name ?? '', namespace)}/log`;
  try {
    return await endOf(
      (lines) => client.text(path, { container: CONTAINER, tailLines: lines, limitBytes: limit.bytes }),
      limit,
    );
  } catch (error) {
    // The node is down or its container is gone: the status still has the end of the log.
    if (error instanceof ApiError && error.code >= 400) return undefined;
    throw error;
  }
}

/** Shares of the lines that fit, by which fewer are asked for each time: those further down may be longer. */
const SHARES = [0.75, 0.5, 0.25, 0.1];

/**
 * Of the lines that are asked for an API server sends the first bytes (`limitBytes` of the API reference), and why a command failed
 * stands in the last ones: as long as they do not fit, fewer are asked for, and after five times the last one alone.
 * @param read the last lines of a log, and of these the first `bytes`
 */
export async function endOf(
  read: (lines: number) => Promise<string>,
  { lines, bytes }: LogLimit,
): Promise<LogEnd> {
  let asked = lines;
  for (const share of [...SHARES, 0]) {
    // oxlint-disable-next-line no-await-in-loop -- each answer tells how many fit
    const text = await read(asked);
    const found = text.split('\n').length - 1;
    if (Buffer.byteLength(text) < bytes) return { text, isCut: asked < lines || found >= lines };
    if (asked <= 1) return { text, isCut: true };
    asked = Math.max(1, Math.floor(Math.min(found, asked - 1) * share));
  }
  return { text: await read(1), isCut: true };
}
