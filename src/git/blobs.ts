import { createHash } from 'node:crypto';
import { BatchParser } from './batch.ts';
import type { GitCommand } from './command.ts';

/** Object id of a file's content, of the kind (SHA-1 or SHA-256) that has so many digits. */
export function blobId(text: string, digits: number): string {
  const content = Buffer.from(text);
  const hash = createHash(digits === 64 ? 'sha256' : 'sha1');
  return hash.update(`blob ${content.length}\0`).update(content).digest('hex');
}

/** For more it is quicker to have a process of their own, which is told of all at once. */
const FEW = 32;

/**
 * Objects by id, in the order of the items and in one process however many there are; an unknown one is given as undefined. Of
 * one larger than `limit` bytes only a stand-in is given, one byte larger than the limit.
 */
export async function eachBlob<Item extends { blob: string }>(
  git: GitCommand,
  items: readonly Item[],
  limit: number,
  take: (item: Item, bytes: Uint8Array | undefined) => void | Promise<void>,
): Promise<void> {
  if (items.length <= FEW) {
    for (const item of items) await take(item, (await git.object(item.blob, limit))?.bytes);
    return;
  }
  const found: [Item, Uint8Array | undefined][] = [];
  const batch = new BatchParser(
    () => limit,
    (bytes, i) => {
      const item = items[i];
      if (item) found.push([item, bytes]);
    },
  );
  const ids = items.map(({ blob }) => `${blob}\n`).join('');
  await git.stream(['cat-file', '--batch', '--buffer'], ids, async (piece) => {
    batch.push(piece);
    for (const [item, bytes] of found.splice(0)) await take(item, bytes);
  });
}
