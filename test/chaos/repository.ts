import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { dump, load } from 'js-yaml';
import type { NodeOpReport } from '../../src/api/report.ts';

const NAME = 'operations.git';

/** The repository on its server's disk, with people who work on the server itself: no network is in their way. */
export class Repository {
  readonly root: string;
  readonly bare: string;
  readonly isTampered = false;
  readonly isTidied = false;

  constructor(root: string) {
    this.root = root;
    this.bare = join(root, NAME);
    mkdirSync(root, { recursive: true });
    this.#git(['init', '--quiet', '--bare', '--initial-branch=main', this.bare], root);
    for (const setting of [
      'http.receivepack true',
      'uploadpack.allowFilter true',
      'gc.auto 0',
      'receive.autogc false',
    ])
      this.#git(['config', ...setting.split(' ')]);
  }

  begin(): Promise<void> {
    return this.#commit('begin', { 'README.md': 'operations\n' });
  }

  async merge(name: string, spec: object): Promise<void> {
    const manifest = { apiVersion: 'operator.kairos.io/v1alpha1', kind: 'NodeOp', metadata: { name }, spec };
    await this.#commit(`run ${name}`, { [`runs/${name}.yaml`]: dump(manifest) });
  }

  async revert(name: string): Promise<void> {
    if (this.holds(`${name}.yaml`))
      await this.#commit(`revert ${name}`, { [`runs/${name}.yaml`]: undefined });
  }

  holds(path: string): boolean {
    return this.#read(`runs/${path}`) !== undefined;
  }

  report(path: string): NodeOpReport | undefined {
    const text = this.#read(`results/${path}`);
    return text === undefined ? undefined : (load(text) as NodeOpReport);
  }

  /** What a server that was killed left behind is taken away by whoever keeps it. */
  tidy(): void {
    for (const file of readdirSync(this.bare, { recursive: true, encoding: 'utf8' }))
      if (file.endsWith('.lock')) rmSync(join(this.bare, file), { force: true });
  }

  branches(): string[] {
    return this.#git(['for-each-ref', '--format=%(refname)']).trim().split('\n');
  }

  #read(path: string): string | undefined {
    try {
      return this.#git(['cat-file', 'blob', `main:${path}`]);
    } catch {
      return undefined;
    }
  }

  /** On the tip, again when the agent was first. */
  async #commit(message: string, files: Record<string, string | undefined>): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const tip = this.#tip();
      const index = join(this.root, 'people.index');
      const env = { GIT_INDEX_FILE: index };
      rmSync(index, { force: true });
      if (tip !== undefined) this.#git(['read-tree', tip], this.bare, env);
      for (const [path, text] of Object.entries(files)) {
        if (text === undefined) this.#git(['update-index', '--force-remove', path], this.bare, env);
        else this.#add(path, text, env);
      }
      const tree = this.#git(['write-tree'], this.bare, env).trim();
      const parents = tip === undefined ? [] : ['-p', tip];
      const commit = this.#git(['commit-tree', tree, ...parents, '-m', message]).trim();
      try {
        this.#git(['update-ref', 'refs/heads/main', commit, tip ?? '']);
        return;
      } catch (error) {
        // Somebody was first, or holds the branch: a server that is paused, at worst.
        if (attempt === 100) throw error;
        // oxlint-disable-next-line no-await-in-loop -- one attempt after the other
        await sleep(200);
      }
    }
  }

  #add(path: string, text: string, env: NodeJS.ProcessEnv): void {
    const file = join(this.root, 'people.file');
    writeFileSync(file, text);
    const blob = this.#git(['hash-object', '-w', file]).trim();
    this.#git(['update-index', '--add', '--cacheinfo', `100644,${blob},${path}`], this.bare, env);
  }

  #tip(): string | undefined {
    try {
      return this.#git(['rev-parse', '--verify', '--quiet', 'refs/heads/main']).trim();
    } catch {
      return undefined;
    }
  }

  #git(args: readonly string[], cwd = this.bare, env: NodeJS.ProcessEnv = {}): string {
    const identity = { NAME: 'Ada', EMAIL: 'ada@example.org' };
    const people = Object.entries(identity).flatMap(([key, value]) =>
      ['AUTHOR', 'COMMITTER'].map((who) => [`GIT_${who}_${key}`, value]),
    );
    return execFileSync('git', [...args], {
      cwd,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], HOME: this.root, ...Object.fromEntries(people), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
}
