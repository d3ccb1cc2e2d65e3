import type { Pod } from '../../api/kubernetes.ts';
import { isFinalNodePhase, type NodeStatus } from '../../api/nodeop.ts';
import { someOf } from '../text/fit.ts';
import { oneLine } from '../text/table.ts';

/** Why there is no log of a node, in words that go on after its name. */
export function whyNoLog(status: NodeStatus | undefined, pods: readonly Pod[]): string {
  if (status === undefined) return 'it is none of the nodes of this run';
  const { phase, message = '', jobName } = status;
  const waits = pods
    .flatMap(({ status: it }) => it?.containerStatuses ?? [])
    .map(({ state }) => state?.waiting);
  const waiting = waits.find((it) => it?.reason !== undefined);
  if (waiting) {
    const more = waiting.message === undefined ? '' : `: ${oneLine(waiting.message, 200)}`;
    return `its container has not begun: ${waiting.reason ?? ''}${more}`;
  }
  if (pods.length > 0) return 'its container has not begun';
  if (phase === 'Pending') return 'its turn has not come';
  if (!isFinalNodePhase(phase)) return `nothing has been started on it yet (${phase})`;
  const why = message === '' ? '' : ` (${oneLine(message, 200)})`;
  if (jobName === undefined) return `nothing was started on it: it is ${phase}${why}`;
  return `its pods are gone: somebody deleted them or the node, or they were cleaned up; it is ${phase}${why}`;
}

/** The same of many nodes, each reason once. */
export function withoutLogs(reasons: ReadonlyMap<string, string>, width: number): string[] {
  const groups = Map.groupBy(reasons, ([, why]) => why);
  return [...groups].map(([why, members]) => {
    const names = members.map(([node]) => node);
    return `no log of ${someOf(names, width)}: ${why}`;
  });
}
