import type { Problem } from '../../api/schema.ts';
import type { Step } from '../../api/steps.ts';
import { spoken } from '../text/table.ts';
import { checkName } from './words.ts';

/** Checks that are to be evaluated during a soak that there is none of, or that is over before; paths begin at the list of steps. */
export function idleIntervals(steps: readonly Step[]): Problem[] {
  return steps.flatMap(({ name, soakSeconds, checks = [] }, i) =>
    checks.flatMap((check, j) => {
      const { intervalSeconds = 0 } = check;
      if (intervalSeconds === 0 || intervalSeconds < soakSeconds) return [];
      const soak = soakSeconds === 0 ? 'does not soak' : `soaks for ${spoken(soakSeconds)} only`;
      return {
        path: [i, 'checks', j, 'intervalSeconds'],
        message: `check ${checkName(check, j)} of step ${name} is evaluated after the soak alone: intervalSeconds is ${intervalSeconds}, and the step ${soak}`,
      };
    }),
  );
}
