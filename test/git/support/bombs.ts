import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { deflateSync } from 'node:zlib';
import type { TestRepository } from '../../runs/support.ts';

/** Trees that git can be given and that no checkout would ever end. They are written by no process: it takes hundreds. */

export type Entry = readonly [mode: '100644' | '040000', id: string, name: string];

function writeObject({ bare }: TestRepository, type: string, content: Buffer): string {
  const object = Buffer.concat([Buffer.from(`${type} ${content.length}\0`), content]);
  const id = createHash('sha1').update(object).digest('hex');
  const file = join(bare, 'objects', id.slice(0, 2), id.slice(2));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, deflateSync(object));
  return id;
}

export function makeTree(repository: TestRepository, entries: readonly Entry[]): string {
  const sorted = entries.map(([mode, id, name]) => ({
    key: Buffer.from(mode === '040000' ? `${name}/` : name),
    bytes: Buffer.concat([Buffer.from(`${mode.replace(/^0/, '')} ${name}\0`), Buffer.from(id, 'hex')]),
  }));
  sorted.sort((a, b) => Buffer.compare(a.key, b.key));
  return writeObject(repository, 'tree', Buffer.concat(sorted.map(({ bytes }) => bytes)));
}

export function makeBlob(repository: TestRepository, content: string): string {
  return writeObject(repository, 'blob', Buffer.from(content));
}

/** `width` folders in each of `levels` levels, all of them one and the same, and as many files in the last. */
export function bomb(
  repository: TestRepository,
  { levels, width, content = 'x' }: { levels: number; width: number; content?: string },
): string {
  const blob = makeBlob(repository, content);
  const names = Array.from({ length: width }, (_, i) => `n${i}`);
  let tree = makeTree(
    repository,
    names.map((name): Entry => ['100644', blob, `${name}.yaml`]),
  );
  for (let i = 0; i < levels; i++)
    tree = makeTree(
      repository,
      names.map((name): Entry => ['040000', tree, name]),
    );
  return tree;
}

/** Pushes a commit that has a tree or blob at a path, in the place of whatever was there; without one it is taken away. */
export function graft(
  repository: TestRepository,
  path: string,
  what: { tree: string } | { blob: string } | undefined,
): string {
  const { bare } = repository;
  const parts = path.split('/');
  let made: Entry | undefined;
  for (let i = parts.length - 1; i >= 0; i--) {
    const name = parts[i] ?? '';
    const there = entriesOf(repository, parts.slice(0, i).join('/')).filter(([, , it]) => it !== name);
    if (i === parts.length - 1) made = entryOf(name, what);
    const tree = makeTree(repository, made ? [...there, made] : there);
    made = ['040000', tree, parts[i - 1] ?? ''];
  }
  const args = ['commit-tree', '-p', 'main', '-m', `graft ${path}`, made?.[1] ?? ''];
  const commit = repository.git(bare, ...args).trim();
  repository.git(bare, 'update-ref', 'refs/heads/main', commit);
  return commit;
}

function entryOf(name: string, what: { tree: string } | { blob: string } | undefined): Entry | undefined {
  if (!what) return undefined;
  return 'tree' in what ? ['040000', what.tree, name] : ['100644', what.blob, name];
}

function entriesOf(repository: TestRepository, folder: string): Entry[] {
  let listed: string;
  try {
    listed = repository.git(repository.bare, 'ls-tree', '-z', `main:${folder}`);
  } catch {
    return [];
  }
  return listed
    .split('\0')
    .filter(Boolean)
    .map((line): Entry => {
      const [mode = '', , id = ''] = line.slice(0, line.indexOf('\t')).split(' ');
      return [mode === '040000' ? '040000' : '100644', id, line.slice(line.indexOf('\t') + 1)];
    });
}
