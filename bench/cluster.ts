import { type ChildProcess, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClusterCalls, ClusterOptions } from './cluster-process.ts';
import { ended, Remote, startAgent } from './process.ts';

/** An embedded cluster and an agent on it, each in a process of its own. */
export class Stage {
  readonly cluster = new Remote<ClusterCalls>('./cluster-process.ts');
  url = '';
  agent: ChildProcess | undefined;
  private readonly dir = mkdtempSync(join(tmpdir(), 'nodeop-bench-'));

  static async start(options: ClusterOptions): Promise<Stage> {
    const stage = new Stage();
    const { kubeconfig, url } = await stage.cluster.call('start', options);
    stage.url = url;
    writeFileSync(join(stage.dir, 'kubeconfig'), kubeconfig);
    stage.writeRepository();
    return stage;
  }

  /** Starts the agent and waits until it works: it carries out a rollout over no node. */
  async startAgent(): Promise<number> {
    this.agent = startAgent(join(this.dir, 'agent.yaml'));
    await this.cluster.call('rollout', `warm-${this.agent.pid}`, {
      image: 'busybox',
      command: ['true'],
      nodeSelector: { matchLabels: { none: 'such' } },
    });
    return this.pid;
  }

  launchAgent(): void {
    this.agent = startAgent(join(this.dir, 'agent.yaml'));
  }

  get pid(): number {
    return this.agent?.pid ?? 0;
  }

  async stopAgent(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.agent) await ended(this.agent, signal);
    this.agent = undefined;
  }

  async stop(): Promise<void> {
    await this.stopAgent();
    await this.cluster.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }

  private writeRepository(): void {
    const bare = join(this.dir, 'operations.git');
    execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', bare]);
    const config = {
      apiVersion: 'agent.nodeop.dev/v1alpha1',
      kind: 'AgentConfig',
      git: { url: bare, dir: join(this.dir, 'agent.git') },
      kubernetes: { kubeconfig: join(this.dir, 'kubeconfig'), leaderElection: { enabled: false } },
      log: { level: process.env['BENCH_LOG'] ?? 'error' },
    };
    writeFileSync(join(this.dir, 'agent.yaml'), JSON.stringify(config));
  }
}
