import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { areNamesakes, type Asked, askedBy } from '../core/runs/namesakes.ts';
import { type PrepareContext, prepareRun } from '../core/runs/prepare.ts';
import { settled } from '../core/runs/plan.ts';
import { runFacts } from './plan/run-facts.ts';
import { blobId } from './stored.ts';
import { walk } from './repository-files.ts';

export interface RunFolder {
  root: string;
  context: PrepareContext;
  /** Where reports lie; undefined when that is not known. */
  results: string | undefined;
}

/** A run file that asks for the NodeOp of another one. */
export interface Namesake extends Asked {
  /** Nothing comes of it any more, or ever did. */
  isOver: boolean;
  /** A report says that the agent has seen it. */
  isSeen: boolean;
}

/** What the run files of a repository ask for, as far as it is what some others ask for; those are left out. */
export async function readNamesakes(
  wanted: readonly Asked[],
  folder: RunFolder,
  skip: ReadonlySet<string> = new Set(),
): Promise<Asked[]> {
  const { root, context } = folder;
  const names = [...new Set(wanted.map(({ name }) => name))];
  if (names.length === 0) return [];
  const files = await walk(join(root, context.layout.runs), false).catch((): string[] => []);
  const found: Asked[] = [];
  for (const file of files) {
    const path = relative(root, file);
    if (skip.has(path)) continue;
    // oxlint-disable-next-line no-await-in-loop -- there may be many, and few are kept
    const bytes = await readFile(file).catch(() => Buffer.alloc(0));
    // To parse all of them would take long; a name that is derived from the file is no other's.
    if (!names.some((name) => bytes.includes(name))) continue;
    const asked = askedOf(path, bytes, context);
    if (asked && wanted.some((it) => areNamesakes(it, asked))) found.push(asked);
  }
  return found;
}

function askedOf(path: string, content: Uint8Array, context: PrepareContext): Asked | undefined {
  return askedBy(path, prepareRun({ path, mode: '100644', blob: '', commit: '', content }, context));
}

/** What the reports of a checkout say of a run file. */
export async function standingOf(asked: Asked, { root, context, results }: RunFolder): Promise<Namesake> {
  if (results === undefined) return { ...asked, isOver: false, isSeen: false };
  const bytes = await readFile(join(root, asked.path)).catch(() => Buffer.alloc(0));
  const blob = blobId(root, bytes);
  const source = { path: asked.path, mode: '100644', blob, commit: '', content: bytes };
  const prepared = prepareRun(source, context);
  if (!prepared.ok) return { ...asked, isOver: false, isSeen: false };
  const checkout = { root, results, layout: context.layout, definitions: context.definitions };
  const { facts } = await runFacts({ path: asked.path, blob, prepared }, checkout, {});
  const isOver = facts.nodeOp === undefined && settled(facts) !== undefined;
  return { ...asked, isOver, isSeen: facts.report !== undefined };
}
