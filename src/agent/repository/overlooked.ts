import { misnamedIn, misnamedText, searchedFolders } from '../../core/runs/misnamed.ts';
import { TOO_MUCH, type Layout } from '../../core/runs/paths.ts';
import type { Mirror } from '../../git/mirror.ts';
import { namesIn } from '../../git/trees.ts';
import type { Logger } from '../logger.ts';
import type { Snapshot } from './snapshot.ts';

/** Nobody means a longer one. */
const LONGEST = 100;
/** To look through more takes longer than others should wait for their turn. */
const LOOKED_THROUGH = 5000;

/**
 * Tells of what people wrote and the agent does not read: files and folders that are called nearly as those that it looks
 * for, and folders that hold too much.
 */
export class Overlooked {
  readonly #mirror: Mirror;
  readonly #layout: Layout;
  readonly #log: Logger;
  #known: { tip: string; resultsTip: string | undefined; texts: readonly string[] } | undefined;

  constructor(mirror: Mirror, layout: Layout, log: Logger) {
    this.#mirror = mirror;
    this.#layout = layout;
    this.#log = log;
  }

  /** Those at the tips that were looked at last, for people. */
  get texts(): readonly string[] {
    return this.#known?.texts ?? [];
  }

  async look({ tip, resultsTip, tooMuch }: Snapshot): Promise<void> {
    if (this.#known?.tip === tip && this.#known.resultsTip === resultsTip) return;
    const told = new Set(this.texts);
    const texts = tooMuch.map((path) => `${path.slice(0, -'/.'.length)} ${TOO_MUCH}`);
    for (const folder of searchedFolders(this.#layout)) {
      // oxlint-disable-next-line no-await-in-loop -- a handful
      const entries = await namesIn(this.#mirror.git, tip, folder, LONGEST);
      if (entries.length > LOOKED_THROUGH) continue;
      texts.push(...misnamedIn(this.#layout, folder, entries).map(misnamedText));
    }
    for (const text of texts) if (!told.has(text)) this.#log.warn({ commit: tip }, text);
    this.#known = { tip, resultsTip, texts };
  }
}
