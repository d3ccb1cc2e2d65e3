import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Fault } from './faults/fault.ts';

const FOLDER = join(import.meta.dirname, 'faults');
const FILES = readdirSync(FOLDER).filter((file) => file !== 'fault.ts');

test.each(FILES)('what %s changes is there exactly once', async (file) => {
  const { fault } = (await import(join(FOLDER, file))) as { fault: Fault };
  expect(fault.changes.length).toBeGreaterThan(0);
  for (const change of fault.changes)
    expect(readFileSync(change.file, 'utf8').split(change.from), change.file).toHaveLength(2);
});
