/** By how much an object may be larger as it comes in: compressed at worst, in a pack of its own. */
const SLACK = 64 * 1024;
/** What objects that are asked for together may take, where none of them need be too large for that. */
const TOGETHER = 64 * 1024 * 1024;
/** Run files and reports are mostly smaller than this once they are compressed. */
const TYPICAL = 16 * 1024;

/** Gets objects, and none of them when they take more than that many bytes as they come in. Tells whether they came. */
export type FetchSome = (ids: readonly string[], most: number) => Promise<boolean>;

/**
 * Gets objects that no remote tells the size of beforehand. When some take more than all of them should, each half is tried by
 * itself, until those are alone that are larger than `limit` bytes: no more is held of them than of the others.
 * @returns those
 */
export async function fetchBounded(
  ids: readonly string[],
  limit: number,
  fetch: FetchSome,
): Promise<string[]> {
  const alone = limit + SLACK;
  const most = ids.length === 1 ? alone : Math.max(alone, TOGETHER, ids.length * TYPICAL);
  if (ids.length === 0 || (await fetch(ids, most))) return [];
  if (ids.length === 1) return [...ids];
  const half = Math.ceil(ids.length / 2);
  const first = await fetchBounded(ids.slice(0, half), limit, fetch);
  return [...first, ...(await fetchBounded(ids.slice(half), limit, fetch))];
}
