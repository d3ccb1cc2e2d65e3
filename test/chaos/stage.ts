import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { dump } from 'js-yaml';
import { SSHD, SshServer } from '../git/support/sshd.ts';
import type { Random } from '../simulation/world/random.ts';
import { freePort } from '../support/free-port.ts';
import { type Cluster, embedded, isReal, real } from './cluster.ts';
import { HttpLink } from './http-link.ts';
import type { Plan, Victim } from './plan.ts';
import { Managed } from './processes.ts';
import { Repository } from './repository.ts';
import { TcpLink } from './tcp-link.ts';
import { Weather } from './weather.ts';

const PROJECT = resolve(import.meta.dirname, '../..');
const BUNDLE = join(PROJECT, 'dist/nodeop-agent.js');
const GIT_SERVER = join(import.meta.dirname, 'servers/git-server.ts');

/** All processes of one history, with a link before each server. Everything of theirs lies in one folder. */
export class Stage {
  readonly folder: string;
  /** Of the NodeOps and the Lease: another one for each history, so that none finds what others left. */
  readonly namespace: string;
  readonly repository: Repository;
  readonly weather: { api: Weather; git: Weather };
  readonly #plan: Plan;
  readonly #processes = new Map<Victim, Managed>();
  readonly #links: (HttpLink | TcpLink)[] = [];
  #cluster: Cluster | undefined;

  constructor(folder: string, plan: Plan, random: Random) {
    this.folder = folder;
    this.#plan = plan;
    this.namespace = `nodeop-chaos-${plan.seed}`;
    mkdirSync(folder, { recursive: true });
    this.repository = new Repository(join(folder, 'git'));
    this.weather = { api: new Weather(random.fork()), git: new Weather(random.fork()) };
  }

  get cluster(): Cluster {
    if (this.#cluster === undefined) throw new Error('there is no cluster yet');
    return this.#cluster;
  }

  get agents(): Managed[] {
    return [...this.#processes].flatMap(([name, it]) => (name.startsWith('agent') ? [it] : []));
  }

  process(name: Victim): Managed | undefined {
    return this.#processes.get(name);
  }

  /** Everything but the agents. */
  async start(): Promise<void> {
    await this.repository.begin();
    this.#cluster = isReal()
      ? await real(this.folder, this.namespace)
      : await embedded(this.folder, this.namespace, this.#plan.nodes);
    this.#processes.set('API server', this.#cluster.server);
    const api = new HttpLink(this.#cluster.url, this.weather.api);
    const git = await (this.#plan.transport === 'ssh' ? this.#ssh() : this.#http());
    this.#links.push(api);
    const kubeconfig = join(this.folder, 'kubeconfig');
    writeFileSync(kubeconfig, kubeconfigOf(`http://127.0.0.1:${await api.start()}`));
    for (let i = 0; i < this.#plan.replicas; i += 1)
      this.#agent(i as 0 | 1, { ...git, insecure: true }, kubeconfig);
  }

  startAgents(): void {
    for (const agent of this.agents) agent.start();
  }

  /** A clone may be lost at any time. */
  loseDisk(agent: number): void {
    rmSync(this.#disk(agent), { recursive: true, force: true });
  }

  async stop(): Promise<void> {
    for (const one of this.#processes.values()) one.kill();
    this.#cluster?.stop();
    await Promise.all(this.#links.map((link) => link.stop()));
  }

  async #http(): Promise<object> {
    const port = await freePort();
    const command = [process.execPath, GIT_SERVER, String(port), this.repository.root];
    this.#gitServer(command);
    const link = new HttpLink(`http://localhost:${port}`, this.weather.git);
    this.#links.push(link);
    return { url: `http://127.0.0.1:${await link.start()}/operations.git` };
  }

  async #ssh(): Promise<object> {
    const server = new SshServer(this.folder, await freePort());
    server.makeKey('agent');
    this.#gitServer([SSHD, ...server.configure(['agent'])]);
    const link = new TcpLink(server.port, this.weather.git);
    this.#links.push(link);
    const port = await link.start();
    const ssh = { keyFile: server.file('agent'), knownHostsFile: server.knownHosts('host', port) };
    return { url: server.url(this.repository.bare, port), access: { ssh } };
  }

  #gitServer(command: readonly string[]): void {
    const server = new Managed('Git server', command, { log: join(this.folder, 'git-server.log') });
    this.#processes.set('Git server', server);
    server.start();
  }

  #agent(index: 0 | 1, git: object, kubeconfig: string): void {
    const config = {
      apiVersion: 'agent.nodeop.dev/v1alpha1',
      kind: 'AgentConfig',
      git: {
        ...git,
        dir: this.#disk(index),
        poll: { schedule: '*/2 * * * * *', jitter: '0s' },
        timeout: '20s',
      },
      kubernetes: { kubeconfig, namespace: this.namespace },
      runs: { initial: 'execute', maxConcurrent: 3 },
      defaults: { image: 'busybox:latest' },
      report: { interval: '1s' },
    };
    const file = join(this.folder, `agent-${index}.yaml`);
    writeFileSync(file, dump(config));
    const env = { PATH: process.env['PATH'], HOME: this.folder, KUBECONFIG: '' };
    const log = join(this.folder, `agent-${index}.log`);
    const command = [process.execPath, BUNDLE, 'start', '--config', file];
    this.#processes.set(`agent ${index}`, new Managed(`agent ${index}`, command, { log, env }));
  }

  #disk(agent: number): string {
    return join(this.folder, `clone-${agent}.git`);
  }
}

function kubeconfigOf(server: string): string {
  const cluster = { server, 'insecure-skip-tls-verify': true };
  return dump({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'chaos',
    clusters: [{ name: 'chaos', cluster }],
    users: [{ name: 'chaos', user: {} }],
    contexts: [{ name: 'chaos', context: { cluster: 'chaos', user: 'chaos' } }],
  });
}
