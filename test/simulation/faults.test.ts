import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nameOf, rowsOf } from './faults-table.ts';
import type { Fault } from './faults/fault.ts';

const FOLDER = join(import.meta.dirname, 'faults');
const FILES = readdirSync(FOLDER).filter((file) => file !== 'fault.ts');

test.each(FILES)('what %s changes is there exactly once', async (file) => {
  const { fault } = (await import(join(FOLDER, file))) as { fault: Fault };
  expect(fault.changes.length).toBeGreaterThan(0);
  for (const change of fault.changes)
    expect(readFileSync(change.file, 'utf8').split(change.from), change.file).toHaveLength(2);
});

test('the docs tell of mistakes in how many histories they are found', () => {
  const rows = rowsOf(readFileSync('docs/reliability.md', 'utf8'));
  const names = FILES.map((file) => file.replace('.ts', ''));
  expect(rows.map(nameOf)).toEqual(names.toSorted());
  expect(rows.filter((row) => row.includes('NOT '))).toEqual([]);
});
