import { relative } from 'node:path';
import { areNamesakes, type Asked, namesakeText } from '../../core/runs/namesakes.ts';
import { type Namesake, readNamesakes, standingOf } from '../namesakes.ts';
import { readStored } from '../stored.ts';
import { type Context, located } from './check-file.ts';
import type { FileProblem, Scope } from './scope.ts';

/** Of two run files that ask for one NodeOp the second is told, by path; of one that is over nothing is. */
export async function problemsOfNames(
  asked: readonly Asked[],
  files: ReadonlySet<string>,
  scope: Scope,
  context: Context,
): Promise<FileProblem[]> {
  const { root } = scope;
  const layout = { ...context.layout, ...scope.layout };
  const folder = { root, context: { ...context, layout }, results: root };
  const own = asked.map((it) => ({ ...it, path: relative(root, it.path) }));
  const checked = new Set([...files].map((file) => relative(root, file)));
  const others = await readNamesakes(own, folder, checked);
  const byName = Map.groupBy([...own, ...others], ({ namespace, name }) => `${namespace}/${name}`);
  const problems: FileProblem[] = [];
  for (const group of byName.values()) {
    if (group.length < 2) continue;
    // oxlint-disable-next-line no-await-in-loop -- names that are there twice are few
    const standing = await Promise.all(group.map((it) => standingOf(it, folder)));
    for (const it of standing) {
      if (it.isOver || !checked.has(it.path)) continue;
      const isBefore = (other: Namesake) => other.isOver || !checked.has(other.path) || other.path < it.path;
      const other = standing.find((one) => areNamesakes(it, one) && isBefore(one));
      const file = other && asked.find(({ path }) => relative(root, path) === it.path)?.path;
      if (other === undefined || file === undefined) continue;
      // The file is parsed again: few have such problems.
      const { bytes = new Uint8Array() } = readStored(root, [file]).get(file) ?? {};
      const problem = { path: ['metadata', 'name'], message: namesakeText(it, other) };
      problems.push(...located(bytes, problem).map((at) => ({ ...at, file })));
    }
  }
  return problems;
}
