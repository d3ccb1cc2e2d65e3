import { reasonIn } from '../../core/holds.ts';
import { holdPath, type Layout } from '../../core/runs/paths.ts';
import { flaw } from '../../core/runs/trust.ts';
import type { Mirror } from '../../git/mirror.ts';
import { forkPoint } from '../../git/ancestry.ts';
import { filesAt, isPlain } from '../../git/trees.ts';
import type { Tip, Trust } from './trust.ts';

/** More is no reason. */
const MAX_BYTES = 64 * 1024;

/** The file that holds all clusters: anybody may put it there, and whatever it contains, it holds. */
export class HoldFile {
  readonly path: string;
  readonly #mirror: Mirror;
  readonly #trust: Trust | undefined;
  #known: { tip: string; reason: string | undefined } | undefined;
  #heldAt: string | undefined;
  #isRecalled = false;

  constructor(mirror: Mirror, layout: Layout, trust: Trust | undefined) {
    this.path = holdPath(layout);
    this.#mirror = mirror;
    this.#trust = trust;
  }

  /** The tip at which the file was seen last, as long as it holds. */
  get heldAt(): string | undefined {
    return this.#heldAt;
  }

  /** Takes over, once, what an agent before had seen. */
  recall(heldAt: string | undefined): void {
    if (!this.#isRecalled) this.#heldAt ??= heldAt;
    this.#isRecalled = true;
  }

  /** The reason at the tip, '' without one; undefined when nothing is held. */
  async reason(snapshot: Tip): Promise<string | undefined> {
    const { tip } = snapshot;
    // Without signatures the tip says it all; what a signature is worth may change under the same tip.
    if (this.#known?.tip === tip && this.#trust === undefined) return this.#known.reason;
    const reason = (await this.brake(tip)) ?? (await this.#untilRemoved(snapshot));
    if (reason === undefined) this.#heldAt = undefined;
    this.#known = { tip, reason };
    return reason;
  }

  /** The reason in the file at a commit, '' without one; undefined when it is not there, whatever that means. */
  async brake(commit: string): Promise<string | undefined> {
    const entry = (await filesAt(this.#mirror.git, commit, [this.path])).get(this.path);
    if (!entry) return undefined;
    const reason = isPlain(entry) ? reasonIn(await this.#content(entry.blob)) : 'it is no plain file';
    this.#heldAt = commit;
    return reason;
  }

  async #content(blob: string): Promise<Uint8Array | undefined> {
    return (await this.#mirror.runs.contents.read([blob], MAX_BYTES)).get(blob);
  }

  /** Where signatures are asked for, it holds until one is under its removal. */
  async #untilRemoved(snapshot: Tip): Promise<string | undefined> {
    if (this.#trust === undefined) return undefined;
    try {
      // An older removal may be signed; it is not that of the file that was there since.
      if (this.#heldAt !== undefined && !(await this.#grewFrom(this.#heldAt, snapshot.tip)))
        return 'it went with a part of the history that was rewritten; add it and remove it signed';
      const removal = await this.#trust.removal(this.path, snapshot);
      if (removal === undefined) return undefined;
      const why = flaw(removal);
      return why === undefined ? undefined : `${why}, and it removed the file; add it and remove it signed`;
    } catch (error) {
      this.#mirror.blame(error);
      const why = error instanceof Error ? error.message : String(error);
      return `whether its removal is signed cannot be checked: ${why}`;
    }
  }

  async #grewFrom(from: string, tip: string): Promise<boolean> {
    return (await forkPoint(this.#mirror.git, from, tip)) === from;
  }
}
