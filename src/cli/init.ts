import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError, Option } from 'commander';
import { objectName } from '../api/schema.ts';
import { InvalidError } from '../api/errors.ts';
import { type Hooks, hooksIn } from './init/hooks.ts';
import { writeInstallation } from './init/install.ts';
import { reasonOf } from './system-error.ts';
import { type Format, outputOption, printDocument } from './output.ts';
import { print, prose, shellWord } from './terminal.ts';

const CI_KINDS = ['github', 'gitlab', 'gitea', 'none'] as const;

const AGENT_SCHEMA = 'config/schemas/agentconfig.json';

interface InitFlags {
  url: string;
  cluster: string;
  ci: (typeof CI_KINDS)[number];
  owners?: string;
  install: boolean;
  format: Format;
}

/** Where a file of the package goes in the new repository. */
type Layout = Record<string, string>;

const DEFINITIONS = ['hello', 'push-file', 'renew-certificates', 'clean-disk'].map(
  (it) => `nodeops/${it}.yaml`,
);
const HOOK = '.githooks/pre-commit';

const FILES = (cluster: string): Layout => ({
  'examples/repository/README.md': 'README.md',
  ...Object.fromEntries(DEFINITIONS.map((it) => [`examples/repository/${it}`, it])),
  'examples/repository/githooks/pre-commit': HOOK,
  'examples/repository/runs/2030-01-01-hello.yaml': 'runs/2030-01-01-hello.yaml',
  'examples/repository/agent/agent.yaml': `agent/${cluster}.yaml`,
  // What the first line of each file names, for editors.
  ...Object.fromEntries(
    ['agentconfig', 'nodeop', 'nodeoprun'].map((it) => [`config/schemas/${it}.json`, `schemas/${it}.json`]),
  ),
});

/** What the workflows' kubeconfig may do. */
const PLAN_ROLE = 'examples/plan-role.yaml';

const WORKFLOW = 'examples/github/node-operations.yaml';
const REVIEW = 'examples/repository/review';
const TEMPLATE = `${REVIEW}/pull_request_template.md`;

/** Each host has places of its own for the same things. */
const CI: Record<InitFlags['ci'], Layout> = {
  github: {
    [WORKFLOW]: '.github/workflows/node-operations.yaml',
    [TEMPLATE]: '.github/pull_request_template.md',
    [`${REVIEW}/CODEOWNERS.github`]: '.github/CODEOWNERS',
    [PLAN_ROLE]: 'ci/plan-role.yaml',
  },
  gitlab: {
    'examples/gitlab/node-operations.yml': '.gitlab-ci.yml',
    [TEMPLATE]: '.gitlab/merge_request_templates/Default.md',
    [`${REVIEW}/CODEOWNERS.gitlab`]: '.gitlab/CODEOWNERS',
    [PLAN_ROLE]: 'ci/plan-role.yaml',
  },
  gitea: {
    [WORKFLOW]: '.gitea/workflows/node-operations.yaml',
    [TEMPLATE]: '.gitea/pull_request_template.md',
    [`${REVIEW}/CODEOWNERS.gitea`]: '.gitea/CODEOWNERS',
    [PLAN_ROLE]: 'ci/plan-role.yaml',
  },
  none: {},
};

export function initCommand(): Command {
  const command = new Command('init')
    .description('lay out a repository for node operations: folders, examples, configuration, CI')
    .argument('[DIR]', 'where; what is there already is kept as it is', '.')
    .option(
      '--url <url>',
      "the repository's address, as the agent reaches it",
      'ssh://git@git.example.org/ops/nodes.git',
    )
    .addOption(
      new Option('--cluster <name>', "the first cluster's name").argParser(clusterName).default('example'),
    )
    .addOption(
      new Option(
        '--ci <kind>',
        'host whose workflow, code owners and template for pull requests are laid out',
      )
        .choices(CI_KINDS)
        .default('github'),
    )
    .addOption(
      new Option(
        '--owners <names>',
        'who has to approve, as in "@ops/nodes @ada"; to be filled in when absent',
      ).argParser(ownersText),
    )
    .option(
      '--install',
      'write into DIR what installs the agent, complete in itself, and nothing else',
      false,
    );
  return outputOption(command)
    .addHelpText(
      'after',
      prose(
        '\nExample:\n  nodeop-agent init --install deploy/nodeop-agent --cluster berlin --url git@git.example.org:ops/nodes.git\n  nodeop-agent init operations --cluster berlin --url git@git.example.org:ops/nodes.git',
      ),
    )
    .action(run);
}

async function run(dir: string, flags: InitFlags): Promise<void> {
  const { format, install } = flags;
  if (install) {
    const made = await writeInstallation(packageFile('manifests'), packageFile(AGENT_SCHEMA), dir, flags);
    const { message, next, files } = made;
    if (format === 'text') return print([message, ...next.map((it) => `  ${it}`)].join('\n'));
    return printDocument({ files: files.map((file) => ({ file, outcome: 'added' })), message, next }, format);
  }
  const files = await layOut(dir, flags);
  const hooks = await hooksIn(dir, dirname(HOOK));
  const next = nextSteps(dir, flags, hooks);
  const message = typeof hooks === 'object' ? besideOthers(hooks.folder) : undefined;
  if (format !== 'text') return printDocument({ files, next, ...(message && { message }) }, format);
  for (const { file, outcome, why } of files)
    print(`${outcome.padEnd(5)}  ${file}${why === undefined ? '' : `: ${why}`}`);
  if (message !== undefined) print(`\n${message}`);
  print(nextText(next, flags.cluster));
}

/** What became of each file. */
interface LaidOut {
  file: string;
  /** `kept` as it was; `left` out. */
  outcome: 'added' | 'kept' | 'left';
  why?: string;
}

async function layOut(dir: string, flags: InitFlags): Promise<LaidOut[]> {
  // An example that was taken away, or never wanted, would be a new run once it comes back.
  const isInUse = existsSync(join(dir, 'runs')) || existsSync(join(dir, 'nodeops'));
  const files: LaidOut[] = [];
  for (const [from, to] of Object.entries({ ...FILES(flags.cluster), ...CI[flags.ci] })) {
    const file = join(dir, to);
    if (isInUse && EXAMPLES.has(to) && !existsSync(file)) {
      const why = 'the repository is in use, and an example would be carried out';
      files.push({ file, outcome: 'left', why });
      continue;
    }
    const text = await readFile(packageFile(from), 'utf8');
    files.push({ file, outcome: await put(file, fill(text, flags), to === HOOK) });
  }
  return files;
}

/** Commands that can be typed one after the other as they stand. */
function nextSteps(dir: string, { url, cluster }: { url: string; cluster: string }, hooks: Hooks): string[] {
  const address = shellWord(url);
  return [
    ...(dir === '.' ? [] : [`cd ${shellWord(dir)}`]),
    'nodeop-agent validate',
    ...(existsSync(join(dir, '.git')) ? [] : ['git init --initial-branch=main']),
    ...(hooks === 'none' ? [`git config core.hooksPath ${dirname(HOOK)}`] : []),
    "git add . && git commit -m 'Node operations'",
    `git push ${address} HEAD:main`,
    `nodeop-agent init --install deploy --cluster ${shellWord(cluster)} --url ${address}`,
  ];
}

/** Git runs the hooks of one folder alone: to switch ours on would switch off those that are there. */
function besideOthers(folder: string): string {
  return `Git runs hooks of ${folder} here, so those of ${dirname(HOOK)} are not switched on: have the hook pre-commit there run "sh ${HOOK}".`;
}

function nextText(steps: readonly string[], cluster: string): string {
  return `
Next, after a look at README.md:
${steps.map((it) => `  ${it}`).join('\n')}
The last one writes what installs the agent on cluster ${cluster}, and says how. Run files that are pushed before the agent first looks are passed over, the example among them.`;
}

/** What would be carried out, or could be, in a repository that an agent follows already. */
const EXAMPLES = new Set([...DEFINITIONS, 'runs/2030-01-01-hello.yaml']);

/** Writes a new file, or leaves the one that is there, whatever it is. */
async function put(file: string, text: string, isProgram: boolean): Promise<'added' | 'kept'> {
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text, { flag: 'wx', mode: isProgram ? 0o777 : 0o666 });
    return 'added';
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST' && existsSync(file))
      return 'kept';
    throw new InvalidError(`cannot write ${file}: ${reasonOf(error)}`, [], { cause: error });
  }
}

/**
 * The workflows are examples in their own right, so they hold a name and no placeholder. Addresses stand
 * between single quotes in YAML, where a quote is written twice.
 */
function fill(text: string, { url, cluster, owners }: InitFlags): string {
  // Nobody is asked who is not there: whoever lays it out fills them in.
  const owned = owners === undefined ? text.replace(/^.*\{\{owners\}\}$/gm, '# $&') : text;
  return owned
    .replaceAll('{{owners}}', () => owners ?? '@your-organisation/your-team')
    .replaceAll('{{cluster}}', cluster)
    .replaceAll(PLAN_ROLE, 'ci/plan-role.yaml')
    .replace('NODEOP_CLUSTER: example', `NODEOP_CLUSTER: '${cluster}'`)
    .replaceAll('{{url}}', () => url.replaceAll("'", "''"));
}

/** A file or folder of the package, whether this runs from `src/cli` or bundled from `dist`. */
function packageFile(name: string): string {
  const candidates = [`../../${name}`, `../${name}`].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  const found = candidates.find((path) => existsSync(path));
  if (found === undefined) throw new InvalidError(`${name} is missing; looked for ${candidates.join(', ')}`);
  return found;
}

function clusterName(text: string): string {
  const result = objectName().safeParse(text);
  if (!result.success) throw new InvalidArgumentError(result.error.issues[0]?.message ?? 'not a name');
  return text;
}

/** As all of the hosts take them: users, groups and teams, addresses. */
function ownersText(text: string): string {
  const owners = text.trim().split(/\s+/);
  if (owners.every((it) => /^(?:@[\w.-]+(?:\/[\w.-]+)*|[\w.+-]+@[\w.-]+)$/.test(it))) return owners.join(' ');
  throw new InvalidArgumentError('expected names such as "@ops/nodes @ada", or addresses.');
}
