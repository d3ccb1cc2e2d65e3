import { ANNOTATION_RUN_SIGNER } from '../../api/labels.ts';
import type { Problem } from '../../api/schema.ts';
import { show } from '../../api/wording.ts';
import type { Preparation } from './prepare.ts';

/** What a signature is worth: whose it is, or why it does not count, as the end of "commit … ". */
export type Signature = { ok: true; signer: string } | { ok: false; reason: string };

/** The commit that made a file what it is, with its signature. */
export interface Provenance {
  commit: string;
  author: string;
  /** RFC 3339; whoever signed it chose it, and nobody else. */
  committedAt?: string;
  signature: Signature;
}

/** Where everything comes from that a run executes. */
export interface Origins {
  run: Provenance;
  /** Of a run that names a definition. */
  definition?: Provenance | undefined;
  /** The first commit on the way to the tip that is not signed as it should be, where every one has to be. */
  history?: Provenance | undefined;
}

/** Where a repository's name stands in its tree. Git signs all repositories alike; this tells their commits apart. */
export const REPOSITORY_FILE = '.nodeop/repository';

/** Why a commit is none of the repository of that name, as the end of "commit … ". `content`: of its file with the name. */
export function repositoryFlaw(name: string, content: Uint8Array | undefined): string | undefined {
  if (!content) return `holds no file ${REPOSITORY_FILE}, so it may be one of another repository`;
  const found = Buffer.from(content).toString('utf8').trim();
  if (found === name) return undefined;
  return `is of the repository ${show(found, 200)}, by its file ${REPOSITORY_FILE}, and this one is "${name}"`;
}

/** A run that may be carried out, or what is missing of the signatures it needs. */
export function trusted(prepared: Preparation, { run, definition, history }: Origins): Preparation {
  if (!prepared.ok) return prepared;
  const problems: Problem[] = [];
  const file = flaw(run);
  if (file !== undefined) problems.push({ path: [], message: `${file}, and it made this file what it is` });
  const named = definition && flaw(definition);
  if (named !== undefined) {
    const name = prepared.definition?.name ?? '';
    problems.push({
      path: ['spec', 'nodeOp'],
      message: `${named}, and it made definition "${name}" what it is`,
    });
  }
  const isTold = [run.commit, definition?.commit].includes(history?.commit);
  const before = history && flaw(history);
  if (before !== undefined && !isTold) {
    const message = `${before}, and every commit since git.verify.everyCommitSince has to be`;
    problems.push({ path: [], message });
  }
  if (problems.length > 0 || !run.signature.ok) {
    return {
      ok: false,
      reason: 'NotSigned',
      problems,
      ...(prepared.definition && { definition: prepared.definition.name }),
    };
  }
  return signedBy(prepared, run.signature.signer);
}

/** The words for a commit without the signature it needs. */
export function flaw({ commit, author, signature }: Provenance): string | undefined {
  return signature.ok ? undefined : `commit ${commit.slice(0, 12)} by ${author} ${signature.reason}`;
}

function signedBy(prepared: Preparation & { ok: true }, signer: string): Preparation {
  const { manifest } = prepared;
  const annotations = { ...manifest.metadata.annotations, [ANNOTATION_RUN_SIGNER]: signer };
  return { ...prepared, manifest: { ...manifest, metadata: { ...manifest.metadata, annotations } } };
}
