import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { MemoryStore, silent, TestRepository } from './support.ts';

/** The two forms: a branch of the same repository, and another repository. */
export const FORMS = ['a branch', 'a repository'] as const;

export const NIGHTLY = `apiVersion: agent.nodeop.dev/v1alpha1
kind: NodeOpRun
metadata:
  name: nightly
spec:
  nodeOp: upgrade
  schedule: 0 3 * * *
  timeZone: UTC
`;

/** A repository of runs, and where their results go. */
export class Place implements Disposable {
  readonly repository = new TestRepository();
  readonly bare: string;
  readonly branch: string;
  readonly git: object;

  constructor(form: (typeof FORMS)[number]) {
    const { repository } = this;
    const other = join(repository.root, 'results.git');
    mkdirSync(other);
    repository.git(other, 'init', '-q', '-b', 'trunk', '--bare');
    const isBranch = form === 'a branch';
    this.bare = isBranch ? repository.bare : other;
    this.branch = isBranch ? 'reports' : 'main';
    this.git = { results: isBranch ? { branch: 'reports' } : { url: other } };
  }

  agent(
    store = new MemoryStore(),
    { dir = 'agent.git', ...changes }: { dir?: string; [key: string]: unknown } = {},
  ) {
    const git = { ...this.git, dir: join(this.repository.root, dir) };
    const config = this.repository.config({ ...changes, git });
    return { store, config, loop: new RepositoryLoop({ config, store, logger: silent }) };
  }

  read(path: string): string | undefined {
    return this.repository.read(path, this);
  }

  ref(): string {
    return this.repository.git(this.bare, 'rev-parse', `refs/heads/${this.branch}`).trim();
  }

  [Symbol.dispose](): void {
    this.repository[Symbol.dispose]();
  }
}
