/** What a reader may see: of NodeOps those of all namespaces or of the agent's own, of logs the same or none. */
export interface Sees {
  /** The agent's own namespace. */
  namespace: string;
  nodeOps: 'own' | 'all';
  logs: 'none' | 'own' | 'all';
}

/** Whoever may see all. */
export function all(namespace: string): Sees {
  return { namespace, nodeOps: 'all', logs: 'all' };
}

/** Runs that never became a NodeOp are in no namespace. */
export function maySee({ nodeOps, namespace }: Sees, of: string | undefined): boolean {
  return nodeOps === 'all' || of === undefined || of === namespace;
}

export function mayReadLogs({ logs, namespace }: Sees, of: string | undefined): boolean {
  return logs === 'all' || (logs === 'own' && (of === undefined || of === namespace));
}

/**
 * How `podReason` begins, and `waitingReason` of a container that is started again: what a container said comes after it. Reasons
 * are one word.
 */
const CODE = /(?:exit code -?\d{1,10}(?:, [^\s:;,]{1,60})?|\bCrashLoopBackOff)(?=: )/;
const KEPT = '; the node stays cordoned';

/** A message without what a container said, which is a line of its log. */
export function withoutLog(message: string): string {
  const code = CODE.exec(message);
  if (!code) return message;
  return `${message.slice(0, code.index + code[0].length)}${message.endsWith(KEPT) ? KEPT : ''}`;
}

/** The same of whatever has a message. */
export function quietly<T extends { message?: string | undefined }>(it: T): T {
  return it.message === undefined ? it : { ...it, message: withoutLog(it.message) };
}
