import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** A file as a commit of the checkout would hold it, which is what the agent reads. */
export interface Stored {
  mode: string;
  bytes: Uint8Array;
  /** The checkout shows another text, by what .gitattributes or the configuration of git says. */
  differs: boolean;
  /** Why git cannot store it. */
  problem?: string;
}

/** What makes git store other bytes than the checkout has. */
const CONVERSIONS = ['text', 'eol', 'working-tree-encoding', 'filter', 'ident', 'crlf'];

/**
 * Reads files as git stores them, where `root` is the checkout of a repository; elsewhere as they are. A link is its own
 * content, as in a tree. Throws what reading throws.
 */
export function readStored(root: string, files: readonly string[]): Map<string, Stored> {
  const found = new Map<string, Stored>();
  const plain: string[] = [];
  for (const file of files) {
    const stat = lstatSync(file);
    if (stat.isSymbolicLink()) found.set(file, { mode: '120000', bytes: new Uint8Array(), differs: false });
    else if (stat.isDirectory()) found.set(file, { mode: '160000', bytes: new Uint8Array(), differs: false });
    else plain.push(file);
  }
  for (const file of plain) found.set(file, { mode: '100644', bytes: readFileSync(file), differs: false });
  for (const [file, bytes] of converted(root, plain, found)) {
    if (!bytes) {
      const problem = 'git cannot store it as .gitattributes says (its encoding, or a filter)';
      found.set(file, { mode: '100644', bytes: new Uint8Array(), differs: true, problem });
      continue;
    }
    const differs = Buffer.compare(bytes, found.get(file)?.bytes ?? bytes) !== 0;
    found.set(file, { mode: '100644', bytes, differs });
  }
  return found;
}

/** The object id git gives a content, since names derived from it must be those of the real run. */
export function blobId(root: string, bytes: Uint8Array): string {
  return createHash(objectFormat(root)).update(`blob ${bytes.byteLength}\0`).update(bytes).digest('hex');
}

/** Of repositories that were asked already, by their whole path. */
const formats = new Map<string, 'sha1' | 'sha256'>();

function objectFormat(root: string): 'sha1' | 'sha256' {
  const path = resolve(root);
  const known = formats.get(path);
  if (known !== undefined) return known;
  const isLong = git(root, ['rev-parse', '--show-object-format'])?.toString().trim() === 'sha256';
  const format = isLong ? 'sha256' : 'sha1';
  formats.set(path, format);
  return format;
}

function converted(
  root: string,
  files: readonly string[],
  found: ReadonlyMap<string, Stored>,
): Map<string, Uint8Array | undefined> {
  const top = git(root, [
    'rev-parse',
    '--show-toplevel',
    '--absolute-git-dir',
    '--git-path',
    'objects',
  ])?.toString();
  const [, , objects] = top?.trimEnd().split('\n') ?? [];
  if (objects === undefined || files.length === 0) return new Map();
  const paths = files.map((file) => resolve(file));
  const asked = git(root, ['check-attr', '-z', '--stdin', ...CONVERSIONS], `${paths.join('\0')}\0`);
  const touched = new Set<string>();
  const fields = asked?.toString().split('\0') ?? [];
  for (let i = 0; i + 2 < fields.length; i += 3) {
    if (fields[i + 2] !== 'unspecified') touched.add(fields[i] ?? '');
  }
  const endings = git(root, ['config', 'core.autocrlf'])?.toString().trim();
  const mayConvert = endings === 'true' || endings === 'input';
  const wanted = files.filter((file, i) => {
    const hasReturns = Buffer.from(found.get(file)?.bytes ?? []).includes(0x0d);
    return touched.has(paths[i] ?? '') || (mayConvert && hasReturns);
  });
  return wanted.length === 0 ? new Map() : clean(root, resolve(root, objects), wanted);
}

/** Has git store the files, in a folder that goes away again, and reads what it stored. */
function clean(root: string, objects: string, files: readonly string[]): Map<string, Uint8Array | undefined> {
  const dir = mkdtempSync(join(tmpdir(), 'nodeop-agent-'));
  const env = { GIT_OBJECT_DIRECTORY: dir, GIT_ALTERNATE_OBJECT_DIRECTORIES: objects };
  try {
    return new Map(
      files.map((file) => {
        const id = git(root, ['hash-object', '-w', resolve(file)], undefined, env)
          ?.toString()
          .trim();
        return [file, id === undefined ? undefined : git(root, ['cat-file', 'blob', id], undefined, env)];
      }),
    );
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Standard output; undefined when git is not there or refuses. */
function git(
  root: string,
  args: readonly string[],
  input?: string,
  env: Record<string, string> = {},
): Buffer | undefined {
  const options = { cwd: root, input, env: { ...process.env, ...env }, maxBuffer: 256 * 1024 * 1024 };
  try {
    const { status, stdout } = spawnSync('git', args, options);
    return status === 0 ? stdout : undefined;
  } catch {
    // Of names that no file can have, such as those with a null byte.
    return undefined;
  }
}
