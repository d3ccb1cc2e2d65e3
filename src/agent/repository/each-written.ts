import { BY_PEOPLE, load, type Loaded } from '../../api/yaml.ts';
import type { Contents } from '../../git/contents.ts';
import { isPlain, type TreeEntry } from '../../git/trees.ts';
import { breather } from '../../time/breather.ts';

/** Contents that are held at a time. */
const HELD = 64;

export type TakeWritten = (entry: TreeEntry, content: Loaded, bytes: number) => void;

/**
 * What people wrote, one file after the other: only some are held at a time, and others have their turn in between, also
 * before what was parsed is looked at. A file that is too large, and what is none (a link), says nothing.
 */
export async function eachWritten(
  contents: Contents,
  entries: readonly TreeEntry[],
  take: TakeWritten,
): Promise<void> {
  const breathe = breather();
  for (let i = 0; i < entries.length; i += HELD) {
    const some = entries.slice(i, i + HELD);
    const ids = some.filter(isPlain).map(({ blob }) => blob);
    const found = await contents.read(ids, BY_PEOPLE.bytes);
    for (const entry of some) {
      const bytes = found.get(entry.blob) ?? new Uint8Array();
      const content = load(bytes);
      await breathe();
      take(entry, content, bytes.byteLength);
      await breathe();
    }
  }
}
