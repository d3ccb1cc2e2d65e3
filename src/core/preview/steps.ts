import type { NodeOpSpec } from '../../api/nodeop.ts';
import type { Check } from '../../api/checks.ts';
import { checkName } from '../checks/words.ts';
import { stepShares } from '../rollout/steps/split.ts';
import { spoken } from '../text/table.ts';
import type { ClusterFacts } from './order.ts';
import { counted } from '../text/counts.ts';

/** A step of a rollout, before it begins. */
export interface StepPreview {
  name: string;
  /** In the order in which they are started. */
  nodes: string[];
  /** Nodes at the same time; absent without a bound. */
  concurrency?: number;
  /** Absent where only the bound of the whole rollout counts. */
  maxFailures?: number;
  soakSeconds: number;
  /** What is asked after the soak. */
  checks: string[];
}

/** The steps by the very split of the rollout; none for a spec without. */
export function stepPreviews(
  spec: NodeOpSpec,
  names: readonly string[],
  { nodes, agentNode }: Pick<ClusterFacts, 'nodes' | 'agentNode'>,
): StepPreview[] {
  return stepShares(spec, names, nodes, agentNode).map((share) => {
    const { name, concurrency, maxFailures, soakSeconds, checks } = share;
    return {
      name,
      nodes: share.nodes,
      ...(Number.isFinite(concurrency) && { concurrency }),
      ...(Number.isFinite(maxFailures) && { maxFailures }),
      soakSeconds,
      checks: checks.map(checkText),
    };
  });
}

function checkText(check: Check, index: number): string {
  const { http, prometheus, command, attempts, intervalSeconds } = check;
  const asks = http
    ? `${http.method} ${http.url} is answered ${http.expect.status}${http.expect.expression === undefined ? '' : ` and ${http.expect.expression}`}`
    : prometheus
      ? `${prometheus.expression} of ${prometheus.query} at ${prometheus.url}`
      : `${(command?.command ?? []).join(' ')} ends with 0`;
  const tries = counted(attempts, 'try', 'tries');
  const during = intervalSeconds === undefined ? '' : `, also every ${spoken(intervalSeconds)} of the soak`;
  return `${checkName(check, index)}: ${asks} (${tries}${during})`;
}

const SHOWN_NODES = 5;

/** A line for each step, and one for each of its checks. */
export function stepLines(steps: readonly StepPreview[]): { text: string; checks: readonly string[] }[] {
  return steps.map(({ name, nodes, concurrency, maxFailures, soakSeconds, checks }) => {
    const more = nodes.length > SHOWN_NODES ? `, and ${nodes.length - SHOWN_NODES} more` : '';
    const named = `${counted(nodes.length, 'node')} (${nodes.slice(0, SHOWN_NODES).join(', ')}${more})`;
    const parts =
      nodes.length === 0
        ? ['no node']
        : [
            named,
            ...(concurrency === undefined || nodes.length === 1 ? [] : [`${concurrency} at a time`]),
            ...(maxFailures === undefined
              ? []
              : [maxFailures === 0 ? 'none may fail' : `${maxFailures} may fail`]),
            ...(soakSeconds === 0 ? [] : [`soaks ${spoken(soakSeconds)}`]),
          ];
    return { text: `step ${name}: ${parts.join('; ')}`, checks: nodes.length === 0 ? [] : checks };
  });
}
