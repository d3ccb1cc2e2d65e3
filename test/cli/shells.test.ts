import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Sim, startSim } from '../../src/sim/index.ts';

/** The scripts of `completion` in the shells they are for; what is to be offered has its own test. */
const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

let sim: Sim;
let dir: string;

beforeAll(async () => {
  sim = await startSim({ nodes: 12, script: () => undefined });
  dir = mkdtempSync(join(tmpdir(), 'nodeop-shells-'));
  writeFileSync(join(dir, 'kubeconfig'), sim.kubeconfig);
  for (const folder of ['runs', 'bin']) mkdirSync(join(dir, folder));
  writeFileSync(join(dir, "runs/it's.yaml"), '');
  const bin = join(dir, 'bin/nodeop-agent');
  writeFileSync(bin, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
  chmodSync(bin, 0o755);
});

afterAll(async () => {
  await sim.stop();
  rmSync(dir, { recursive: true });
});

const has = (shell: string) => spawnSync(shell, ['--version']).status === 0;

/** The cluster is in this process, so nothing here may wait for the shell. */
function run(shell: string, args: string[]): Promise<string> {
  const env = { ...process.env, PATH: `${join(dir, 'bin')}:${process.env['PATH']}`, HOME: dir, TERM: 'dumb' };
  return new Promise((resolve) => {
    execFile(shell, args, { cwd: dir, env }, (_, stdout, stderr) => resolve(stdout + stderr));
  });
}

/** Lines as they are typed up to the key. */
const LINES = [
  'nodeop-agent expl',
  'nodeop-agent plan -o mark',
  'nodeop-agent status --fo',
  'nodeop-agent explain --kubeconfig kubeconfig node-12',
];
const OFFERED = ['explain', 'markdown', '--format', 'node-12'];

/** What bash gives to the function of a command, and what the function leaves. */
const BASH = `
source <(nodeop-agent completion bash)
complete -p nodeop-agent
for line; do
  COMP_LINE=$line COMP_POINT=\${#line}
  _nodeop_agent nodeop-agent
  printf '%s\n' "\${COMPREPLY[@]}"
done
`;

test.skipIf(!has('bash'))(
  'bash, which breaks words at signs, and has to be given what is quoted',
  async () => {
    const more = ['nodeop-agent status --format=j', 'nodeop-agent plan runs/it'];
    const said = await run('bash', ['--norc', '-c', BASH, 'bash', ...LINES, ...more]);
    const [head, ...values] = said.trimEnd().split('\n');
    expect(head).toBe('complete -F _nodeop_agent nodeop-agent');
    expect(values).toEqual([...OFFERED, 'json', String.raw`runs/it\'s.yaml`]);
  },
);

/** What zsh gives to the function of a command, and in place of the functions of its own that ours calls. */
const ZSH = `
compdef() { print -r -- "compdef $@"; }
_describe() { local name=$@[-1]; print -rl -- "\${(@P)name}"; }
_files() { print -r -- "files $@"; }
source <(nodeop-agent completion zsh)
for line; do
  words=("\${(z)line}")
  CURRENT=$#words
  _nodeop_agent
done
`;

test.skipIf(!has('zsh'))('zsh (skipped where it is missing)', async () => {
  const more = ['nodeop-agent status --format=j', 'nodeop-agent validate no', 'nodeop-agent init no'];
  const said = await run('zsh', ['-f', '-c', ZSH, 'zsh', ...LINES, ...more]);
  const [head, ...values] = said.trimEnd().split('\n');
  expect(head).toBe('compdef _nodeop_agent nodeop-agent');
  expect(values.map((it) => it.replace(/:.*/, '').trim())).toEqual([
    ...OFFERED,
    '--format=json',
    'files',
    'files -/',
  ]);
});

test.skipIf(!has('fish'))('fish (skipped where it is missing)', async () => {
  const script = 'nodeop-agent completion fish | source; for line in $argv; complete -C $line; end';
  const said = await run('fish', ['--no-config', '-c', script, ...LINES, 'nodeop-agent validate kube']);
  const values = said.trimEnd().split('\n');
  expect(values.map((it) => it.split('\t')[0])).toEqual([...OFFERED, 'kubeconfig']);
});
