import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const MIB = 1024 * 1024;

/** What a process holds, by name. */
export type Held = Record<string, number>;

/** What this process holds now, once nothing is under way. @param clone a folder whose size counts as well */
export async function held(clone?: string): Promise<Held> {
  // What has just ended is closed a turn or two later.
  await new Promise((resolve) => {
    setTimeout(resolve, 200);
  });
  collect();
  collect();
  const resources = process.getActiveResourcesInfo();
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim();
  return {
    'heap, MiB': round(process.memoryUsage().heapUsed / MIB),
    'file descriptors': readdirSync('/proc/self/fd').length,
    timers: resources.filter((it) => it === 'Timeout').length,
    'other resources': resources.filter((it) => it !== 'Timeout').length,
    children: children === '' ? 0 : children.split(' ').length,
    ...(clone === undefined ? {} : { 'clone, MiB': round(sizeOf(clone) / MIB) }),
  };
}

function sizeOf(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => statSync(join(folder, file), { throwIfNoEntry: false }))
    .reduce((sum, it) => sum + (it?.isFile() === true ? it.size : 0), 0);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** How much more there may be after much work than after some. */
const MAY_GROW: Held = {
  'heap, MiB': 8,
  'file descriptors': 2,
  timers: 1,
  'other resources': 2,
  children: 0,
};

export interface Row {
  scenario: string;
  what: string;
  from: number;
  to: number;
  /** Not above this. */
  most: number;
}

/** @param more what else may grow, and by how much */
export function growth(scenario: string, from: Held, to: Held, more: Held = {}): Row[] {
  const bounds = { ...MAY_GROW, ...more };
  return Object.entries(from).map(([what, value]) => ({
    scenario,
    what,
    from: value,
    to: to[what] ?? 0,
    most: round(value + (bounds[what] ?? 0)),
  }));
}
