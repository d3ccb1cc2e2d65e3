import { Command, Option } from 'commander';
import { Agent, placeFrom } from '../agent/agent.ts';
import { createLogger } from '../agent/logger.ts';
import { Patience } from '../agent/patience.ts';
import { TransientError } from '../api/errors.ts';
import { isFinalPhase } from '../api/nodeop.ts';
import { durationMs } from '../api/schema.ts';
import { pause } from '../kube/backoff.ts';
import { labelOf, runPathOf } from './find-run.ts';
import { loadConfig } from './load-config.ts';
import { durationText, print } from './terminal.ts';

export function onceCommand(): Command {
  return new Command('once')
    .description('poll once, carry out what is pending, report, and end')
    .requiredOption('--config <file>', 'configuration file')
    .addOption(
      new Option('--timeout <duration>', 'give up when the repository or the API server is away for so long')
        .argParser(durationText)
        .default('5m'),
    )
    .addHelpText(
      'after',
      `
Exit status: 0 all completed, 1 some failed or were cancelled, 2 some were invalid, 3 given up: the repository or the API
server was away for too long. Runs that were under way then are named; the next start goes on with them.

Example:
  nodeop-agent once --config agent.yaml`,
    )
    .action(async (flags: { config: string; timeout: string }) => {
      const config = await loadConfig(flags.config);
      const agent = new Agent(config, createLogger(config.log.level), {
        place: placeFrom(process.env),
      });
      const over = new AbortController();
      const lost = await Promise.race([carryOut(agent), watchOver(agent, flags.timeout, over.signal)]);
      over.abort();
      if (lost === undefined) await agent.feedback?.settle(FEEDBACK_MS);
      await agent.stop();
      const { phaseByRun } = agent.repository.settled();
      for (const [run, phase] of Object.entries(phaseByRun)) print(`${phase}\t${run}`);
      if (lost !== undefined) throw new TransientError([lost, ...underWay(agent)].join('\n'));
      process.exitCode = exitStatus(Object.values(phaseByRun));
    });
}

/** How long the Git host may take to hear of the end. */
const FEEDBACK_MS = 30_000;
const LOOK_MS = 1_000;

async function carryOut(agent: Agent): Promise<undefined> {
  await agent.startController();
  await agent.repository.runOnce();
}

/** Resolves with the reason to give up, or with none when it is told to end. */
async function watchOver(agent: Agent, timeout: string, signal: AbortSignal): Promise<string | undefined> {
  const patience = new Patience(durationMs(timeout));
  while (!signal.aborted) {
    // oxlint-disable-next-line no-await-in-loop -- one look after the other
    const silence = await agent.ping().then(() => undefined, messageOf);
    patience.tell('the API server', silence);
    patience.tell('the repository', agent.repository.state().problem);
    const lost = patience.exhausted();
    if (lost) return `gave up: ${lost.what} is away for ${timeout}: ${lost.problem}`;
    // oxlint-disable-next-line no-await-in-loop
    await pause(LOOK_MS, signal);
  }
  return undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What nobody carries on until an agent starts again. */
function underWay(agent: Agent): string[] {
  return [...agent.nodeOps()]
    .filter(({ status }) => !isFinalPhase(status?.phase))
    .map((it) => `  ${runPathOf(it) ?? labelOf(it)} is under way, and goes on when an agent starts again`);
}

function exitStatus(phases: readonly string[]): number {
  if (phases.includes('Invalid')) return 2;
  return phases.every((phase) => phase === 'Completed') ? 0 : 1;
}
