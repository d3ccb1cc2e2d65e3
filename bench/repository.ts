import { execFileSync } from 'node:child_process';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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

export function report(path: string): string {
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
status:
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
export const pathOf = (i: number): string =>
  `${2000 + Math.floor(i / 12_000)}-${String(1 + (Math.floor(i / 1000) % 12)).padStart(2, '0')}/run-${i}.yaml`;

/** A bare repository with so many run files, all of them reported, ten to a commit. */
export class BenchRepository implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), 'nodeop-bench-'));
  readonly bare = join(this.root, 'origin.git');

  static async create(files: number): Promise<BenchRepository> {
    const repository = new BenchRepository();
    git(repository.root, ['init', '--quiet', '--bare', '--initial-branch=main', repository.bare]);
    const stream = join(repository.root, 'stream');
    await writeStream(stream, files);
    execFileSync('sh', ['-c', `git fast-import --quiet --done < ${stream}`], { cwd: repository.bare });
    git(repository.bare, ['repack', '-q', '-a', '-d']);
    git(repository.bare, ['config', 'uploadpack.allowFilter', 'true']);
    rmSync(stream);
    return repository;
  }

  /** A commit on the branch, made in the bare repository itself, as a merged pull request. */
  commit(path: string, text: string): string {
    const script = `commit refs/heads/main\ncommitter Ada <ada@example.org> ${Math.floor(Date.now() / 1000)} +0000\ndata 3\nAdd\nfrom refs/heads/main^0\nM 100644 inline ${path}\ndata ${Buffer.byteLength(text)}\n${text}\ndone\n`;
    git(this.bare, ['fast-import', '--quiet', '--done'], script);
    return git(this.bare, ['rev-parse', 'main']).trim();
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

async function writeStream(file: string, files: number): Promise<void> {
  const out = createWriteStream(file);
  const perCommit = 10;
  const write = async (text: string) => {
    if (!out.write(text)) await once(out, 'drain');
  };
  for (let i = 0; i < files; i += perCommit) {
    const seconds = 1_700_000_000 + i;
    const changes: string[] = [];
    for (let j = i; j < Math.min(files, i + perCommit); j += 1) {
      const path = pathOf(j);
      for (const [name, text] of [
        [`runs/${path}`, runFile(`run-${j}`)],
        [`results/${path}`, report(path)],
      ] as const)
        changes.push(`M 100644 inline ${name}\ndata ${Buffer.byteLength(text)}\n${text}\n`);
    }
    const head = `commit refs/heads/main\ncommitter Ada <ada@example.org> ${seconds} +0000\ndata 3\nAdd\n`;
    // oxlint-disable-next-line no-await-in-loop -- a stream has an order
    await write(`${head}${changes.join('')}`);
  }
  await write('done\n');
  out.end();
  await once(out, 'finish');
}
