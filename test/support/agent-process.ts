import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** A repository, an embedded cluster and agents as processes of their own, all in one folder. */
export class Stage {
  readonly dir = mkdtempSync(join(tmpdir(), 'nodeop-e2e-'));
  readonly clone = join(this.dir, 'operations');
  readonly bare = join(this.dir, 'operations.git');
  readonly config = join(this.dir, 'agent.yaml');
  readonly kubeconfig = join(this.dir, 'kubeconfig');
  private readonly children: ChildProcess[] = [];

  constructor() {
    this.git(this.dir, 'init', '--quiet', '--bare', '--initial-branch=main', this.bare);
    this.git(this.dir, 'clone', '--quiet', this.bare, this.clone);
    this.commit({ 'README.md': 'operations\n' });
    this.configure('*/2 * * * * *');
  }

  /** Writes a configuration; `more` are lines of its own. */
  configure(schedule: string, file = this.config, clone = 'agent.git', more: string[] = []): void {
    writeFileSync(
      file,
      [
        'apiVersion: agent.nodeop.dev/v1alpha1',
        'kind: AgentConfig',
        'git:',
        `  url: ${this.bare}`,
        `  dir: ${join(this.dir, clone)}`,
        `  poll: {schedule: '${schedule}', jitter: 0s}`,
        `kubernetes: {kubeconfig: ${this.kubeconfig}}`,
        'report: {interval: 1s}',
        ...more,
        '',
      ].join('\n'),
    );
  }

  async startSim(nodes: number): Promise<{ child: ChildProcess }> {
    const flags = [
      '--nodes',
      String(nodes),
      '--kubeconfig',
      this.kubeconfig,
      '--dir',
      join(this.dir, 'nodes'),
    ];
    const sim = this.run('sim', ...flags);
    await this.until('the embedded cluster', () => existsSync(this.kubeconfig));
    return sim;
  }

  /** Starts a command of ours; its output is collected. */
  run(
    command: string,
    ...args: string[]
  ): { child: ChildProcess; output: () => string; ended: Promise<number | null> } {
    const child = spawn(process.execPath, [MAIN, command, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.children.push(child);
    let text = '';
    const collect = (chunk: Buffer) => {
      text += chunk.toString();
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    const ended = new Promise<number | null>((resolve) => {
      child.on('close', resolve);
    });
    return { child, output: () => text, ended };
  }

  git(cwd: string, ...args: string[]): string {
    const identity = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org'];
    return execFileSync('git', [...identity, ...args], {
      cwd,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  /** Commits files (undefined removes one) and pushes. */
  commit(files: Record<string, string | undefined>): void {
    for (const [file, text] of Object.entries(files)) {
      const path = join(this.clone, file);
      mkdirSync(dirname(path), { recursive: true });
      if (text === undefined) rmSync(path);
      else writeFileSync(path, text);
    }
    this.git(this.clone, 'add', '--all');
    this.git(this.clone, 'commit', '--quiet', '-m', 'A change');
    for (let attempt = 0; ; attempt += 1) {
      try {
        this.pull();
        this.git(this.clone, 'push', '--quiet', 'origin', 'HEAD:main');
        return;
      } catch (error) {
        if (attempt === 9) throw error;
      }
    }
  }

  pull(): void {
    const branch = this.git(this.clone, 'ls-remote', '--heads', 'origin', 'main');
    if (branch !== '') this.git(this.clone, 'pull', '--quiet', '--rebase', 'origin', 'main');
  }

  /** A file at the tip of the remote, '' while it is not there. */
  remoteFile(path: string): string {
    try {
      return this.git(this.bare, 'show', `main:${path}`);
    } catch {
      return '';
    }
  }

  async until(what: string, condition: () => boolean, seconds = 60): Promise<void> {
    for (const end = Date.now() + seconds * 1000; !condition();) {
      if (Date.now() > end) throw new Error(`gave up waiting for ${what}`);
      // oxlint-disable-next-line no-await-in-loop -- that is what waiting is
      await sleep(50);
    }
  }

  /** What a command left in a file of each node. */
  onNode(node: string, path: string): string {
    const file = join(this.dir, 'nodes', node, 'root', path);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  async close(): Promise<void> {
    const ends = this.children
      .filter((child) => child.exitCode === null && child.signalCode === null)
      .map((child) => {
        child.kill('SIGTERM');
        return new Promise((resolve) => {
          child.on('close', resolve);
        });
      });
    await Promise.all(ends);
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** A run file that leaves a line on each node it runs on. */
export function runFile(
  name: string,
  options: { seconds?: number; concurrency?: number; fail?: boolean } = {},
): string {
  const { seconds = 0, concurrency = 0, fail = false } = options;
  return `apiVersion: operator.kairos.io/v1alpha1
kind: NodeOp
metadata:
  name: ${name}
spec:
  image: busybox:latest
  concurrency: ${concurrency}
  backoffLimit: 0
  command: [sh, -c, 'echo ${name} >> "$HOST_DIR/var/ran"; sleep ${seconds}; exit ${fail ? 4 : 0}']
`;
}
