import { expect } from 'vitest';
import type { KnownFiles } from '../../src/agent/repository/known-files.ts';
import type { Snapshot } from '../../src/agent/repository/snapshot.ts';
import { isYaml } from '../../src/core/runs/paths.ts';

const DECIDED = [
  'open',
  'unfinished',
  'over',
  'baseline',
  'definitions',
  'schedules',
  'definitionsKey',
  'definitionBlobs',
] as const;

/**
 * Expects a snapshot to say what one says that knows every file: the same of what it knows, and what it does not know is
 * neither a report of a run that goes on nor an unreadable one.
 */
export function expectSame(snapshot: Snapshot, all: Snapshot): void {
  for (const name of DECIDED) expect(snapshot[name], name).toEqual(all[name]);
  expect(snapshot.newest.all()).toEqual(all.newest.all());
  expect(Object.fromEntries(snapshot.runs.present())).toEqual(among(all.runs, snapshot.runs));
  expect(Object.fromEntries(snapshot.reports.present())).toEqual(among(all.reports, snapshot.reports));
  for (const [path, { standing }] of all.reports.present()) {
    if (isYaml(path) && !snapshot.reports.isKnown(path)) expect(standing, path).toBe('over');
  }
}

function among<File>(all: KnownFiles<File>, some: KnownFiles<File>): Record<string, File> {
  return Object.fromEntries([...all.present()].filter(([path]) => some.isKnown(path)));
}
