import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Sim, startSim } from '../../src/sim/index.ts';
import { hasKubectl } from '../support/kubectl.ts';

/** What a command says is to be typed next is typed here, every line as it is printed. */
const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

let dir: string;
let sim: Sim | undefined;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "nodeop agent's "));
  mkdirSync(join(dir, 'bin'));
  const program = join(dir, 'bin/nodeop-agent');
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
  chmodSync(program, 0o755);
  // As on a machine of somebody who uses git.
  writeFileSync(join(dir, '.gitconfig'), '[user]\n  name = Ada\n  email = ada@example.org\n');
});

afterEach(async () => {
  await sim?.stop();
  sim = undefined;
  rmSync(dir, { recursive: true });
});

function bash(script: string): Promise<string> {
  const env = {
    PATH: `${join(dir, 'bin')}:${process.env['PATH']}`,
    HOME: dir,
    KUBECONFIG: join(dir, 'kubeconfig'),
  };
  return new Promise((resolve, reject) => {
    execFile('bash', ['-euc', script], { cwd: dir, env }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${script}\n${stdout}${stderr}`));
      else resolve(stdout);
    });
  });
}

/** The indented lines of an answer. */
const commandsOf = (said: string) => [...said.matchAll(/^ {2}(\S.*)$/gm)].map(([, command = '']) => command);

test('those of init lead to a pushed repository and to what installs the agent', async () => {
  const bare = join(dir, 'operations.git');
  execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', bare]);
  const url = `'${bare.replaceAll("'", `'\\''`)}'`;
  const steps = commandsOf(await bash(`nodeop-agent init "ada's operations" --cluster berlin --url ${url}`));
  expect(steps).toHaveLength(7);
  const said = await bash(steps.join('\n'));
  expect(said).toContain('5 files checked, 0 problems');
  const pushed = execFileSync('git', ['ls-tree', '-r', '--name-only', 'main'], {
    cwd: bare,
    encoding: 'utf8',
  });
  expect(pushed.split('\n')).toEqual(
    expect.arrayContaining(['agent/berlin.yaml', 'runs/2030-01-01-hello.yaml']),
  );
  const installed = readFileSync(join(dir, "ada's operations/deploy/agent.yaml"), 'utf8');
  expect(installed).toMatch(/^cluster: 'berlin'$/m);
});

test('in a repository that is there already, no other is begun', async () => {
  const steps = commandsOf(await bash('mkdir there && cd there && git init --quiet && nodeop-agent init'));
  expect(steps[0]).toBe('nodeop-agent validate');
  expect(steps.join('\n')).not.toMatch(/git init|^cd/m);
});

test.skipIf(!hasKubectl).each([
  ['ssh', 'git@git.example.org:ops/nodes.git', ['id_ed25519', 'known_hosts']],
  ['https', 'https://git.example.org/ops/nodes.git', ['token']],
])(
  'those of init --install put the agent into a cluster (skipped where kubectl is missing): %s',
  async (_, url, keys) => {
    sim = await startSim({ nodes: 1, script: () => ({ durationMs: 60_000 }) });
    writeFileSync(join(dir, 'kubeconfig'), sim.kubeconfig);
    sim.store.remove('namespaces', sim.store.read('namespaces', 'nodeop-system'));
    for (const key of keys) writeFileSync(join(dir, key), 'secret');
    const steps = commandsOf(await bash(`nodeop-agent init --install "the deployment" --url ${url}`));
    expect(steps).toHaveLength(3);
    await bash(steps.join('\n'));
    const secret = sim.store.read('secrets', 'nodeop-agent-git', 'nodeop-system');
    expect(Object.keys(Reflect.get(secret, 'data') as object).toSorted()).toEqual(keys);
    expect(sim.store.read('deployments.apps', 'nodeop-agent', 'nodeop-system')).toBeDefined();
  },
);
