import { execFileSync } from 'node:child_process';
import { createWriteStream, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SnapshotReader } from '../src/agent/repository/snapshot-reader.ts';
import { CHECKPOINT_EVERY } from '../src/core/runs/checkpoint.ts';
import { GitCommand } from '../src/git/command.ts';
import { Contents } from '../src/git/contents.ts';

const AUTHOR = {
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.org',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.org',
};

export function git(dir: string, args: string[], input?: string): string {
  const env = { PATH: process.env['PATH'], HOME: '/nonexistent', ...AUTHOR };
  const stdio = ['pipe', 'pipe', 'ignore'] as const;
  return execFileSync('git', args, {
    cwd: dir,
    env,
    encoding: 'utf8',
    maxBuffer: 1e9,
    stdio: [...stdio],
    ...(input === undefined ? {} : { input }),
  });
}

/** What a folder takes on the disk, in megabytes of 10⁶ bytes. */
export function folderMb(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((it) => it.isFile());
  return files.reduce((sum, it) => sum + statSync(join(it.parentPath, it.name)).size, 0) / 1e6;
}

export function runFile(name: string): string {
  return `apiVersion: operator.kairos.io/v1alpha1
kind: NodeOp
metadata:
  name: ${name}
spec:
  nodeSelector:
    matchLabels:
      kairos.io/managed: "true"
  image: alpine:3.20
  command:
    - sh
    - -ec
    - |
      echo "vm.swappiness = 10" > "$HOST_DIR/etc/sysctl.d/90-swappiness.conf"
  concurrency: 2
  stopOnFailure: true
  drainOptions:
    enabled: true
    timeoutSeconds: 600
  rebootOnSuccess: true
`;
}

export function report(path: string, cluster?: string): string {
  const nodes = Array.from(
    { length: 5 },
    (_, i) => `    - name: node-${i}\n      phase: Completed\n      attempts: 1\n`,
  );
  return `apiVersion: agent.nodeop.dev/v1alpha1
kind: NodeOpReport
metadata:
  name: ${path.replaceAll('/', '-')}
run:
  path: runs/${path}
${cluster === undefined ? '' : `cluster: ${cluster}\n`}status:
  phase: Completed
  startedAt: '2029-01-01T00:00:00Z'
  finishedAt: '2029-01-01T00:10:00Z'
  durationSeconds: 600
  summary:
    total: 5
    completed: 5
  nodes:
${nodes.join('')}`;
}

/** Run files are kept by month, as people do who have many of them. */
const byMonth = (i: number): string =>
  `${2000 + Math.floor(i / 12_000)}-${String(1 + (Math.floor(i / 1000) % 12)).padStart(2, '0')}/run-${i}.yaml`;

export interface Shape {
  /** Each reports all runs in a folder of its own; without names there is one cluster and one folder. */
  clusters?: string[];
  /** Path of a run file below the folder of the run files. */
  pathOf?: (i: number) => string;
  /** Runs added and reported by one commit of each cluster. */
  perCommit?: number;
}

/** Reports that came after the last checkpoint: half of those that make the agent write one. */
const SINCE_CHECKPOINT = CHECKPOINT_EVERY / 2;

/** A bare repository with so many run files, all of them reported. */
export class BenchRepository implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), 'nodeop-bench-'));
  readonly bare = join(this.root, 'origin.git');
  readonly pathOf: (i: number) => string;
  /** The one that is measured. */
  readonly cluster: string | undefined;
  private readonly shape: Shape;

  private constructor(shape: Shape) {
    this.shape = shape;
    this.pathOf = shape.pathOf ?? byMonth;
    this.cluster = shape.clusters?.[0];
  }

  static async create(files: number, shape: Shape = {}): Promise<BenchRepository> {
    const repository = new BenchRepository(shape);
    git(repository.root, ['init', '--quiet', '--bare', '--initial-branch=main', repository.bare]);
    const { perCommit = 10 } = shape;
    const before = Math.floor(Math.max(0, files - SINCE_CHECKPOINT) / perCommit) * perCommit;
    await repository.import(0, before);
    const checkpoint = before > 0 ? await repository.checkpoint() : undefined;
    if (checkpoint) repository.commit(...checkpoint);
    await repository.import(before, files);
    git(repository.bare, ['repack', '-q', '-a', '-d']);
    // As Git hosts have it.
    git(repository.bare, ['config', 'uploadpack.allowFilter', 'true']);
    return repository;
  }

  private async import(from: number, to: number): Promise<void> {
    const stream = join(this.root, 'stream');
    await this.writeStream(stream, from, to);
    execFileSync('sh', ['-c', `git fast-import --quiet --done < ${stream}`], { cwd: this.bare });
    rmSync(stream);
  }

  /** As the agent writes it. */
  private async checkpoint(): Promise<[path: string, text: string] | undefined> {
    const layout = { nodeops: 'nodeops', runs: 'runs', results: 'results', cluster: this.cluster };
    const command = new GitCommand({ dir: this.bare, timeoutMs: 600_000 });
    const source = { git: command, contents: new Contents(command) };
    const reader = new SnapshotReader({ runs: source, results: source }, layout);
    const tip = git(this.bare, ['rev-parse', 'main']).trim();
    return reader.reports.checkpoint(await reader.read({ runs: tip, results: tip }));
  }

  reportOf(i: number, cluster = this.cluster): string {
    return ['results', cluster, this.pathOf(i)].filter((it) => it !== undefined).join('/');
  }

  /** A commit on the branch, made in the bare repository itself, as a merged pull request. */
  commit(path: string, text: string): string {
    const script = `commit refs/heads/main\ncommitter Ada <ada@example.org> ${Math.floor(Date.now() / 1000)} +0000\ndata 3\nAdd\nfrom refs/heads/main^0\n${file(path, text)}done\n`;
    git(this.bare, ['fast-import', '--quiet', '--done'], script);
    return git(this.bare, ['rev-parse', 'main']).trim();
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  private async writeStream(path: string, from: number, to: number): Promise<void> {
    const { perCommit = 10, clusters = [undefined] } = this.shape;
    const out = createWriteStream(path);
    const write = async (text: string) => {
      if (!out.write(text)) await once(out, 'drain');
    };
    for (let i = from; i < to; i += perCommit) {
      const some = Array.from({ length: Math.min(perCommit, to - i) }, (_, j) => i + j);
      for (const [c, cluster] of clusters.entries()) {
        const added = c === 0 ? some.map((j) => file(`runs/${this.pathOf(j)}`, runFile(`run-${j}`))) : [];
        const reported = some.map((j) => file(this.reportOf(j, cluster), report(this.pathOf(j), cluster)));
        const isGoingOn = i === from && from > 0 && c === 0;
        const head = `commit refs/heads/main\ncommitter Ada <ada@example.org> ${1_700_000_000 + i} +0000\ndata 3\nAdd\n${isGoingOn ? 'from refs/heads/main^0\n' : ''}`;
        // oxlint-disable-next-line no-await-in-loop -- a stream has an order
        await write([head, ...added, ...reported].join(''));
      }
    }
    await write('done\n');
    out.end();
    await once(out, 'finish');
  }
}

function file(path: string, text: string): string {
  return `M 100644 inline ${path}\ndata ${Buffer.byteLength(text)}\n${text}\n`;
}
