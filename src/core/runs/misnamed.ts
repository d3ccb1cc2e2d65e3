import { holdPath, type Layout } from './paths.ts';
import { REPOSITORY_FILE } from './trust.ts';

/** Something in a folder: a name alone, no path. */
export interface Named {
  name: string;
  isFolder: boolean;
}

/** What people take for a file or folder that the agent looks for, and the agent does not. */
export interface Misnamed {
  path: string;
  message: string;
}

/** What the agent looks for by its name. */
interface Wanted {
  path: string;
  isFolder: boolean;
  /** What one that is called nearly so is, and is not. */
  tell: (isThere: boolean) => string;
}

const RENAME = 'rename or remove it';

/** The folders in which the agent looks for something by its name; '' is the root. */
export function searchedFolders(layout: Layout): string[] {
  const { nodeops, runs } = layout;
  return [...new Set([...wantedIn(layout).map(({ path }) => parentOf(path)), nodeops, runs])];
}

/**
 * What lies in one of these folders and is called nearly as something that the agent looks for there. Names count letter by
 * letter, so it is ignored: of a brake that somebody has pulled in a hurry nobody would hear.
 */
export function misnamedIn(layout: Layout, folder: string, entries: readonly Named[]): Misnamed[] {
  const wanted = wantedIn(layout).filter(({ path }) => parentOf(path) === folder);
  const there = new Set(entries.map(({ name }) => inFolder(folder, name)));
  const found = entries.flatMap(({ name, isFolder }): Misnamed[] => {
    const path = inFolder(folder, name);
    if (wanted.some((it) => it.path === path)) return [];
    const meant = wanted.find((it) => it.isFolder === isFolder && stemOf(it) === stemOf({ path, isFolder }));
    return meant ? [{ path, message: meant.tell(there.has(meant.path)) }] : [];
  });
  if (folder !== layout.runs && folder !== layout.nodeops) return found;
  return [...found, ...misspelled(folder, entries), ...twins(folder, entries)];
}

export function misnamedText({ path, message }: Misnamed): string {
  return `${path} ${message}`;
}

function wantedIn(layout: Layout): Wanted[] {
  const { nodeops, runs } = layout;
  const hold = holdPath(layout);
  const folders = [nodeops, runs].map((path) => ({
    path,
    isFolder: true,
    tell: () => `is not ${path}/: nothing in it is read; ${RENAME}`,
  }));
  const own = parentOf(REPOSITORY_FILE);
  const tellOwn = () => `is not ${REPOSITORY_FILE}, which names the repository, and names none; ${RENAME}`;
  return [
    {
      path: hold,
      isFolder: false,
      tell: (isThere) => {
        const effect = isThere ? 'and is ignored beside it' : 'and holds nothing';
        return `is not ${hold}, which holds all clusters, ${effect}; ${RENAME}`;
      },
    },
    ...folders,
    { path: own, isFolder: true, tell: () => `is not ${own}/: nothing in it is read; ${RENAME}` },
    { path: REPOSITORY_FILE, isFolder: false, tell: tellOwn },
  ];
}

/** Endings that nobody writes on purpose. */
const NEARLY_YAML = /\.(?:ya?ml\.txt|ya?ml[ .]|yam|yalm|ymal|yanl|yamll)$/i;

function misspelled(folder: string, entries: readonly Named[]): Misnamed[] {
  return entries.flatMap(({ name, isFolder }) => {
    if (isFolder || !NEARLY_YAML.test(name)) return [];
    const message = `does not end in .yaml or .yml, and is not read; ${RENAME}`;
    return [{ path: inFolder(folder, name), message }];
  });
}

/** A checkout on macOS or Windows has one of them, with the content of the other perhaps. */
function twins(folder: string, entries: readonly Named[]): Misnamed[] {
  const byName = Map.groupBy(entries, ({ name }) => fold(name.normalize()));
  return [...byName.values()].flatMap((same) => {
    const [first, ...others] = same.map(({ name }) => name).toSorted((a, b) => (a < b ? -1 : 1));
    return others.map((name) => ({
      path: inFolder(folder, name),
      message: `differs from ${inFolder(folder, first ?? '')} in the case or make of letters alone: macOS and Windows check out one of them; rename one`,
    }));
  });
}

/** Without its ending, where it is a file, and whatever the case of its letters. */
function stemOf({ path, isFolder }: { path: string; isFolder: boolean }): string {
  return isFolder ? fold(path) : fold(path).replace(/\.(?:ya?ml|json|txt)$/, '');
}

function fold(path: string): string {
  return path.toLowerCase();
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function inFolder(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}
