import type { StepStatus } from '../../../api/steps.ts';
import type { CheckAction } from '../../checks/actions.ts';
import { lookAtChecks } from '../../checks/checks.ts';
import { leftovers } from '../../checks/command.ts';
import type { Try } from '../../checks/try.ts';
import { spoken } from '../../text/table.ts';
import type { Action } from '../actions.ts';
import { unlessConfirmed } from '../assess.ts';
import type { RolloutFacts } from '../facts.ts';
import type { Fleet } from '../fleet.ts';
import { type NodeContext, remark } from '../node-status.ts';
import { isOverdue } from '../phases/refused.ts';
import type { StepMembers } from './members.ts';
import { advanceSteps, type Progress, type StepWatch, unbegun } from './progress.ts';

/** One look at the steps of a fleet that has some. */
export function followSteps(
  ctx: NodeContext,
  fleet: Fleet,
  members: StepMembers,
  stopped: string | undefined,
): Progress {
  const { facts, now } = ctx;
  const progress = advanceSteps(facts.status.steps ?? unbegun(members.rules), {
    rules: members.rules,
    tally: (step) => members.tally(step),
    watch: (step, since) => watchSoak(ctx, fleet, members, { step, since }),
    checks: (step, statuses, soak) =>
      lookAtChecks(
        {
          checks: members.rules[step]?.checks ?? [],
          step,
          statuses,
          persisted: facts.persisted.steps?.[step]?.checks,
          found: facts.found.steps?.[step]?.checks,
          facts: facts.checks,
          refusedSince: facts.refusedSince,
          troubles: facts.troubles,
          now,
        },
        soak,
      ),
    stopped,
    now,
  });
  const left = leftOfChecks(facts, progress.steps, stopped !== undefined);
  return {
    ...progress,
    actions: [...progress.actions, ...left],
    left: left.filter((action) => !isOverdue(facts, now, action)).length,
  };
}

/** Pods of tries that are over, those among them of steps that are; and of all when nothing is judged any more. */
export function leftOfChecks(
  { checks, persisted }: RolloutFacts,
  steps: readonly StepStatus[],
  isStopped: boolean,
): CheckAction[] {
  const isOpen = ({ step }: Try) => {
    const { phase } = steps[step] ?? {};
    return !isStopped && (phase === 'Soaking' || phase === 'Checking');
  };
  return leftovers(checks, {
    isOpen,
    current: ({ step, check }) => steps[step]?.checks?.[check],
    recorded: ({ step, check }) => persisted.steps?.[step]?.checks?.[check],
  });
}

/** Nodes of a step that soaks must stay Ready; one that is not for too long counts as failed for the step, and for good. */
function watchSoak(
  ctx: NodeContext,
  fleet: Fleet,
  members: StepMembers,
  { step, since }: { step: number; since: number },
): StepWatch {
  const { soakGraceSeconds = 0, name = '' } = members.rules[step] ?? {};
  const actions: Action[] = [];
  const away: string[] = [];
  let lookAgainAt: number | undefined;
  for (const [i, { isAway, isGone }] of fleet.notable) {
    const status = fleet.status(i);
    if ((!isAway && !isGone) || members.stepOf(i) !== step || status.lostInSoak === true) continue;
    const node = fleet.nameOf(i);
    const { readySince = 0 } = ctx.facts.nodes.get(node) ?? {};
    const at = isGone ? since : Math.max(since, readySince) + soakGraceSeconds * 1000;
    const ask = ctx.now < at ? undefined : unlessConfirmed(ctx, node, at);
    if (ctx.now < at || ask !== undefined) {
      away.push(node);
      if (ask !== undefined) actions.push(ask);
      else lookAgainAt = Math.min(lookAgainAt ?? Infinity, at);
      continue;
    }
    const text = isGone ? 'the node is gone' : `not Ready for ${spoken(soakGraceSeconds)}`;
    const said = remark(ctx, status, `${text} during the soak of step ${name}`);
    fleet.set(i, { ...said, lostInSoak: true });
  }
  return { away, actions, lookAgainAt };
}
