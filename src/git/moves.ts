import { InvalidError } from '../api/errors.ts';
import type { GitCommand } from './command.ts';
import { whoAdded } from './log.ts';
import { changesBy, type TreeChange } from './trees.ts';

/** Each may be a long walk through history; a file that was moved more often is none that anybody waits for. */
const MAX_STEPS = 50;

/** Picks one of these paths, at which a file of the content was. */
type Pick = (paths: readonly string[]) => Promise<string | undefined>;

/** Paths of a content, in the history of a commit. */
interface Places {
  paths: readonly string[];
  tip: string;
}

/** Finds where files of a folder were before: one is moved by a commit that removes it and adds another of the same content. */
export class Moves {
  readonly #git: GitCommand;
  readonly #folder: string;
  /** What commits removed. */
  readonly #removed = new Map<string, readonly TreeChange[]>();

  constructor(git: GitCommand, folder: string) {
    this.#git = git;
    this.#folder = folder;
  }

  /**
   * What `pick` takes of where a content was that this commit added, by however many moves it came here. Of one that was moved
   * too often to be followed it is where it was then.
   */
  async into(commit: string, blob: string, pick: Pick): Promise<string | undefined> {
    const places = await this.#before(commit, blob);
    return places && this.from(places, blob, pick);
  }

  /** The same where it is known what was removed last. */
  async from(places: Places, blob: string, pick: Pick): Promise<string | undefined> {
    const seen = new Set<string>();
    let now = [places];
    for (let step = 1; now.length > 0; step++) {
      const next: Places[] = [];
      for (const { paths, tip } of now) {
        const picked = await pick(paths);
        if (picked !== undefined || step === MAX_STEPS) return picked ?? paths[0];
        for (const { commit } of (await whoAdded(this.#git, tip, this.#folder, paths)).values()) {
          const before = seen.has(commit) ? undefined : await this.#before(commit, blob);
          seen.add(commit);
          if (before) next.push(before);
        }
      }
      now = next;
    }
    return undefined;
  }

  async #before(commit: string, blob: string): Promise<Places | undefined> {
    let removed = this.#removed.get(commit);
    if (!removed) {
      // One that changed more than can be followed moved nothing: it may lie far behind, and nobody can mend it.
      const changes = await changesBy(this.#git, commit, [this.#folder]).catch(unlessInvalid);
      removed = changes.filter(({ entry }) => !entry);
      this.#removed.set(commit, removed);
    }
    const paths = removed.flatMap(({ path, before }) => (before?.blob === blob ? path : []));
    if (paths.length === 0) return undefined;
    const parent = await this.#git.object(`${commit}^`, 0);
    return parent && { paths, tip: parent.id };
  }
}

function unlessInvalid(error: unknown): TreeChange[] {
  if (!(error instanceof InvalidError)) throw error;
  return [];
}
