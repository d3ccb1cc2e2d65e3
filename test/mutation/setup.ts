import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect } from 'vitest';
import { SEEN } from './places.ts';

/** By a test's full name the numbers of the places it came by, under no name what is done before, between and after tests. */
const seen = new Map<string, Set<number>>();
let current = '';
/** Of this thread: a loaded machine makes no test slower. */
const worked = () => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};
const begun = worked();

Reflect.set(globalThis, SEEN, (place: number) => {
  const places = seen.get(current) ?? new Set();
  seen.set(current, places.add(place));
});

beforeEach(({ task }) => {
  current = task.fullTestName;
});

afterEach(() => {
  current = '';
});

afterAll(() => {
  const { testPath = '' } = expect.getState();
  const took = worked() - begun;
  const found = { test: testPath, took, seen: [...seen].map(([name, places]) => [name, [...places]]) };
  const file = join(process.env['MUTATION_SEEN'] ?? '', `${testPath.replaceAll(/\W/g, '_')}.json`);
  writeFileSync(file, JSON.stringify(found));
});
