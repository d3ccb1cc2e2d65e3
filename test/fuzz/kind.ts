import type * as fc from 'fast-check';
import { prototypesUntouched } from './oracles.ts';
import { inTime, type Work } from './work.ts';

/** One kind of input from people, and what holds of all of them. */
export interface Kind {
  name: string;
  input: fc.Arbitrary<unknown>;
  /** Throws when what holds does not; gives the longest turn in milliseconds. */
  hold: (input: unknown) => Promise<number>;
}

/** @param hold throws when something does not hold; what the loops do in one turn it does by `work.turn` */
export function kind<T>(
  name: string,
  input: fc.Arbitrary<T>,
  hold: (input: T, work: Work) => void | Promise<void>,
): Kind {
  return {
    name,
    input,
    hold: async (it) => {
      const longest = await inTime((work) => hold(it as T, work));
      prototypesUntouched();
      return longest;
    },
  };
}

/** Values for the places in a template where texts of others stand: theirs, and in the same places the plainest there is. */
export interface Said<T> {
  hostile: T;
  tame: T;
}

/** Every text in it replaced by a plain word. */
export function tamed<T>(value: T): T {
  if (typeof value === 'string') return 'x' as T;
  if (Array.isArray(value)) return value.map(tamed) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, it]) => [key, tamed(it as unknown)])) as T;
}
