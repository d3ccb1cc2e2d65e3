import type { NodeOp, NodeOpStatus, NodeStatus } from '../../api/nodeop.ts';
import type { Pattern } from '../../api/patterns.ts';
import { maskPatterns } from '../text/mask.ts';

/** A NodeOp whose messages are without what the configuration has masked, as they are in its report. */
export function masked(nodeOp: NodeOp, patterns: readonly Pattern[]): NodeOp {
  const { status } = nodeOp;
  if (patterns.length === 0 || !status) return nodeOp;
  const say = <T extends { message?: string | undefined }>(it: T): T =>
    it.message === undefined ? it : { ...it, message: maskPatterns(it.message, patterns) };
  const ofNode = (it: NodeStatus): NodeStatus => ({
    ...say(it),
    ...(it.cause !== undefined && { cause: maskPatterns(it.cause, patterns) }),
    ...(it.log !== undefined && { log: maskPatterns(it.log, patterns) }),
  });
  const { conditions, steps, nodeStatuses } = status;
  const said: NodeOpStatus = {
    ...status,
    ...(conditions && { conditions: conditions.map(say) }),
    ...(steps && {
      steps: steps.map((it) => ({ ...say(it), ...(it.checks && { checks: it.checks.map(say) }) })),
    }),
    ...(nodeStatuses && {
      nodeStatuses: Object.fromEntries(Object.entries(nodeStatuses).map(([name, it]) => [name, ofNode(it)])),
    }),
  };
  return { ...nodeOp, status: said };
}
