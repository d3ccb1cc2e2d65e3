import { readFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { InvalidError, TransientError } from '../api/errors.ts';
import { apiUrlOf, isSafeUrl } from '../api/feedback.ts';
import { PROVIDERS, type Provider } from '../api/feedback.ts';
import { HostError, type Host, type HostAccess } from '../host/host.ts';
import { openHost } from '../host/open.ts';
import { placeOf } from './comment/environment.ts';
import { reasonOf } from './system-error.ts';
import { type Format, outputOption, printDocument } from './output.ts';
import { print, prose, wholeNumber } from './terminal.ts';

interface CommentFlags {
  provider?: Provider;
  apiUrl?: string;
  project?: string;
  pullRequest?: number;
  tokenFile?: string;
  key: string;
  format: Format;
}

export function commentCommand(): Command {
  const command = new Command('comment')
    .description('put a text on a pull request as one comment, which the next call replaces')
    .argument('<FILE>', 'the text, Markdown; empty: an earlier comment says that nothing is left to tell')
    .addOption(new Option('--provider <name>', 'the Git host').choices(PROVIDERS))
    .option('--api-url <url>', 'its REST API')
    .option('--project <path>', '<owner>/<name>')
    .addOption(new Option('--pull-request <n>', 'number of the pull or merge request').argParser(wholeNumber))
    .option(
      '--token-file <file>',
      'file with a token; else $NODEOP_HOST_TOKEN, $GITHUB_TOKEN or $GITLAB_TOKEN',
    )
    .option('--key <text>', 'tells apart comments of one pull request, for example by cluster', 'plan');
  return outputOption(command)
    .addHelpText(
      'after',
      prose(`
Jobs of GitHub, Gitea and GitLab know host, project and pull request by themselves. Exit status: 0, 2 when something is
missing or refused, 3 when the host cannot be reached.

Example:
  nodeop-agent plan -o markdown runs/new.yaml > plan.md
  nodeop-agent comment plan.md`),
    )
    .action(run);
}

async function run(file: string, flags: CommentFlags): Promise<void> {
  const text = (await read(file)).trim();
  const place = { ...placeOf(process.env), ...flags };
  const { pullRequest } = place;
  const access: HostAccess = {
    provider: required(place.provider, 'provider'),
    project: required(place.project, 'project'),
    apiUrl: '',
    token: await tokenOf(flags.tokenFile, place.tokenVariable),
  };
  access.apiUrl = required(
    apiUrlOf({ provider: access.provider, apiUrl: place.apiUrl }) || undefined,
    'api-url',
  );
  if (!isSafeUrl(access.apiUrl)) {
    throw new InvalidError(
      `--api-url ${access.apiUrl} must be https: the token would be readable on its way`,
    );
  }
  const marker = `<!-- nodeop-agent ${encodeURIComponent(flags.key)} -->`;
  const number = required(pullRequest, 'pull-request');
  const outcome = await say(await openHost(access), number, marker, text);
  if (flags.format === 'text') return print(SAID[outcome]);
  return printDocument({ outcome, project: access.project, pullRequest: number }, flags.format);
}

type Outcome = 'none' | 'added' | 'upToDate';

const SAID: Record<Outcome, string> = {
  none: 'nothing to tell',
  added: 'comment added',
  upToDate: 'comment is up to date',
};

async function say(host: Host, pullRequest: number, marker: string, text: string): Promise<Outcome> {
  try {
    const known = await host.findComment(pullRequest, marker);
    if (known === undefined && text === '') return 'none';
    const body = `${marker}\n${text === '' ? 'No run file is changed any more.' : text.slice(0, 65_000)}`;
    if (known === undefined) await host.addComment(pullRequest, body);
    else if (known.body !== body) await host.editComment(pullRequest, known.id, body);
    return known === undefined ? 'added' : 'upToDate';
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    if (![401, 403, 404].includes(error.status)) throw new TransientError(error.message, { cause: error });
    const rights =
      'may the token write comments there? (GitHub: pull-requests: write; GitLab: a token with scope api)';
    throw new InvalidError(`${error.message}; ${rights}`, [], { cause: error });
  }
}

function required<T>(value: T | undefined, option: string): T {
  if (value !== undefined) return value;
  throw new InvalidError(`--${option} is missing, and this is no job of a pull request that would tell`);
}

async function tokenOf(file: string | undefined, variable = 'GITHUB_TOKEN'): Promise<string> {
  if (file !== undefined) return (await read(file)).trim();
  const token = process.env['NODEOP_HOST_TOKEN'] ?? process.env[variable];
  if (token !== undefined && token !== '') return token;
  throw new InvalidError(`no token: give --token-file, or set NODEOP_HOST_TOKEN or ${variable}`);
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new InvalidError(`cannot read ${file}: ${reasonOf(error)}`, [], { cause: error });
  }
}
