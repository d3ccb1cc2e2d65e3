import type { NodeOpSpec, NodeOpStatus } from '../../api/nodeop.ts';

/** The first minor versions of Kubernetes that keep these fields of a Job. */
const POD_FAILURE_POLICY = 26;
const POD_REPLACEMENT_POLICY = 29;

/** Type of the condition of a NodeOp that says so. */
export const UNGUARDED = 'RetriesUnguarded';

/** What a NodeOp that goes on says of it. */
export function unguardedIn({ conditions = [] }: NodeOpStatus): string | undefined {
  return conditions.find(({ type, status }) => type === UNGUARDED && status === 'True')?.message;
}

/**
 * Where the server drops what keeps a command from being run again after its pod was lost, or beside one that is still ending:
 * what that means for a run. `minor` is the server's, 20 of `1.20`; undefined when nobody knows.
 */
export function unguardedText(spec: NodeOpSpec, minor: number | undefined): string | undefined {
  if (minor === undefined || spec.backoffLimit === 0) return undefined;
  const guards = minor < POD_FAILURE_POLICY && !spec.retryAfterDisruption;
  const lost = guards ? 'is run again after its pod was evicted or lost with its node' : undefined;
  const beside =
    minor < POD_REPLACEMENT_POLICY ? 'may be run again while the one before is still ending' : undefined;
  const parts = [lost, beside].filter((part) => part !== undefined);
  if (parts.length === 0) return undefined;
  return `on this server (Kubernetes 1.${minor}) a command ${parts.join(', and ')}: set backoffLimit: 0 if that must not be`;
}
