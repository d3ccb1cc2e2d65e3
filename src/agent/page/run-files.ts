import { AGENT_API_VERSION } from '../../api/config.ts';
import { parseDocument } from '../../api/documents.ts';
import { NodeOpSpecSchema } from '../../api/nodeop.ts';
import { NODEOPRUN_KIND, type NodeOpRun, NodeOpRunSchema } from '../../api/nodeoprun.ts';
import type { RunDetails } from '../../api/page.ts';
import type { RunFile } from '../../core/page/actions.ts';
import { diffLines, specText } from '../../core/page/details.ts';
import { commitPage, type GitPlace, pullRequestOf } from '../../core/page/git-place.ts';
import { parseDefinition } from '../../core/runs/definitions.ts';
import { isDefinition, type Layout } from '../../core/runs/paths.ts';
import { mergesAfter } from '../../git/ancestry.ts';
import { filesAt, isPlain, listTree } from '../../git/trees.ts';
import type { PageBranch } from './reports.ts';

/** People write files of some kilobytes. */
const MOST_BYTES = 512 * 1024;
const COMMITS = 50;

/** Run files, definitions and commits of a branch, as they are asked for. */
export class RunFiles {
  readonly #branch: PageBranch;
  readonly #layout: Layout;

  constructor(branch: PageBranch, layout: Layout) {
    this.#branch = branch;
    this.#layout = layout;
  }

  /** The commit at the tip; undefined while there is none. */
  async tip(): Promise<string | undefined> {
    const { git, ref } = this.#branch;
    return git.text(['rev-parse', '--verify', '--quiet', `${ref}^{commit}`]).then(
      (text) => text.trim(),
      () => undefined,
    );
  }

  /** The run file as it is at the tip. */
  async file(path: string): Promise<RunFile | undefined> {
    const tip = await this.tip();
    const entry = tip === undefined ? undefined : (await filesAt(this.#branch.git, tip, [path])).get(path);
    const bytes = isPlain(entry) ? await this.#bytes(entry.blob) : undefined;
    return bytes && { path, bytes };
  }

  /** The run as it was acted on, where its file names a definition. */
  async original(blob: string | undefined): Promise<NodeOpRun | undefined> {
    const bytes = blob === undefined || !isId(blob) ? undefined : await this.#bytes(blob);
    const kind = { apiVersion: AGENT_API_VERSION, kind: NODEOPRUN_KIND, schema: NodeOpRunSchema };
    const parsed = bytes && parseDocument(bytes, [kind]);
    return parsed?.ok === true ? parsed.value : undefined;
  }

  /** What differs between the definition, as it was when the run was added, and what was executed. */
  async definition(
    name: string,
    commit: string | undefined,
    spec: unknown,
  ): Promise<RunDetails['definition']> {
    const { git, contents } = this.#branch;
    const at = commit !== undefined && isId(commit) ? commit : await this.tip();
    if (at === undefined) return undefined;
    const files = (await listTree(git, at, [this.#layout.nodeops])).flatMap(({ entry }) =>
      entry && isDefinition(this.#layout, entry.path, entry.mode) ? [entry] : [],
    );
    let found: unknown;
    await contents.each(files, MOST_BYTES, ({ path }, bytes) => {
      const parsed = bytes && parseDefinition(path, bytes);
      if (parsed && 'result' in parsed && parsed.result.ok && parsed.result.name === name)
        found = parsed.result.spec;
    });
    // Both with their defaults: what nobody wrote is no difference.
    const before = specText(NodeOpSpecSchema.safeParse(found).data ?? found);
    const after = specText(NodeOpSpecSchema.safeParse(spec).data ?? spec);
    return before === undefined || after === undefined ? undefined : { name, diff: diffLines(before, after) };
  }

  /** The newest commits that changed a file. */
  async commits(path: string, place: GitPlace | undefined): Promise<RunDetails['commits']> {
    const tip = await this.tip();
    if (tip === undefined) return [];
    const args = ['log', `--max-count=${COMMITS}`, '--format=%H%x00%ct%x00%s', '-z', tip, '--', path];
    const tokens = (await this.#branch.git.text(args)).split('\0');
    const commits: RunDetails['commits'] = [];
    for (let i = 0; i + 2 < tokens.length; i += 3) {
      const [hash = '', at, subject = ''] = tokens.slice(i, i + 3);
      commits.push({ hash, subject, at: Number(at) * 1000, ...(place && { url: commitPage(place, hash) }) });
    }
    return commits;
  }

  /** The one that brought the commit: it says so itself, or a merge after it does. */
  async pullRequest(
    commit: string | undefined,
    place: GitPlace | undefined,
  ): Promise<RunDetails['pullRequest']> {
    if (!place || commit === undefined || !isId(commit)) return undefined;
    const { git } = this.#branch;
    const tip = await this.tip();
    const merges = tip === undefined ? [] : await mergesAfter(git, commit, tip);
    for (const it of [commit, ...merges.slice(0, 1)]) {
      const found = pullRequestOf(place, await git.text(['log', '-1', '--format=%B', it, '--']));
      if (found) return found;
    }
    return undefined;
  }

  async #bytes(blob: string): Promise<Uint8Array | undefined> {
    const bytes = (await this.#branch.contents.read([blob], MOST_BYTES)).get(blob);
    return bytes && bytes.byteLength <= MOST_BYTES ? bytes : undefined;
  }
}

/** In annotations and reports people may have written anything. */
function isId(text: string): boolean {
  return /^[0-9a-f]{40,64}$/.test(text);
}
