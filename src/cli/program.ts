import { Command, CommanderError } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { InvalidError, TransientError } from '../api/errors.ts';
import { endWithReader, printError } from './terminal.ts';

/** Commands by name, loaded when they are called: `start` never loads the embedded cluster. */
const COMMANDS: Record<string, () => Promise<Command>> = {
  init: async () => (await import('./init.ts')).initCommand(),
  start: async () => (await import('./start.ts')).startCommand(),
  once: async () => (await import('./once.ts')).onceCommand(),
  validate: async () => (await import('./validate.ts')).validateCommand(),
  plan: async () => (await import('./plan.ts')).planCommand(),
  comment: async () => (await import('./comment.ts')).commentCommand(),
  status: async () => (await import('./status.ts')).statusCommand(),
  watch: async () => (await import('./watch.ts')).watchCommand(),
  sim: async () => (await import('./sim.ts')).simCommand(),
  demo: async () => (await import('./demo.ts')).demoCommand(),
};

/**
 * Runs the command line; exit status 2 and every problem on standard error for invalid input, 3 when
 * something outside could not be reached.
 */
export async function main(argv: readonly string[]): Promise<void> {
  endWithReader();
  const program = new Command('nodeop-agent')
    .description('GitOps reconciler for one-off operations on Kubernetes nodes')
    .version(packageJson.version)
    .showSuggestionAfterError()
    .exitOverride()
    .addHelpText('after', '\nExample:\n  nodeop-agent demo');
  const wanted = argv[2];
  const names = wanted !== undefined && wanted in COMMANDS ? [wanted] : Object.keys(COMMANDS);
  const loads = names.map((name) => COMMANDS[name]).filter((load) => load !== undefined);
  for (const command of await Promise.all(loads.map((load) => load()))) {
    program.addCommand(command.copyInheritedSettings(program));
  }
  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      // It has said what is wrong; help and version are errors of exit status 0 to it.
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    if (!(error instanceof InvalidError || error instanceof TransientError)) throw error;
    printError(error.message);
    process.exitCode = error instanceof InvalidError ? 2 : 3;
  }
}
