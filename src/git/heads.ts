import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ObjectFormat } from './clone.ts';
import type { GitCommand } from './command.ts';
import type { Session } from './session.ts';

/** What a remote has. */
export interface Heads {
  /** Undefined when it has no branch to tell it by. */
  format: ObjectFormat | undefined;
  /** Of its branches. */
  names: string[];
}

/** @param outside works in a folder beside the clone, which may be broken or not there */
export async function listHeads(outside: GitCommand, session: Session, url: string): Promise<Heads> {
  const lines = (await list(outside, session, url)).split('\n');
  const heads = lines.flatMap((line) => {
    const [, id = '', name = ''] = /^([0-9a-f]+)\trefs\/heads\/(.*)$/.exec(line) ?? [];
    return id === '' ? [] : { id, name };
  });
  const [first] = heads;
  return { format: first && formatOfId(first.id), names: heads.map(({ name }) => name) };
}

/** How a repository names its objects; an empty one tells it by nothing but what it says before it lists its branches. */
export async function formatOf(outside: GitCommand, session: Session, url: string): Promise<ObjectFormat> {
  const { format } = await listHeads(outside, session, url);
  if (format !== undefined) return format;
  const dir = await mkdtemp(join(tmpdir(), 'nodeop-agent-heads-'));
  try {
    const file = join(dir, 'packets');
    const env = { ...session.env, GIT_TRACE_PACKET: file };
    await list(outside, { ...session, env }, url);
    const packets = await readFile(file, 'latin1').catch(() => '');
    return /\bobject-format=sha256\b/.test(packets) ? 'sha256' : 'sha1';
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function formatOfId(id: string): ObjectFormat {
  return id.length === 64 ? 'sha256' : 'sha1';
}

async function list(outside: GitCommand, session: Session, url: string): Promise<string> {
  await mkdir(outside.dir, { recursive: true });
  // No repository around it has a say.
  const env = { ...session.env, GIT_CEILING_DIRECTORIES: dirname(outside.dir) };
  return outside.with({ ...session, env }, ['ls-remote', '--heads', '--', url]);
}
