import { misnamedIn, misnamedText, searchedFolders } from '../../core/runs/misnamed.ts';
import type { Layout } from '../../core/runs/paths.ts';
import type { Mirror } from '../../git/mirror.ts';
import { namesIn } from '../../git/trees.ts';
import type { Logger } from '../logger.ts';

/** Tells of files and folders that are called nearly as those that the agent looks for. */
export class NearNames {
  readonly #mirror: Mirror;
  readonly #layout: Layout;
  readonly #log: Logger;
  #known: { tip: string; texts: readonly string[] } | undefined;

  constructor(mirror: Mirror, layout: Layout, log: Logger) {
    this.#mirror = mirror;
    this.#layout = layout;
    this.#log = log;
  }

  /** Those at the tip that was looked at last, for people. */
  get texts(): readonly string[] {
    return this.#known?.texts ?? [];
  }

  async look(tip: string): Promise<void> {
    if (this.#known?.tip === tip) return;
    const told = new Set(this.texts);
    const texts: string[] = [];
    for (const folder of searchedFolders(this.#layout)) {
      // oxlint-disable-next-line no-await-in-loop -- two or three
      const entries = await namesIn(this.#mirror.git, tip, folder);
      texts.push(...misnamedIn(this.#layout, folder, entries).map(misnamedText));
    }
    for (const text of texts) if (!told.has(text)) this.#log.warn({ commit: tip }, text);
    this.#known = { tip, texts };
  }
}
