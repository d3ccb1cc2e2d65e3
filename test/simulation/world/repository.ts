import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { dump, load } from 'js-yaml';
import { type AgentConfig, AgentConfigSchema } from '../../../src/api/config.ts';
import type { NodeOpReport } from '../../../src/api/report.ts';
import { TestRepository } from '../../runs/support.ts';
import { KUBECONFIG } from './kubeconfig.ts';
import { damage, type DiskFault, fill } from './disks.ts';
import type { ClusterName, OpPlan, Plan } from './plan.ts';
import { follow, unfollow } from './git.ts';
import { hostOf } from './services.ts';
import type { VirtualTime } from './time.ts';

/** What goes wrong with the remote, or with the clone of one replica. */
export type GitFault =
  | DiskFault
  | 'away'
  | 'refused'
  | 'rewritten'
  | 'results removed'
  /** The branch is at an earlier commit for a while: a mirror that lags. */
  | 'went back'
  /** The push takes effect, and its sender is not told. */
  | 'answer lost'
  /** Somebody makes reports say that their runs were never valid, or went well. */
  | 'reports edited';

/** All names that operations have. */
const OPS = ['op-1', 'op-2', 'op-3'];

/** What people make of a report. */
const EDITS: readonly ((report: string) => string)[] = [
  (it) => it.replace(/^( {2}phase:) \w+/m, '$1 Invalid').replace(/^( {2}blob:) \w+/m, "$1 '0000'"),
  (it) => it.replace(/^( {2}phase:) \w+/m, '$1 Completed'),
  // Nobody can read it any more: that is no text.
  (it) => it.replace(/^( {2}phase:) \w+/m, '$1 Invalid').replace(/^( {2}blob:) \w+/m, '$1 0000'),
  (it) => it.replace(/^( {2}phase:) \w+/m, '$1 Invalid'),
];

/** The operations repository with the people who work in it, by the real git. Its folders go with `dispose`. */
export class Repository implements Disposable {
  readonly #git = new TestRepository();
  readonly #time: VirtualTime;
  /** Of all its agents. */
  readonly #clones = new Set<string>();
  /** As others reach it: not as a folder of this machine, whose changes an agent would see at once. */
  readonly #url: string;

  readonly #clusters: readonly ClusterName[];

  /** @param clusters names of those that follow it, where there are several */
  constructor(
    time: VirtualTime,
    clusters: readonly ClusterName[] = [],
    { knowsNoFilters = false }: Pick<Plan, 'knowsNoFilters'> = {},
  ) {
    this.#time = time;
    this.#clusters = clusters;
    // What is pushed over stays, for those who look at who wrote what.
    const settings = `[core]\n\tlogAllRefUpdates = always\n[uploadpack]\n\tallowFilter = ${!knowsNoFilters}\n`;
    appendFileSync(join(this.#git.bare, 'config'), settings);
    this.#url = join(this.#git.root, 'remote');
    mkdirSync(this.#url);
    writeFileSync(join(this.#url, '.git'), `gitdir: ${this.#git.bare}\n`);
    this.#people(() => this.#git.push({ 'README.md': 'operations\n' }, 'begin'));
  }

  config(replica: number, cluster: ClusterName | undefined): AgentConfig {
    const dir = this.#clone(replica, cluster);
    this.#clones.add(dir);
    follow(dir, { bare: this.#git.bare, isShared: cluster !== undefined });
    return AgentConfigSchema.parse({
      apiVersion: 'agent.nodeop.dev/v1alpha1',
      kind: 'AgentConfig',
      ...(cluster === undefined ? {} : { cluster }),
      git: {
        author: { name: authorOf(cluster) },
        url: this.#url,
        dir,
        poll: { schedule: '*/30 * * * * *', jitter: '1s' },
      },
      kubernetes: {
        kubeconfig: KUBECONFIG,
        leaderElection: { leaseDuration: '45s', renewDeadline: '30s', retryPeriod: '10s' },
      },
      report: { interval: '30s' },
      checks: { allowedHosts: OPS.map(hostOf) },
    });
  }

  #clone(replica: number, cluster: ClusterName | undefined): string {
    return join(this.#git.root, `clone-${cluster ?? ''}${replica}.git`);
  }

  /** One with a window, or of some clusters, runs a definition: only a run of one can have these. */
  merge({ name, spec, window, clusters }: OpPlan): void {
    const manifest = dump({
      apiVersion: 'operator.kairos.io/v1alpha1',
      kind: 'NodeOp',
      metadata: { name },
      spec,
    });
    const run = dump({
      apiVersion: 'agent.nodeop.dev/v1alpha1',
      kind: 'NodeOpRun',
      metadata: { name },
      spec: {
        nodeOp: name,
        ...(window === undefined ? {} : { window: JSON.parse(window) as object }),
        ...(clusters === undefined ? {} : { clusters }),
      },
    });
    const files =
      window === undefined && clusters === undefined
        ? { [`runs/${name}.yaml`]: manifest }
        : { [`nodeops/${name}.yaml`]: manifest, [`runs/${name}.yaml`]: run };
    this.#people(() => this.#git.push(files, `run ${name}`));
  }

  revert(path: string): void {
    this.#people(() => this.#git.remove(`runs/${path}`));
  }

  holds(path: string): boolean {
    return this.#git.read(`runs/${path}`) !== undefined;
  }

  #isKnown = false;

  /** Whether the agents of all clusters have put on record what was there before they came. */
  get isKnown(): boolean {
    const folders = this.#clusters.length === 0 ? [undefined] : this.#clusters;
    this.#isKnown ||= folders.every((it) => this.#git.read(`${resultsOf(it)}/.baseline.yaml`) !== undefined);
    return this.#isKnown;
  }

  /** As it is on the remote, whether or not that can be reached. */
  report(path: string, cluster?: ClusterName): NodeOpReport | undefined {
    const text = this.#git.read(`${resultsOf(cluster)}/${path}`, { bare: this.#there });
    return text === undefined ? undefined : (load(text) as NodeOpReport);
  }

  get #there(): string {
    const away = `${this.#git.bare}.away`;
    return existsSync(away) ? away : this.#git.bare;
  }

  /** What was pushed, and is not in the branch any more though neither people nor the host took it away. */
  lost(): string[] {
    const kept = ['--not', 'main', ...this.#takenAway];
    const log = this.#git.git(this.#there, 'log', '--all', '--reflog', '--format=%cn: %s', ...kept);
    const lines = log.split('\n').filter((line) => line !== '');
    return lines.map((line) => `somebody pushed over a commit of ${line}`);
  }

  /** What agents wrote outside of the folder of their own cluster, in all there ever was. */
  strangers(): string[] {
    if (this.#clusters.length === 0) return [];
    const log = this.#git.git(this.#there, 'log', '--all', '--reflog', '--format=%x00%cn', '--name-only');
    return log.split('\0').flatMap((commit) => {
      const [author, ...files] = commit.split('\n').filter((line) => line !== '');
      const cluster = this.#clusters.find((it) => authorOf(it) === author);
      const strange = files.filter(
        (file) => cluster !== undefined && !file.startsWith(`${resultsOf(cluster)}/`),
      );
      return strange.map((file) => `the agent of ${cluster} writes ${file}`);
    });
  }

  /** Whether people have changed or removed reports, or the history that they are in. */
  isTampered = false;
  /** Tips of the branch from which people or the host went back. */
  readonly #takenAway: string[] = [];
  /** Reports of runs that are over, and of which nothing is left in the cluster, are not written again. */
  isTidied = false;

  /** @param replica of that cluster, whose clone it is where it is about one */
  fault(what: GitFault, ms: number, replica: number, cluster: ClusterName | undefined): void {
    const clone = this.#clone(replica, cluster);
    if (['rewritten', 'results removed', 'reports edited'].includes(what)) this.isTampered = true;
    switch (what) {
      case 'went back':
        return this.#goBack(ms);
      case 'reports edited':
        return this.#people(() => this.#editReports(EDITS[Math.floor(ms / 1000) % EDITS.length] ?? String));
      case 'away':
        return this.#goAway(ms);
      case 'refused':
        this.#hook('#!/bin/sh\necho "the branch is protected" >&2\nexit 1\n');
        this.#time.after(ms, () => this.#hook(undefined));
        return;
      case 'answer lost':
        this.#hook('#!/bin/sh\nkill -9 $PPID\n', 'post-receive');
        this.#time.after(ms, () => this.#hook(undefined, 'post-receive'));
        return;
      case 'rewritten':
        return this.#people(() => {
          this.#git.pull();
          if (this.#git.commits() < 3) return;
          this.#takesAway();
          this.#git.git(this.#git.clone, 'reset', '-q', '--hard', 'HEAD~1');
          this.#git.git(this.#git.clone, 'push', '-q', '--force', 'origin', 'main');
        });
      case 'results removed':
        this.isTidied = true;
        return this.#people(() => {
          this.#git.pull();
          rmSync(join(this.#git.clone, 'results'), { recursive: true, force: true });
          this.#git.push({}, 'tidy up');
        });
      case 'disk full':
        this.#time.after(ms, fill(clone));
        return;
      case 'clone lost':
      case 'clone corrupt':
      case 'locked':
      case 'objects lost':
      case 'objects torn':
      case 'refs torn':
        return damage(clone, what);
    }
  }

  /** Of several times at once the last one ends it. */
  #goAway(ms: number): void {
    const { bare } = this.#git;
    if (this.#there === bare) renameSync(bare, `${bare}.away`);
    this.#awayUntil = Math.max(this.#awayUntil, this.#time.now + ms);
    this.#time.after(ms, () => {
      if (this.#time.now === this.#awayUntil) renameSync(`${bare}.away`, bare);
    });
  }

  #awayUntil = 0;

  #takesAway(): void {
    this.#takenAway.push(this.#git.git(this.#there, 'rev-parse', 'main').trim());
  }

  /** To before the last change of run files. */
  #goBack(ms: number): void {
    const set = (commit: string) => {
      this.#takesAway();
      this.#git.git(this.#there, 'update-ref', 'refs/heads/main', commit);
    };
    try {
      const was = this.#git.git(this.#there, 'rev-parse', 'main').trim();
      const change = this.#git.git(this.#there, 'log', '-1', '--format=%H', 'main', '--', 'runs').trim();
      if (change === '') return;
      set(`${change}~1`);
      this.#time.after(ms, () => set(was));
    } catch {
      // There is nothing yet, or nothing before it.
    }
  }

  #editReports(edit: (report: string) => string): void {
    this.#git.pull();
    const folder = join(this.#git.clone, 'results');
    const names = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [];
    for (const file of names.filter((it) => /(?:^|\/)op-[^/]+$/.test(it))) {
      const text = readFileSync(join(folder, file), 'utf8');
      writeFileSync(join(folder, file), edit(text));
    }
    this.#git.push({}, 'as if it had been otherwise');
  }

  #hook(text: string | undefined, name = 'pre-receive'): void {
    const hook = join(this.#git.bare, 'hooks', name);
    if (text === undefined) return rmSync(hook, { force: true });
    mkdirSync(join(this.#git.bare, 'hooks'), { recursive: true });
    writeFileSync(hook, text);
    chmodSync(hook, 0o755);
  }

  /** People wait for a remote that is away; here they give up. */
  #people(work: () => void): void {
    this.#git.date = new Date(this.#time.now).toISOString();
    this.#git.authorDate = this.#git.date;
    try {
      work();
    } catch {
      // Refused, or away.
    }
  }

  [Symbol.dispose](): void {
    for (const clone of this.#clones) unfollow(clone);
    this.#git[Symbol.dispose]();
  }
}

function resultsOf(cluster: ClusterName | undefined): string {
  return cluster === undefined ? 'results' : `results/${cluster}`;
}

function authorOf(cluster: ClusterName | undefined): string {
  return `agent of ${cluster ?? 'all'}`;
}
