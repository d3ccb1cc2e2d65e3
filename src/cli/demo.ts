import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { dump } from 'js-yaml';
import packageJson from '../../package.json' with { type: 'json' };
import { servePage } from '../agent/page/serve.ts';
import { GitCommand } from '../git/command.ts';
import { Agent } from '../agent/agent.ts';
import { createLogger } from '../agent/logger.ts';
import { AGENT_API_VERSION } from '../api/config.ts';
import { type Sim, startSim } from '../sim/index.ts';
import { pause } from '../time/backoff.ts';
import { systemClock } from '../time/clock.ts';
import { accessOf, ReadOnlyCluster } from './cluster.ts';
import { loadConfig } from './load-config.ts';
import { followCommits, followNodeOps } from './demo/follow.ts';
import { serveHealth } from './demo/health.ts';
import { planOf } from './demo/plan.ts';
import type { Scenario } from './demo/scenario.ts';
import { SCENARIOS } from './demo/scenarios.ts';
import { columns, print, printData, prose, untilSignal } from './terminal.ts';

interface DemoFlags {
  scenario: keyof typeof SCENARIOS;
  keep: boolean;
}

export function demoCommand(): Command {
  return new Command('demo')
    .description('a whole rollout on this machine: a repository, five nodes, a run file, a report')
    .addOption(
      new Option('--scenario <name>', 'what to show').choices(Object.keys(SCENARIOS)).default('config'),
    )
    .option('--keep', 'go on afterwards until Ctrl-C, to add run files by hand', false)
    .addHelpText('after', prose('\nExample:\n  nodeop-agent demo --scenario firmware --keep'))
    .action(async (flags: DemoFlags) => new Demo(flags.scenario, flags.keep).run());
}

const GIT_MS = 30_000;

/** One demonstration: everything lies in one folder, which is taken away at the end. */
class Demo {
  private readonly name: keyof typeof SCENARIOS;
  private readonly scenario: Scenario;
  private readonly keep: boolean;
  private readonly dir = mkdtempSync(join(tmpdir(), 'nodeop-demo-'));
  private readonly bare = join(this.dir, 'operations.git');
  private readonly clone = join(this.dir, 'operations');
  private readonly over = Promise.withResolvers<void>();
  private readonly ended = new AbortController();
  private page: { url: string; close: () => Promise<void> } | undefined;

  constructor(name: keyof typeof SCENARIOS, keep: boolean) {
    this.name = name;
    this.scenario = SCENARIOS[name];
    this.keep = keep;
  }

  async run(): Promise<void> {
    const sim = await startSim({ nodes: 5, dir: join(this.dir, 'nodes'), bootMs: 1_000, jobBackoffMs: 200 });
    const kubeconfig = join(this.dir, 'kubeconfig');
    writeFileSync(kubeconfig, sim.kubeconfig, { mode: 0o600 });
    const monitoring = await this.startMonitoring();
    const config = await this.writeConfig(kubeconfig, monitoring?.url);
    const agent = new Agent(config, createLogger('error'));
    const signal = untilSignal();
    try {
      await Promise.race([this.show(sim, agent, { kubeconfig, monitoring: monitoring?.url ?? '' }), signal]);
    } finally {
      this.ended.abort();
      await this.page?.close();
      await agent.stop();
      await monitoring?.close();
      await sim.stop();
      rmSync(this.dir, { recursive: true, force: true, maxRetries: 5 });
    }
  }

  private async startPage(kubeconfig: string): Promise<{ url: string; close: () => Promise<void> }> {
    const cluster = new ReadOnlyCluster({ kubeconfig });
    const branch = 'refs/heads/main';
    const { url, close } = await servePage({
      client: cluster.client,
      clock: systemClock,
      version: packageJson.version,
      port: 0,
      namespace: 'nodeop-system',
      lease: 'nodeop-agent',
      layout: { nodeops: 'nodeops', runs: 'runs', results: 'results' },
      repository: { dir: this.bare, runs: branch, results: branch },
      access: accessOf({ kubeconfig }),
      // What is taken away at the end may be missed by what still reads it.
      onError: () => undefined,
    });
    const closeAll = async () => {
      await close();
      await cluster.close();
    };
    return { url, close: closeAll };
  }

  private async startMonitoring() {
    const { answers } = this.scenario;
    if (!answers) return undefined;
    return serveHealth(answers, ({ status, body }) => {
      print(`         monitoring is asked, and answers ${status} ${JSON.stringify(body)}`);
    });
  }

  private async show(
    sim: Sim,
    agent: Agent,
    { kubeconfig, monitoring }: { kubeconfig: string; monitoring: string },
  ): Promise<void> {
    this.scenario.prepare(sim);
    const git = await this.makeRepository();
    this.page = await this.startPage(kubeconfig);
    print(`Look at it in a browser as it goes: ${this.page.url}\n`);
    await agent.start();
    const { title, file } = this.scenario;
    const run = this.scenario.run(monitoring);
    print(`${title}\n\nA cluster of 5 nodes and a repository are up. A pull request adds one run file:\n`);
    printData(indent(run));
    this.write(file, run);
    const width = columns();
    const plan = await planOf(kubeconfig, this.clone, file, width && width - INDENT.length);
    printData(`What merging it would do, says nodeop-agent plan:\n\n${indent(plan)}`);
    print('It is merged. What the agent does, second by second:\n');
    const unfollow = followNodeOps(sim, print, (status) => {
      this.scenario.react?.(sim, status);
      if (status.completedAt !== undefined) this.over.resolve();
    });
    await this.commit(git, file, run, 'Roll out after review (#1)');
    await this.over.promise;
    await this.showReport(git);
    print(this.whatNext());
    if (this.keep) await this.goOn();
    unfollow();
  }

  /** Until Ctrl-C: what becomes of run files that are added by hand. */
  private async goOn(): Promise<void> {
    const bare = new GitCommand({ dir: this.bare, timeoutMs: GIT_MS });
    await followCommits(bare, 'main', print, this.ended.signal);
  }

  private write(file: string, text: string): void {
    mkdirSync(join(this.clone, file, '..'), { recursive: true });
    writeFileSync(join(this.clone, file), text);
  }

  private async makeRepository(): Promise<GitCommand> {
    mkdirSync(this.clone, { recursive: true });
    const here = new GitCommand({ dir: this.dir, timeoutMs: GIT_MS });
    await here.text(['init', '--quiet', '--bare', '--initial-branch=main', this.bare]);
    await here.text(['clone', '--quiet', this.bare, this.clone]);
    const git = new GitCommand({ dir: this.clone, timeoutMs: GIT_MS });
    await git.text(['config', 'user.name', 'Ada Engineer']);
    await git.text(['config', 'user.email', 'ada@example.org']);
    await this.commit(
      git,
      'README.md',
      '# Operations\n\nAdd a file under runs/ to do something to the nodes.\n',
      'Begin',
    );
    return git;
  }

  private async commit(git: GitCommand, file: string, text: string, message: string): Promise<void> {
    this.write(file, text);
    await git.text(['add', '--', file]);
    await git.text(['commit', '--quiet', '-m', message]);
    await git.text(['pull', '--quiet', '--rebase', 'origin', 'main']).catch(() => '');
    await git.text(['push', '--quiet', 'origin', 'HEAD:main']);
  }

  private async writeConfig(kubeconfig: string, monitoring: string | undefined) {
    const file = join(this.dir, 'agent.yaml');
    const config = {
      apiVersion: AGENT_API_VERSION,
      kind: 'AgentConfig',
      git: {
        url: this.bare,
        dir: join(this.dir, 'agent.git'),
        poll: { schedule: '*/5 * * * * *', jitter: '0s' },
      },
      kubernetes: { kubeconfig },
      report: { interval: '3s' },
      ...(monitoring !== undefined && { checks: { allowedHosts: [monitoring] } }),
    };
    writeFileSync(file, dump(config));
    return loadConfig(file);
  }

  private async showReport(git: GitCommand): Promise<void> {
    const report = this.scenario.file.replace(/^runs/, 'results');
    while (!this.ended.signal.aborted) {
      // oxlint-disable-next-line no-await-in-loop -- the next look comes after the last one
      await git.text(['pull', '--quiet', '--rebase', 'origin', 'main']).catch(() => '');
      const text = readIfThere(join(this.clone, report));
      if (/^ {2}phase: (Completed|Failed|Cancelled|Invalid)$/m.test(text)) {
        printData(`\nThe agent has committed ${report}:\n\n${indent(text)}`);
        break;
      }
      // oxlint-disable-next-line no-await-in-loop
      await pause(systemClock, 200, this.ended.signal);
    }
    print(`The log of the repository:\n\n${indent(await git.text(['log', '--oneline']))}`);
  }

  private whatNext(): string {
    const { dir, clone } = this;
    if (!this.keep) {
      const { name } = this;
      const again = `npm run demo -- --keep${name === 'config' ? '' : ` --scenario ${name}`}`;
      return `All of it is taken away again. To go on by hand, and look at everything: ${again}`;
    }
    return [
      `Everything lies in ${dir}. Now it is your turn, in another terminal:`,
      `  cd ${clone} && git pull`,
      `  cp ${this.scenario.file} runs/second.yaml`,
      `  git add runs && git commit -m 'Again' && git push`,
      `  kubectl --kubeconfig ${join(dir, 'kubeconfig')} get nodes,nodeops,jobs,pods -A`,
      'What becomes of it is shown here; then: git pull; cat results/second.yaml. Ctrl-C ends the demonstration.\n',
    ].join('\n');
  }
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

const INDENT = '    ';

function indent(text: string): string {
  return text.trimEnd().replaceAll(/^(?=.)/gm, INDENT) + '\n';
}
