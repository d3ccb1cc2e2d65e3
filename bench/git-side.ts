import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import { pino } from 'pino';
import { RepositoryLoop } from '../src/agent/repository/loop.ts';
import { SnapshotReader } from '../src/agent/repository/snapshot-reader.ts';
import { AgentConfigSchema, type AgentConfig } from '../src/api/config.ts';
import type { NodeOp } from '../src/api/nodeop.ts';
import type { LedgerPart } from '../src/core/runs/ledger.ts';
import type { NodeOpStore } from '../src/core/ports.ts';
import { mirrorOf } from '../src/git/mirror.ts';
import { writeFiles } from '../src/git/write.ts';
import { cronTimetable } from '../src/time/timetable.ts';
import { type BenchRepository, git, report, runFile } from './repository.ts';
import { medianBy, repeat } from './row.ts';

/** Milliseconds of the agent and of the bare git commands that cannot be avoided. */
export interface Pair {
  own: number;
  floor: number;
}

export type Measure = (repository: BenchRepository, runs: number) => Promise<Pair>;

function configOf(repository: BenchRepository, clone: string): AgentConfig {
  return AgentConfigSchema.parse({
    apiVersion: 'agent.nodeop.dev/v1alpha1',
    kind: 'AgentConfig',
    git: { url: repository.bare, dir: join(repository.root, clone), poll: { schedule: '0 0 0 1 1 *' } },
    runs: { initial: 'execute', maxConcurrent: 1000 },
    ...(repository.cluster !== undefined && { cluster: repository.cluster }),
  });
}

/** Without what can be avoided: upkeep of the clone. */
const FETCH = ['fetch', '--quiet', '--no-tags', '--no-auto-maintenance'];
const MAIN = '+refs/heads/main:refs/heads/main';

/** Until everything is known, against a clone without contents. */
export async function firstClone(repository: BenchRepository, runs: number): Promise<Pair> {
  const layout = { nodeops: 'nodeops', runs: 'runs', results: 'results', cluster: repository.cluster };
  return median(runs, async (run) => {
    const bare = [
      'clone',
      '--quiet',
      '--bare',
      '--filter=blob:none',
      '--single-branch',
      `file://${repository.bare}`,
      `bare-${run}`,
    ];
    const floor = await milliseconds(() => git(repository.root, bare));
    const own = await milliseconds(async () => {
      const { signal } = new AbortController();
      const mirror = mirrorOf(configOf(repository, `cold-${run}`).git, signal);
      const tip = (await mirror.runs.fetch()) ?? '';
      await new SnapshotReader(mirror, layout).read({ runs: tip, results: tip });
    });
    return { own, floor };
  });
}

/** One is short, so that many of them tell more. */
const POLLS = 20;

export async function idle(repository: BenchRepository, runs: number): Promise<Pair> {
  const loop = loopOn(configOf(repository, 'idle'), new Store());
  const bare = bareClone(repository, 'idle-bare');
  await loop.pollNow();
  const pair = await median(runs * POLLS, async () => ({
    floor: await milliseconds(() => git(bare, [...FETCH, 'origin', MAIN])),
    own: await milliseconds(() => loop.pollNow()),
  }));
  await loop.stop();
  return pair;
}

/** From the moment a merge is on the branch until its NodeOp is there; the agent watches the path. */
export async function detect(repository: BenchRepository, runs: number): Promise<Pair> {
  const store = new Store();
  const loop = loopOn(configOf(repository, 'detect'), store);
  const bare = bareClone(repository, 'detect-bare');
  await loop.start(cronTimetable());
  const pair = await median(runs, async (run) => {
    const path = `runs/new-${run}.yaml`;
    const created = once(store.events, 'created');
    repository.commit(path, runFile(`new-${run}`));
    const own = await milliseconds(() => created);
    // What it reports of the run is pushed, so that both have the same to fetch.
    await loop.pollNow();
    repository.commit(`other-${run}`, 'x');
    const floor = await milliseconds(() => {
      git(bare, [...FETCH, 'origin', MAIN]);
      git(bare, ['cat-file', 'blob', `main:${path}`]);
    });
    return { own, floor };
  });
  await loop.stop();
  return pair;
}

/** A report that is there already gets another text: commit and push. */
export async function reports(repository: BenchRepository, runs: number): Promise<Pair> {
  const { signal } = new AbortController();
  const branch = mirrorOf(configOf(repository, 'report').git, signal).runs;
  const bare = bareClone(repository, 'report-bare');
  const path = repository.reportOf(0);
  const options = { author: { name: 'agent', email: 'agent@example.org' }, now: () => new Date() };
  const commit = (text: string) => {
    const lines = [
      'commit refs/heads/work',
      'committer Ada <ada@example.org> 1700000000 +0000',
      'data 4\nbare',
      'from refs/heads/main^0',
      `M 100644 inline ${path}\ndata ${Buffer.byteLength(text)}\n${text}`,
      'done\n',
    ];
    git(bare, ['fast-import', '--quiet', '--force', '--done'], lines.join('\n'));
    git(bare, ['push', '--quiet', 'origin', 'refs/heads/work:refs/heads/main']);
  };
  return median(runs, async (run) => {
    const text = (by: string) =>
      report(repository.pathOf(0), repository.cluster).replace('phase:', `message: ${by} ${run}\n  phase:`);
    const measures = {
      own: async () => {
        await branch.fetch();
        const files = new Map([[path, text('own')]]);
        return milliseconds(() => writeFiles(branch, files, 'own', options));
      },
      floor: async () => {
        git(bare, [...FETCH, 'origin', MAIN]);
        return milliseconds(() => commit(text('bare')));
      },
    };
    // Each push leaves the remote with more to look at, so they take turns in being first.
    if (run % 2 === 0) return { own: await measures.own(), floor: await measures.floor() };
    const floor = await measures.floor();
    return { own: await measures.own(), floor };
  });
}

/** Without contents, as the agent's: with all of them git takes longer for the same. */
function bareClone(repository: BenchRepository, name: string): string {
  const args = ['clone', '--quiet', '--bare', '--filter=blob:none', '--single-branch'];
  git(repository.root, [...args, `file://${repository.bare}`, name]);
  return join(repository.root, name);
}

function loopOn(config: AgentConfig, store: Store): RepositoryLoop {
  return new RepositoryLoop({ config, store, logger: pino({ level: 'error' }) });
}

/** A cluster that takes every NodeOp and never works on one. */
class Store implements NodeOpStore {
  readonly ledger = {
    identity: () => Promise.resolve('bench'),
    read: () => Promise.resolve([]),
    write: (part: LedgerPart) => Promise.resolve({ ...part, version: '1' }),
    remove: () => Promise.resolve(),
  };
  readonly events = new EventEmitter();
  private readonly nodeOps = new Map<string, NodeOp>();

  list(): NodeOp[] {
    return [...this.nodeOps.values()];
  }

  get(_namespace: string, name: string): Promise<NodeOp | undefined> {
    return Promise.resolve(this.nodeOps.get(name));
  }

  putStatus(nodeOp: NodeOp): Promise<NodeOp> {
    return Promise.resolve(nodeOp);
  }

  create(manifest: Parameters<NodeOpStore['create']>[0]): Promise<NodeOp> {
    const nodeOp = manifest as NodeOp;
    this.nodeOps.set(nodeOp.metadata.name ?? '', nodeOp);
    this.events.emit('created');
    return Promise.resolve(nodeOp);
  }

  patch(): Promise<NodeOp> {
    return Promise.reject(new Error('nothing is to be patched'));
  }

  onChange(): () => void {
    return () => undefined;
  }

  log(): Promise<undefined> {
    return Promise.resolve(undefined);
  }
}

async function median(runs: number, measure: (run: number) => Promise<Pair>): Promise<Pair> {
  return medianBy(await repeat(runs, measure), ({ own, floor }) => own / floor);
}

export async function milliseconds(work: () => unknown): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
