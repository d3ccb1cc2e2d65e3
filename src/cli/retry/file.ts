import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AGENT_API_VERSION } from '../../api/config.ts';
import { parseDocument } from '../../api/documents.ts';
import { InvalidError } from '../../api/errors.ts';
import { NODEOPRUN_KIND, type NodeOpRun, NodeOpRunSchema } from '../../api/nodeoprun.ts';
import { formatProblem } from '../../api/schema.ts';
import { prepareRun } from '../../core/runs/prepare.ts';
import { type PastRun, retryFile } from '../../core/runs/retry.ts';
import { GitCommand } from '../../git/command.ts';
import { readDefinitions } from '../repository-files.ts';
import type { Found } from './past.ts';

const GIT_MS = 60_000;

/** A checkout of the repository, and the folders inside. */
export interface Checkout {
  root: string;
  runs: string;
  nodeops: string;
}

/** A file that the agent takes: a run of the definition, or where that does not allow it, the NodeOp that was executed. */
export async function validFile(
  { past, hostnames }: Found,
  path: string,
  flags: Checkout,
): Promise<{ text: string; isRun: boolean; notes: string[] }> {
  const definitions = await readDefinitions(join(flags.root, flags.nodeops));
  const problemsOf = (text: string): string[] => {
    const source = { path, mode: '100644', blob: '', commit: '', content: Buffer.from(text) };
    const prepared = prepareRun(source, {
      layout: { nodeops: flags.nodeops, runs: flags.runs, results: 'results' },
      namespace: 'default',
      definitions,
      defaultImage: 'unknown',
    });
    return prepared.ok ? [] : prepared.problems.map(formatProblem);
  };
  const notes: string[] = [];
  const original = await originalOf(past, flags.root);
  if (original) {
    const text = retryFile(past, hostnames, original);
    const problems = problemsOf(text);
    if (problems.length === 0) return { text, isRun: true, notes: [] };
    notes.push(
      `It cannot be repeated as a run of its definition: ${problems.join('; ')}. What was executed is repeated as a NodeOp of its own instead.`,
    );
    if (original.spec.window) notes.push('A NodeOp has no window: add it when there is time for it.');
  }
  if (past.cluster !== undefined)
    notes.push(
      `A NodeOp is carried out on every cluster of the repository, and this was ${past.cluster} alone: see that no other has such nodes.`,
    );
  const text = retryFile(past, hostnames);
  const problems = problemsOf(text);
  if (problems.length === 0) return { text, isRun: false, notes };
  throw new InvalidError(`${past.run} cannot be repeated by a run file: ${problems.join('; ')}`);
}

/** The run file as it was acted on, or at least as it is in the checkout, where it names a definition. */
async function originalOf({ run, blob }: PastRun, root: string): Promise<NodeOpRun | undefined> {
  const file = join(root, run);
  const bytes = (await storedBlob(root, blob)) ?? (await readFile(file).catch(() => undefined));
  const kind = { apiVersion: AGENT_API_VERSION, kind: NODEOPRUN_KIND, schema: NodeOpRunSchema };
  const parsed = bytes && parseDocument(bytes, [kind]);
  return parsed?.ok === true ? parsed.value : undefined;
}

/** What git has under an object id, whether or not the checkout still has it. */
async function storedBlob(root: string, blob: string | undefined): Promise<Buffer | undefined> {
  if (blob === undefined || !/^[0-9a-f]{40,64}$/.test(blob)) return undefined;
  const git = new GitCommand({ dir: root, timeoutMs: GIT_MS });
  // It is no repository, or a shallow one.
  return git.text(['cat-file', 'blob', blob]).then(
    (text) => Buffer.from(text),
    () => undefined,
  );
}
