import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Logger } from '../../src/agent/logger.ts';
import type { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import type { LedgerStore, NodeOpStore } from '../../src/core/ports.ts';
import type { LedgerPart } from '../../src/core/runs/ledger.ts';
import { AgentConfigSchema, type AgentConfig } from '../../src/api/config.ts';
import type { NodeOp, NodeOpSpec, RolloutPhase } from '../../src/api/nodeop.ts';
import { mergePatch } from '../../src/core/runs/merge.ts';
import { looseFile } from '../support/loose-objects.ts';

/** What somebody is about to sign. */
const UNSIGNED = 'refs/people/unsigned';

const ENV = {
  PATH: process.env['PATH'],
  HOME: '/nonexistent',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.org',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.org',
};

/** A repository as `git init` makes it, by no process. */
function makeRepository(dir: string, config: string): void {
  for (const folder of ['hooks', 'objects', 'refs/heads']) mkdirSync(join(dir, folder), { recursive: true });
  writeFileSync(join(dir, 'HEAD'), 'ref: refs/heads/main\n');
  writeFileSync(join(dir, 'config'), config);
}

/** As Git hosts have it, so that the agent's clones lack what they were not asked for. They tidy up at another time. */
const HOST = `[core]
	bare = true
	fsync = none
[gc]
	auto = 0
[receive]
	autogc = false
[uploadpack]
	allowFilter = true
`;

const PEOPLE = (origin: string) => `[remote "origin"]
	url = ${origin}
	fetch = +refs/heads/*:refs/remotes/origin/*
[maintenance]
	auto = false
`;

/**
 * A bare repository and a clone of it that people work in, in a folder that goes away with `dispose`. The clone is made
 * when somebody looks at it; until then what people push is written by one process, or two with a signature, instead of a
 * dozen.
 */
export class TestRepository implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), 'nodeop-agent-test-'));
  readonly bare = join(this.root, 'origin.git');

  /** When people commit; now unless told. */
  date: string | undefined;
  /** When they wrote what they commit; now unless told, which is worth nothing to anybody. */
  authorDate: string | undefined;
  /** Further settings of their git. */
  settings: readonly string[] = [];
  readonly #work = join(this.root, 'work');
  #isCloned = false;
  /** The commit people made last. */
  #last: string | undefined;

  constructor() {
    makeRepository(this.bare, HOST);
  }

  /** Where people work, as they left it with their last push. */
  get clone(): string {
    if (this.#isCloned) return this.#work;
    this.#isCloned = true;
    makeRepository(join(this.#work, '.git'), PEOPLE(this.bare));
    if (this.#last !== undefined) {
      this.git(this.#work, 'fetch', '-q', 'origin', `${this.#last}:refs/remotes/origin/main`);
      this.git(this.#work, 'reset', '-q', '--hard', this.#last);
    }
    return this.#work;
  }

  git(dir: string, ...args: string[]): string {
    return this.#git(dir, args);
  }

  #git(dir: string, args: string[], input?: Buffer): string {
    const settings = ['core.fsync=none', ...this.settings].flatMap((it) => ['-c', it]);
    return execFileSync('git', [...settings, ...args], {
      cwd: dir,
      env: {
        ...ENV,
        ...(this.authorDate !== undefined && { GIT_AUTHOR_DATE: this.authorDate }),
        ...(this.date !== undefined && { GIT_COMMITTER_DATE: this.date }),
      },
      encoding: 'utf8',
      stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe'],
      ...(input && { input }),
    });
  }

  write(files: Record<string, string | Uint8Array>): void {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(this.clone, path)), { recursive: true });
      writeFileSync(join(this.clone, path), content);
    }
  }

  /** Writes the files, commits everything on top of what the remote has, and pushes. */
  push(files: Record<string, string | Uint8Array>, message = 'change'): void {
    // Only a real push meets the hooks of the remote.
    const isPlain = readdirSync(join(this.bare, 'hooks')).length === 0;
    if (!this.#isCloned && isPlain) return this.#import(message, files);
    this.write(files);
    this.git(this.clone, 'add', '-A');
    this.git(this.clone, 'commit', '-q', '--allow-empty', '-m', message);
    this.#onTheTip(() => {
      const tip = this.tip();
      if (tip !== undefined && tip !== this.#tracked()) this.pull();
      this.git(this.clone, 'push', '-q', 'origin', 'main');
    });
  }

  /** An agent may push at the same moment: then it is done again on what is there by now, as people do. */
  #onTheTip(change: () => void): void {
    for (let left = 5; ; left -= 1) {
      const before = this.tip();
      try {
        return change();
      } catch (error) {
        if (left === 0 || this.tip() === before) throw error;
      }
    }
  }

  #import(message: string, files: Record<string, string | Uint8Array | undefined>): void {
    this.#onTheTip(() => this.#importOnce(message, files));
  }

  #importOnce(message: string, files: Record<string, string | Uint8Array | undefined>): void {
    const data = (content: string | Uint8Array) => {
      const bytes = Buffer.from(content);
      return [Buffer.from(`data ${bytes.length}\n`), bytes, Buffer.from('\n')];
    };
    const seconds = (date?: string) =>
      Math.floor((date === undefined ? Date.now() : Date.parse(date)) / 1000);
    const [before, isSigned] = [this.tip(), this.settings.length > 0];
    const ref = isSigned ? UNSIGNED : 'refs/heads/main';
    const parts = [
      `commit ${ref}\n`,
      `author Ada <ada@example.org> ${seconds(this.authorDate)} +0000\n`,
      `committer Ada <ada@example.org> ${seconds(this.date)} +0000\n`,
      ...data(`${message}\n`),
      ...(before === undefined ? [] : [`from ${before}\n`]),
      ...Object.entries(files).flatMap(([path, content]) => {
        const quoted = `"${path.replaceAll(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`;
        if (content === undefined) return [`D ${quoted}\n`];
        return [`M 100644 inline ${quoted}\n`, ...data(content)];
      }),
    ];
    const input = Buffer.concat(parts.map((part) => Buffer.from(part)));
    this.#git(this.bare, ['-c', 'fastimport.unpackLimit=1', 'fast-import', '--quiet'], input);
    if (isSigned) this.#sign(message, before);
    this.#last = this.tip();
  }

  /** fast-import cannot sign; nobody else writes the branch meanwhile. */
  #sign(message: string, parent: string | undefined): void {
    const parents = parent === undefined ? [] : ['-p', parent];
    const signed = this.git(this.bare, 'commit-tree', '-S', '-m', message, ...parents, `${UNSIGNED}^{tree}`);
    rmSync(join(this.bare, UNSIGNED));
    const fresh = join(this.root, 'main');
    writeFileSync(fresh, signed);
    renameSync(fresh, join(this.bare, 'refs/heads/main'));
  }

  /** The remote's tip as the clone saw it last, as far as that can be told without asking git. */
  #tracked(): string | undefined {
    try {
      return readFileSync(join(this.#work, '.git/refs/remotes/origin/main'), 'utf8').trim();
    } catch {
      return undefined;
    }
  }

  pull(): void {
    this.git(this.clone, 'pull', '-q', '--rebase', 'origin', 'main');
  }

  remove(path: string): void {
    if (!this.#isCloned) return this.#import('change', { [path]: undefined });
    this.pull();
    this.git(this.clone, 'rm', '-q', path);
    this.push({});
  }

  /** Text of a file at the tip of a branch of the remote, or of another repository; or undefined. */
  read(path: string, { branch = 'main', bare = this.bare } = {}): string | undefined {
    const found = looseFile(bare, branch, path);
    if (found !== 'unknown') return found.text;
    try {
      return this.git(bare, 'cat-file', 'blob', `${branch}:${path}`);
    } catch {
      return undefined;
    }
  }

  commits(): number {
    return Number(this.git(this.bare, 'rev-list', '--count', 'main'));
  }

  has(): boolean {
    return this.tip() !== undefined;
  }

  /** The commit at the tip of the remote's branch. */
  tip(): string | undefined {
    try {
      return readFileSync(join(this.bare, 'refs/heads/main'), 'utf8').trim();
    } catch {
      if (!existsSync(join(this.bare, 'packed-refs'))) return undefined;
    }
    return (
      this.git(this.bare, 'for-each-ref', '--format=%(objectname)', 'refs/heads/main').trim() || undefined
    );
  }

  config(changes: object = {}): AgentConfig {
    const base = {
      apiVersion: 'agent.nodeop.dev/v1alpha1',
      kind: 'AgentConfig',
      git: { url: this.bare, dir: join(this.root, 'agent.git') },
      report: { interval: '0s' },
    };
    return AgentConfigSchema.parse(mergePatch(base, changes));
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** One run from its merge to its final report, by an agent that has a store of its own. */
export async function carryOut(
  repository: TestRepository,
  { loop, store }: { loop: RepositoryLoop; store: MemoryStore },
  name: string,
): Promise<void> {
  repository.push({ [`runs/${name}.yaml`]: nodeOp(name) });
  await loop.pollNow();
  store.finish('Completed');
  await loop.pollNow();
}

/** The record of a cluster in memory. */
class MemoryLedger implements LedgerStore {
  readonly parts = new Map<string, LedgerPart>();
  uid = 'cluster-1';
  writes = 0;

  identity(): Promise<string> {
    return Promise.resolve(this.uid);
  }

  read(): Promise<LedgerPart[]> {
    return Promise.resolve([...this.parts.values()]);
  }

  write({ name, version, data }: LedgerPart): Promise<LedgerPart | 'conflict'> {
    const known = this.parts.get(name);
    if (known?.version !== version) return Promise.resolve('conflict');
    const part = { name, version: String(++this.writes), data: { ...known?.data, ...data } };
    this.parts.set(name, part);
    return Promise.resolve(part);
  }

  remove(name: string): Promise<void> {
    this.parts.delete(name);
    return Promise.resolve();
  }
}

/** NodeOps in memory; tests play the controller with `finish`. */
export class MemoryStore implements NodeOpStore {
  readonly objects = new Map<string, NodeOp>();
  readonly ledger = new MemoryLedger();
  creations = 0;
  /** The log of every node. */
  output = 'one\r\n\u001b[31mtwo\u001b[0m\u0007\n';

  list(): NodeOp[] {
    return [...this.objects.values()];
  }

  get(namespace: string, name: string): Promise<NodeOp | undefined> {
    return Promise.resolve(this.objects.get(`${namespace}/${name}`));
  }

  create(manifest: Parameters<NodeOpStore['create']>[0]): Promise<NodeOp | 'exists'> {
    const key = `${manifest.metadata.namespace}/${manifest.metadata.name}`;
    if (this.objects.has(key)) return Promise.resolve('exists');
    this.creations++;
    const metadata = { ...manifest.metadata, uid: `uid-${this.creations}` };
    const nodeOp: NodeOp = { ...manifest, metadata, spec: manifest.spec as NodeOpSpec };
    this.objects.set(key, nodeOp);
    return Promise.resolve(nodeOp);
  }

  patch(namespace: string, name: string, patch: object): Promise<NodeOp> {
    const key = `${namespace}/${name}`;
    const patched = mergePatch(this.objects.get(key), patch) as NodeOp;
    this.objects.set(key, patched);
    return Promise.resolve(patched);
  }

  putStatus(nodeOp: NodeOp, status: NonNullable<NodeOp['status']>): Promise<NodeOp> {
    const put = { ...nodeOp, status };
    this.objects.set(`${nodeOp.metadata.namespace}/${nodeOp.metadata.name}`, put);
    return Promise.resolve(put);
  }

  onChange(): () => void {
    return () => undefined;
  }

  log(): Promise<string | undefined> {
    return Promise.resolve(this.output);
  }

  finish(phase: RolloutPhase): void {
    const at = '2030-01-01T00:00:00Z';
    for (const [key, nodeOp] of this.objects) {
      if (nodeOp.status?.phase !== undefined) continue;
      const node =
        phase === 'Failed' ? { phase, jobName: 'j', exitCode: 3 } : { phase: 'Completed', jobName: 'j' };
      const status = {
        phase,
        startedAt: at,
        completedAt: at,
        nodeStatuses: { n2: node, n1: { phase: 'Completed', jobName: 'j' } },
      };
      this.objects.set(key, { ...nodeOp, status: status as NonNullable<NodeOp['status']> });
    }
  }
}

export const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
};

export const nodeOp = (name: string, extra = '') => `apiVersion: operator.kairos.io/v1alpha1
kind: NodeOp
metadata:
  name: ${name}
spec:
  image: busybox
  command: [sh, -c, "true"]
${extra}`;

export const nodeOpRun = (spec: string) => `apiVersion: agent.nodeop.dev/v1alpha1
kind: NodeOpRun
spec:
${spec}`;
