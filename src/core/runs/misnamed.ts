import { holdPath, type Layout } from './paths.ts';

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

/** The folders in which the agent looks for something by its name; '' is the root. */
export function searchedFolders(layout: Layout): string[] {
  return [...new Set([holdPath(layout), layout.nodeops, layout.runs].map(parentOf))];
}

/**
 * What lies in one of these folders and is called nearly as something that the agent looks for there. Names count letter by
 * letter, so it is ignored: of a brake that somebody has pulled in a hurry nobody would hear.
 */
export function misnamedIn(layout: Layout, folder: string, entries: readonly Named[]): Misnamed[] {
  const hold = holdPath(layout);
  const isThere = (path: string) => entries.some(({ name }) => inFolder(folder, name) === path);
  return entries.flatMap(({ name, isFolder }): Misnamed[] => {
    const path = inFolder(folder, name);
    if (!isFolder && parentOf(hold) === folder && path !== hold && stemOf(path) === stemOf(hold)) {
      const effect = isThere(hold) ? 'and is ignored beside it' : 'and holds nothing';
      return [{ path, message: `is not ${hold}, which holds all clusters, ${effect}; rename or remove it` }];
    }
    const meant = [layout.nodeops, layout.runs].find((it) => it !== path && fold(it) === fold(path));
    if (!isFolder || meant === undefined) return [];
    return [{ path, message: `is not ${meant}/: nothing in it is read; rename or remove it` }];
  });
}

export function misnamedText({ path, message }: Misnamed): string {
  return `${path} ${message}`;
}

/** Without its ending and whatever the case of its letters. */
function stemOf(path: string): string {
  return fold(path).replace(/\.(?:ya?ml|json|txt)$/, '');
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
