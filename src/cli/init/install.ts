import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidError } from '../../api/errors.ts';
import { reasonOf } from '../system-error.ts';
import { shellWord } from '../terminal.ts';

/** Folders of `manifests` that an overlay builds on. */
const PARTS = ['crd', 'base', 'components'];

const SCHEMA = join('schemas', 'agentconfig.json');
/** By which editors know the fields. */
const schemaLine = (folder: string) => `# yaml-language-server: $schema=${folder}/agentconfig.json\n`;

export interface Installation {
  /** Those that people change. */
  files: string[];
  /** What to do with it. */
  message: string;
  /** Commands that can be typed one after the other as they stand. */
  next: string[];
}

/**
 * Writes an overlay with everything it builds on beside it, so that it can lie in any repository. Files that are there
 * already are somebody's own and are refused.
 */
export async function writeInstallation(
  manifests: string,
  schema: string,
  dir: string,
  { url, cluster }: { url: string; cluster: string },
): Promise<Installation> {
  const overlay = join(manifests, 'overlays', /^https?:/i.test(url) ? 'https-token' : 'ssh-key');
  const [kustomization, agent] = await Promise.all(
    ['kustomization.yaml', 'agent.yaml'].map((file) => readFile(join(overlay, file), 'utf8')),
  );
  const own = (kustomization ?? '')
    .replaceAll('../../', '')
    .replace(/^# Copy this folder.*$/m, '# Put your image below, and apply it: kubectl apply -k .');
  const config = `${schemaLine('schemas')}${agent ?? ''}`
    .replace(/^cluster: .*$/m, () => `cluster: '${cluster}'`)
    .replace(/^( {2}url: ).*$/m, (_, key: string) => `${key}'${url.replaceAll("'", "''")}'`);
  try {
    await mkdir(dir, { recursive: true });
    for (const [file, text] of Object.entries({ 'kustomization.yaml': own, 'agent.yaml': config })) {
      // oxlint-disable-next-line no-await-in-loop -- the first that is there already ends it
      await writeFile(join(dir, file), text, { flag: 'wx' });
    }
    const copies = PARTS.map((it) =>
      cp(join(manifests, it), join(dir, it), { recursive: true, force: false }),
    );
    copies.push(cp(schema, join(dir, SCHEMA), { force: false }));
    await Promise.all(copies);
    const base = join(dir, 'base', 'agent.yaml');
    await writeFile(base, `${schemaLine('../schemas')}${await readFile(base, 'utf8')}`);
  } catch (error) {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    const why = isThere
      ? 'it holds an installation already; change that, or name another folder'
      : reasonOf(error);
    throw new InvalidError(`cannot write ${dir}: ${why}`, [], { cause: error });
  }
  const keys = overlay.endsWith('ssh-key') ? ['id_ed25519', 'known_hosts'] : ['token'];
  const files = keys.map((it) => `--from-file=${it}`).join(' ');
  const [kustomize, configuration] = [join(dir, 'kustomization.yaml'), join(dir, 'agent.yaml')];
  return {
    files: [kustomize, configuration],
    message: `What installs the agent is in ${dir}. Put your image into ${kustomize}, and look through ${configuration}, which the agent reads. Next, beside ${keys.length > 1 ? 'files' : 'a file'} ${keys.join(' and ')} with its credentials:`,
    next: [
      'kubectl create namespace nodeop-system',
      `kubectl --namespace nodeop-system create secret generic nodeop-agent-git ${files}`,
      `kubectl apply -k ${shellWord(dir)}`,
    ],
  };
}
