import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { kubectl } from './kubectl.ts';
import { served } from './served.ts';

const REPOSITORY = '/srv/operations.git';

/**
 * The repository with the run files, in a pod of the cluster, so that nothing outside has to be within
 * the agent's reach. The agent talks to `git daemon` by the Service's address; this process pushes and
 * reads through `kubectl exec`.
 */
export class GitServer {
  url = '';
  private readonly namespace: string;
  private readonly dir = mkdtempSync(join(tmpdir(), 'nodeop-cluster-git-'));
  private readonly clone = join(this.dir, 'operations');

  constructor(namespace: string) {
    this.namespace = namespace;
  }

  async start(image: string, node: string): Promise<void> {
    const { namespace } = this;
    const volumeMounts = [{ name: 'srv', mountPath: '/srv' }];
    const env = [{ name: 'HOME', value: '/tmp' }];
    const container = { image, volumeMounts, env };
    const init = ['git', 'init', '--quiet', '--bare', '--initial-branch=main', REPOSITORY];
    const daemon = [
      'git',
      'daemon',
      '--export-all',
      '--enable=receive-pack',
      '--base-path=/srv',
      '--reuseaddr',
    ];
    const spec = {
      nodeName: node,
      securityContext: { runAsUser: 10001, runAsGroup: 10001, fsGroup: 10001 },
      initContainers: [{ ...container, name: 'init', command: init }],
      containers: [{ ...container, name: 'git', command: daemon }],
      volumes: [{ name: 'srv', emptyDir: {} }],
    };
    this.url = `git://${await served({ namespace, name: 'git', spec, port: 9418 })}/operations.git`;
    mkdirSync(this.clone);
    this.git('init', '--quiet', '--initial-branch=main');
    this.git('remote', 'add', 'origin', `ext::kubectl -n ${namespace} exec -i git -- git %s ${REPOSITORY}`);
    this.write({ 'README.md': 'operations\n' });
    this.git('push', '--quiet', 'origin', 'HEAD:main');
  }

  /** Commits files (undefined removes one) on the tip and pushes. */
  commit(files: Record<string, string | undefined>): void {
    for (let attempt = 0; ; attempt += 1) {
      this.git('fetch', '--quiet', 'origin', 'main');
      this.git('reset', '--quiet', '--hard', 'FETCH_HEAD');
      this.write(files);
      try {
        this.git('push', '--quiet', 'origin', 'HEAD:main');
        return;
      } catch (error) {
        // The agent may have pushed meanwhile.
        if (attempt === 9) throw error;
      }
    }
  }

  /** A file at the tip, '' while it is not there. */
  async file(path: string): Promise<string> {
    const show = ['git', '-C', REPOSITORY, 'show', `main:${path}`];
    try {
      return await kubectl(['-n', this.namespace, 'exec', 'git', '--', ...show]);
    } catch (error) {
      if (/exists on disk|does not exist in|invalid object name/.test(String(error))) return '';
      throw error;
    }
  }

  async commits(path: string): Promise<number> {
    const log = ['git', '-C', REPOSITORY, 'log', '--format=%h', 'main', '--', path];
    const text = await kubectl(['-n', this.namespace, 'exec', 'git', '--', ...log]);
    return text.split('\n').filter((line) => line !== '').length;
  }

  close(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }

  private write(files: Record<string, string | undefined>): void {
    for (const [file, text] of Object.entries(files)) {
      const path = join(this.clone, file);
      mkdirSync(dirname(path), { recursive: true });
      if (text === undefined) rmSync(path);
      else writeFileSync(path, text);
    }
    this.git('add', '--all');
    this.git('commit', '--quiet', '-m', 'A change');
  }

  private git(...args: string[]): void {
    const identity = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org'];
    execFileSync('git', ['-c', 'protocol.ext.allow=always', ...identity, ...args], {
      cwd: this.clone,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
}
