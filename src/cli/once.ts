import { Command } from 'commander';
import { Agent, placeFrom } from '../agent/agent.ts';
import { createLogger } from '../agent/logger.ts';
import { loadConfig } from './load-config.ts';
import { print } from './terminal.ts';

export function onceCommand(): Command {
  return new Command('once')
    .description('poll once, carry out what is pending, report, and end')
    .requiredOption('--config <file>', 'configuration file')
    .addHelpText(
      'after',
      '\nExit status: 0 all completed, 1 some failed or were cancelled, 2 some were invalid.\n\nExample:\n  nodeop-agent once --config agent.yaml',
    )
    .action(async (flags: { config: string }) => {
      const config = await loadConfig(flags.config);
      const agent = new Agent(config, createLogger(config.log.level), {
        place: placeFrom(process.env),
      });
      await agent.startController();
      const { phaseByRun } = await agent.repository.runOnce();
      await agent.feedback?.settle(FEEDBACK_MS);
      await agent.stop();
      for (const [run, phase] of Object.entries(phaseByRun)) print(`${phase}\t${run}`);
      process.exitCode = exitStatus(Object.values(phaseByRun));
    });
}

/** How long the Git host may take to hear of the end. */
const FEEDBACK_MS = 30_000;

function exitStatus(phases: readonly string[]): number {
  if (phases.includes('Invalid')) return 2;
  return phases.every((phase) => phase === 'Completed') ? 0 : 1;
}
