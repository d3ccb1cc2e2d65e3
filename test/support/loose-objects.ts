import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';

/**
 * A file of a branch, read from the objects that lie in the repository by themselves, without a process.
 * @returns 'unknown' where they do not tell it: git has to be asked
 */
export function looseFile(
  bare: string,
  branch: string,
  path: string,
): { text: string | undefined } | 'unknown' {
  try {
    const commit = looseObject(bare, readFileSync(join(bare, 'refs/heads', branch), 'latin1').trim());
    let id: string | undefined = /^tree ([0-9a-f]+)/.exec(commit.toString('latin1'))?.[1];
    for (const name of path.split('/')) {
      if (id === undefined) return { text: undefined };
      id = entryOf(looseObject(bare, id), name, id.length / 2);
    }
    return { text: id === undefined ? undefined : looseObject(bare, id).toString() };
  } catch {
    return 'unknown';
  }
}

/** What it holds, without its header. Throws when it is in a pack, or not there. */
function looseObject(bare: string, id: string): Buffer {
  const bytes = inflateSync(readFileSync(join(bare, 'objects', id.slice(0, 2), id.slice(2))));
  return bytes.subarray(bytes.indexOf(0) + 1);
}

function entryOf(tree: Buffer, name: string, idBytes: number): string | undefined {
  for (let at = 0; at < tree.length;) {
    const end = tree.indexOf(0, at);
    const [, found = ''] = /^\d+ (.*)$/s.exec(tree.toString('utf8', at, end)) ?? [];
    const id = tree.subarray(end + 1, end + 1 + idBytes);
    if (found === name) return id.toString('hex');
    at = end + 1 + idBytes;
  }
  return undefined;
}
