import { isAbsolute } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { Command } from 'commander';
import { clusterOf } from '../api/config.ts';
import { InvalidError } from '../api/errors.ts';
import { loadConfig } from './load-config.ts';
import { type Format, outputOption, printDocument } from './output.ts';
import { print, printCommands, prose } from './terminal.ts';
import { STDIN, validatePaths } from './validate/paths.ts';
import type { Scope } from './validate/scope.ts';
import { annotations, findingsText } from './validate/show.ts';

interface Flags {
  format: Format | 'github';
  root: string;
  nodeops?: string;
  config?: string;
  stdinPath?: string;
}

export function validateCommand(): Command {
  const command = new Command('validate')
    .description('check run files and definitions, as a pull request should: every error with its place')
    .argument(
      '[PATH...]',
      'files, folders that are walked, or - for standard input; default: nodeops and runs of the root',
    )
    .option('--root <dir>', 'the repository', '.')
    .option('--config <file>', "the agent's configuration: folders, and who carries out rollouts")
    .option('--stdin-path <path>', 'where the file on standard input lies, or would lie, in the repository')
    .option('--nodeops <folder>', 'folder of the definitions inside the repository (default: "nodeops")');
  return outputOption(command, ['github'])
    .addHelpText(
      'after',
      prose(
        '\nExit status: 0, 1 when there is a problem, 2 when an option is invalid.\n\nExample:\n  nodeop-agent validate -o github runs nodeops\n  git show :runs/a.yaml | nodeop-agent validate -',
      ),
    )
    .action(async (paths: string[], flags: Flags) => {
      const { format } = flags;
      const scope = await scopeOf(flags);
      const found = await validatePaths(paths, {
        ...scope,
        stdin: await stdinOf(paths, flags),
      });
      if (format === 'text') print(findingsText(found));
      else if (format === 'github') printCommands(annotations(found));
      else printDocument(found, format);
      if (found.problems.length > 0) process.exitCode = 1;
    });
}

async function scopeOf({ root, nodeops, config: file }: Flags): Promise<Scope> {
  if (file === undefined) return { root, nodeops: nodeops ?? 'nodeops' };
  const config = await loadConfig(file);
  const { git, rollout, defaults, kubernetes } = config;
  return {
    root,
    nodeops: nodeops ?? git.paths.nodeops,
    runs: git.paths.runs,
    layout: { ...git.paths, cluster: clusterOf(config) },
    namespace: kubernetes.namespace,
    executor: rollout.executor,
    defaultImage: defaults.image,
    checkAccess: config.checks,
  };
}

/** Undefined where it is not asked for. */
async function stdinOf(paths: readonly string[], { stdinPath: path }: Flags): Promise<Scope['stdin']> {
  if (!paths.includes(STDIN)) {
    if (path !== undefined) throw new InvalidError('--stdin-path goes with -, for standard input');
    return undefined;
  }
  if (path !== undefined && (isAbsolute(path) || path.split(/[\\/]/).includes('..')))
    throw new InvalidError(
      `--stdin-path ${path}: expected a path inside the repository, such as runs/new.yaml`,
    );
  return { path, bytes: await buffer(process.stdin) };
}
