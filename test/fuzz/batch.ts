import { inspect } from 'node:util';
import * as fc from 'fast-check';
import type { Kind } from './kind.ts';

export interface Batch {
  inputs: number;
  /** The longest turn, in milliseconds of work. */
  longest: number;
  /** What does not hold: the smallest input that was found, and the command that repeats it. */
  failure?: string;
}

/** Some inputs of a kind, the same for the same seed. */
export async function tryOut(
  kind: Kind,
  { seed, runs, ms, path }: { seed: number; runs: number; ms: number; path?: string | undefined },
): Promise<Batch> {
  let inputs = 0;
  let longest = 0;
  const property = fc.asyncProperty(kind.input, async (input) => {
    inputs += 1;
    longest = Math.max(longest, await kind.hold(input));
  });
  const options = { seed, numRuns: runs, interruptAfterTimeLimit: ms, ...(path !== undefined && { path }) };
  const found = await fc.check(property, options);
  if (!found.failed || found.counterexample === null) return { inputs, longest };
  const { errorInstance, counterexample, counterexamplePath } = found;
  const error = errorInstance instanceof Error ? errorInstance.stack : String(errorInstance);
  const input = inspect(counterexample[0], { depth: 9, maxStringLength: 2000, maxArrayLength: 50 });
  const again = `npm run test:fuzz -- --kind '${kind.name}' --seed ${seed} --path ${counterexamplePath ?? ''}`;
  return { inputs, longest, failure: `${kind.name}: ${error}\ninput: ${input}\nrepeat: ${again}` };
}
