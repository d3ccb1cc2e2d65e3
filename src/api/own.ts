/** An entry of a dictionary whose keys people chose: a node or a label may be called `constructor`, which every object has. */
export function own<T>(entries: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return entries !== undefined && Object.hasOwn(entries, key) ? entries[key] : undefined;
}
