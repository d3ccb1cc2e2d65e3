import type { Pod } from '../api/kubernetes.ts';
import type { NodeOp } from '../api/nodeop.ts';
import { own } from '../api/own.ts';
import { CONTAINER, jobName } from '../core/rollout/names.ts';
import { ApiError, type KubeClient } from './client.ts';
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

/** Of the lines that fit so many are asked for next: those further down may be longer. */
const NEXT = 0.75;

/**
 * Of the lines that are asked for an API server sends the first bytes (`limitBytes` of the API reference), and why a command failed
 * stands in the last ones: as long as they do not fit, fewer are asked for.
 * @param read the last lines of a log, and of these the first `bytes`
 */
export async function endOf(
  read: (lines: number) => Promise<string>,
  { lines, bytes }: LogLimit,
): Promise<LogEnd> {
  for (let asked = lines; ;) {
    // oxlint-disable-next-line no-await-in-loop -- each answer tells how many fit
    const text = await read(asked);
    const isFull = Buffer.byteLength(text) >= bytes;
    const found = text.split('\n').length - 1;
    if (!isFull || asked <= 1) return { text, isCut: isFull || asked < lines || found >= lines };
    asked = Math.max(1, Math.floor(Math.min(found, asked - 1) * NEXT));
  }
}
