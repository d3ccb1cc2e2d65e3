import { Command } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { placeFrom } from '../agent/agent.ts';
import { createLogger, type Logger } from '../agent/logger.ts';
import { Replica } from '../agent/replica.ts';
import { watchFiles } from '../agent/watch-files.ts';
import type { AgentConfig } from '../api/config.ts';
import { InvalidError } from '../api/errors.ts';
import { loadConfig } from './load-config.ts';
import { prose, untilSignal } from './terminal.ts';

export function startCommand(): Command {
  return new Command('start')
    .description('follow the repository and carry out its runs until stopped')
    .requiredOption('--config <file>', 'configuration file; watched, and read again when it changes')
    .addHelpText('after', prose('\nExample:\n  nodeop-agent start --config agent.yaml'))
    .action(async (flags: { config: string }) => {
      const service = new Service(flags.config, await loadConfig(flags.config));
      service.start();
      process.on('SIGHUP', () => service.poll());
      await untilSignal();
      await service.stop();
    });
}

function newReplica(config: AgentConfig, logger: Logger): Replica {
  return new Replica(config, logger, {
    place: placeFrom(process.env),
    version: packageJson.version,
    // What hangs would keep the process from ending by itself; it is started anew by whoever runs it.
    onStuck: () => process.exit(1),
  });
}

/**
 * The running agent and its configuration. A new configuration replaces the agent as a whole: all its
 * state is in the cluster and in Git, so the next one continues where this one stopped.
 */
class Service {
  private readonly file: string;
  private readonly unwatch: () => Promise<void>;
  private config: AgentConfig;
  private logger: Logger;
  private replica: Replica;
  private turn: Promise<void> = Promise.resolve();

  constructor(file: string, config: AgentConfig) {
    this.file = file;
    this.config = config;
    this.logger = createLogger(config.log.level);
    this.replica = newReplica(config, this.logger);
    this.unwatch = watchFiles([file], () => {
      this.turn = this.turn.then(() => this.reload());
    });
  }

  start(): void {
    this.replica.start();
  }

  poll(): void {
    this.replica.requestPoll('SIGHUP');
  }

  async stop(): Promise<void> {
    await this.unwatch();
    await this.turn;
    await this.replica.stop();
  }

  private async reload(): Promise<void> {
    try {
      const config = await loadConfig(this.file);
      if (JSON.stringify(config) === JSON.stringify(this.config)) return;
      const logger = createLogger(config.log.level);
      const next = newReplica(config, logger);
      await this.replica.stop();
      [this.config, this.logger, this.replica] = [config, logger, next];
      this.start();
      logger.info({ config: this.file }, 'configuration changed');
    } catch (error) {
      const problem = error instanceof InvalidError ? error.message : String(error);
      this.logger.error(
        { config: this.file, problem },
        'the new configuration is refused; the old one stays',
      );
    }
  }
}
