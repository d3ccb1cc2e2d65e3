import type { AgentHead, PageViews, QueueRow } from '../../api/page.ts';
import { passedOverText } from '../runs/passed-over.ts';
import { oneLine } from '../text/table.ts';
import { known, ms, problemsOf, type SeenFacts, topOf } from './facts.ts';
import { commitPage } from './git-place.ts';
import { runId } from './run-id.ts';

/** The agent itself, and what it has yet to begin with. */
export function agentView(facts: SeenFacts): PageViews['agent'] {
  const { agent, lease, record, git, layout } = facts;
  const { servedBy, version, kubernetes, repository, branch, tip, lastPoll } = agent;
  const { cluster, held, stale } = topOf(facts);
  const head: AgentHead = known<AgentHead>({
    cluster,
    held,
    stale,
    leader: lease.holder,
    leads: servedBy === 'leader',
    servedBy,
    version,
    kubernetes,
    repository,
    branch,
    tip,
    tipUrl: tip !== undefined && git ? commitPage(git, tip) : undefined,
    lastPoll,
    problems: problemsOf(facts),
    queued: record?.waitingCount ?? 0,
    passedOver: record !== undefined && record.passedOver > 0 ? passedOverText(record) : undefined,
  });
  const rows = (record?.waiting ?? []).map(({ run, reason, message, until }) =>
    known<QueueRow>({
      key: runId({ path: run }, layout),
      name: run,
      reason,
      message: oneLine(message, 600),
      until: ms(until),
    }),
  );
  return { head, rows };
}
