import { relative, resolve } from 'node:path';
import { InvalidError } from '../../api/errors.ts';
import { isRunFile } from '../../core/runs/paths.ts';
import { prepareRun, type Preparation } from '../../core/runs/prepare.ts';
import { blobId, readStored } from '../stored.ts';
import { reasonOf } from '../system-error.ts';
import type { PlanContext } from './context.ts';
import { imageNotes } from './images.ts';

export interface ReadRun {
  /** Path in the repository. */
  run: string;
  blob: string;
  prepared: Preparation;
  /** The checkout shows another text than git stores, which is the one that is carried out. */
  differs?: boolean;
  /** Of its images that are named by tag. */
  imageNotes?: readonly string[];
}

/** A run that can be carried out, here or on other clusters. */
export type Valid = Extract<Preparation, { ok: true }>;

/** Reads a run file as git stores it. Throws InvalidError when it cannot be read. */
export async function readRun(file: string, context: PlanContext): Promise<ReadRun> {
  const run = relative(resolve(context.root), resolve(file));
  const refuse = (message: string): ReadRun => ({
    run,
    blob: '',
    prepared: { ok: false, problems: [{ path: [], message }] },
  });
  try {
    const {
      mode = '',
      bytes = new Uint8Array(),
      differs,
      problem,
    } = readStored(context.root, [file]).get(file) ?? {};
    if (problem !== undefined) return refuse(problem);
    if (mode === '160000') return refuse('is not a file; name run files');
    const { layout } = context;
    if (!isRunFile(layout, run, mode)) {
      return refuse(
        `is not a run file: it would have to be a YAML file under ${layout.runs}/ of ${context.root}`,
      );
    }
    const blob = blobId(context.root, bytes);
    const prepared = prepareRun({ path: run, mode, blob, commit: '', content: bytes }, context);
    const named = prepared.ok ? imageNotes(prepared, { file, bytes }, context.root) : [];
    return { run, blob, prepared, differs: differs === true, imageNotes: named };
  } catch (error) {
    const way = `run files are named from ${process.cwd()}`;
    throw new InvalidError(`cannot read ${file}: ${reasonOf(error)}; ${way}`, [], { cause: error });
  }
}
