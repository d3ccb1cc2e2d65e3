import type { Check, CheckStatus } from '../../api/checks.ts';
import type { NodeOpSpec, NodeOpStatus } from '../../api/nodeop.ts';

export type CheckKind = 'http' | 'prometheus' | 'command';

/** What became of one check between two statuses. */
export interface CheckNews {
  kind: CheckKind;
  /** Its place, and the number of the try. */
  key: string;
  what: 'begun' | 'passed' | 'failed';
  /** The try was the last one of its evaluation, which ended the same way. */
  isVerdict: boolean;
}

/** The tries that began or ended, in the order of the steps. */
export function checkNews(
  { steps: rules = [] }: Pick<NodeOpSpec, 'steps'>,
  { steps: before = [] }: NodeOpStatus,
  { steps: after = [] }: NodeOpStatus,
): CheckNews[] {
  if (before === after) return [];
  return rules.flatMap(({ checks = [] }, i) =>
    checks.flatMap((check, j) => {
      const [was, is] = [before[i]?.checks?.[j], after[i]?.checks?.[j]];
      if (is === undefined || was === is) return [];
      const newsAt = (number: number) => ({ kind: kindOf(check), key: `${i}.${j}.${number}` });
      const ended = was === undefined ? undefined : endOf(was, is);
      const begun = is.phase === 'Asking' && (was?.phase !== 'Asking' || was.tries !== is.tries);
      return [
        ...(was === undefined || ended === undefined ? [] : [{ ...newsAt(was.tries), ...ended }]),
        ...(begun ? [{ ...newsAt(is.tries), what: 'begun' as const, isVerdict: false }] : []),
      ];
    }),
  );
}

/** How the try ended that was under way; undefined when it is still, or when there was none. */
function endOf(was: CheckStatus, is: CheckStatus): Pick<CheckNews, 'what' | 'isVerdict'> | undefined {
  if (was.phase !== 'Asking' || (is.phase === 'Asking' && is.tries === was.tries)) return undefined;
  if (is.phase === 'Waiting' && is.attempt > 0) return { what: 'failed', isVerdict: false };
  const hasFailed = is.phase === 'Failed' || (is.failures ?? 0) > (was.failures ?? 0);
  return { what: hasFailed ? 'failed' : 'passed', isVerdict: true };
}

function kindOf({ http, prometheus }: Check): CheckKind {
  return http ? 'http' : prometheus ? 'prometheus' : 'command';
}
