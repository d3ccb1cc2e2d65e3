import { accessFlaw, type CheckAccess } from '../../api/check-access.ts';
import type { NodeOpSpec } from '../../api/nodeop.ts';
import type { Problem } from '../../api/schema.ts';

/**
 * The checks whose requests the configuration lets go nowhere, as problems of the spec: nothing begins that could not be checked.
 * None where nobody knows the configuration.
 */
export function barredChecks(
  { steps = [] }: Pick<NodeOpSpec, 'steps'>,
  access: CheckAccess | undefined,
): Problem[] {
  if (access === undefined) return [];
  return steps.flatMap(({ checks = [] }, i) =>
    checks.flatMap(({ http, prometheus, credentials }, j): Problem[] => {
      const asked = http ?? prometheus;
      const flaw = asked && accessFlaw({ url: asked.url, credentials }, access);
      if (flaw === undefined) return [];
      const kind = http ? 'http' : 'prometheus';
      const field = flaw.field === 'url' ? [kind, 'url'] : [flaw.field];
      return [{ path: ['steps', i, 'checks', j, ...field], message: flaw.message }];
    }),
  );
}
