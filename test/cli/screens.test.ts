import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { WriteStream } from 'node:tty';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { NodeStatus, RolloutPhase } from '../../src/api/nodeop.ts';
import { allCommands, main } from '../../src/cli/program.ts';
import { summarise } from '../../src/core/rollout/summary.ts';
import { fitted, reflowed } from '../../src/core/text/fit.ts';
import { type Sim, startSim } from '../../src/sim/index.ts';
import { putRecordHead } from '../support/record.ts';

/**
 * What people see of each command on a terminal of 60, 80 and 120 columns, kept as files that can be read. A terminal is
 * pretended here; that a real one is asked for its width is tried at the end.
 */
const NOW = Date.parse('2030-01-31T12:00:00Z');
const ago = (minutes: number) => new Date(NOW - minutes * 60_000).toISOString();

let sim: Sim;
let dir: string;
const before = process.cwd();

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOW });
  dir = mkdtempSync(join(tmpdir(), 'nodeop-screens-'));
  sim = await startSim({ nodes: 3, script: () => undefined });
  writeFileSync(join(dir, 'kubeconfig'), sim.kubeconfig);
  rollout('firmware', 'runs/2030-01-31-firmware-of-all-storage-nodes.yaml', fleet(200), 'Running');
  const ntp = {
    'node-1': done(),
    'node-2': failed(2, 'cannot resolve the host time.example.org: nobody answers'),
  };
  rollout('ntp', 'runs/ntp.yaml', ntp, 'Failed');
  putRecordHead(sim, {
    waiting: JSON.stringify([
      {
        run: 'runs/2030-02-07-kernel.yaml',
        reason: 'NotBefore',
        message: 'not before 2030-02-07T22:00:00Z',
        until: '2030-02-07T22:00:00Z',
      },
      { run: 'runs/swappiness.yaml', reason: 'Queued', message: 'other runs come first' },
    ]),
    waitingCount: '2',
    passedOver: '1',
    passedOverRuns: JSON.stringify(['runs/2029-12-01-hello.yaml']),
  });
  const cordoned = sim.store.read('nodes', 'node-2');
  const annotations = {
    'operator.kairos.io/cordoned-by': `nodeop-system/ntp@${sim.store.read('nodeops.operator.kairos.io', 'ntp', 'nodeop-system').metadata.uid}`,
  };
  sim.store.update('nodes', {
    ...cordoned,
    metadata: { ...cordoned.metadata, annotations },
    spec: { unschedulable: true },
  });
  repository();
  process.chdir(dir);
});

afterEach(() => {
  process.exitCode = undefined;
  vi.restoreAllMocks();
});

afterAll(async () => {
  process.chdir(before);
  vi.useRealTimers();
  await sim.stop();
  rmSync(dir, { recursive: true });
});

function done(): NodeStatus {
  return { phase: 'Completed', jobName: 'job', startedAt: ago(100), finishedAt: ago(70) };
}

function failed(exitCode: number, cause: string): NodeStatus {
  const message = `command failed: exit code ${exitCode}: ${cause}; the node stays cordoned`;
  return {
    phase: 'Failed',
    jobName: 'job-x',
    exitCode,
    message,
    cause,
    cordoned: true,
    startedAt: ago(100),
    finishedAt: ago(95),
  };
}

function fleet(count: number): Record<string, NodeStatus> {
  const message =
    'eviction blocked: shop/web-7d9f (The disruption budget web needs 5 healthy pods and has 5 currently)';
  const status = (i: number): NodeStatus => {
    if (i % 9 === 7) return failed(3, 'flash is write-protected');
    if (i === 12) return failed(1, 'no such device');
    if (i <= 90) return done();
    if (i <= 93) return { phase: 'Draining', message, startedAt: ago(65), phaseStartedAt: ago(65) };
    return i <= 95 ? { phase: 'Running', startedAt: ago(62), phaseStartedAt: ago(61) } : { phase: 'Pending' };
  };
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`node-${i + 1}`, status(i + 1)]));
}

function rollout(
  name: string,
  run: string,
  nodeStatuses: Record<string, NodeStatus>,
  phase: RolloutPhase,
): void {
  sim.store.create('nodeops.operator.kairos.io', {
    metadata: { name, namespace: 'nodeop-system', annotations: { 'agent.nodeop.dev/run': `:${run}` } },
    spec: { image: 'busybox', command: ['true'] },
    status: {
      phase,
      observedGeneration: 1,
      summary: summarise(Object.values(nodeStatuses)),
      nodeStatuses,
      startedAt: ago(130),
      ...(phase === 'Failed' && { completedAt: ago(65) }),
      conditions: [
        { type: 'Ready', status: 'False', reason: phase, message: '1 of 2 nodes completed, 1 failed' },
      ],
    },
  });
}

function repository(): void {
  for (const folder of ['runs', 'nodeops']) mkdirSync(join(dir, folder));
  const head =
    'apiVersion: operator.kairos.io/v1alpha1\nkind: NodeOp\nmetadata:\n  generateName: ntp-\nspec:\n  image: busybox:1.36\n';
  const drained = '  drainOptions:\n    enabled: true\n    timeoutSeconds: 300\n';
  writeFileSync(
    join(dir, 'runs/good.yaml'),
    `${head}  command: [sh, -c, "true"]\n  concurrency: 1\n${drained}`,
  );
  writeFileSync(
    join(dir, 'runs/wrong.yaml'),
    `${head}  command: sh -c "ntpdate"\n  concurency: 1\n  backoffLimit: many\n`,
  );
}

const ACCESS = ['--kubeconfig', 'kubeconfig'];
const COMMANDS: Record<string, string[]> = {
  help: ['--help'],
  'help-watch': ['watch', '--help'],
  'help-plan': ['plan', '--help'],
  status: ['status', ...ACCESS],
  'status-of-200-nodes': ['status', 'firmware', ...ACCESS],
  'status-failed': ['status', 'runs/ntp.yaml', '--failed', ...ACCESS],
  'status-of-one-that-waits': ['status', 'runs/2030-02-07-kernel.yaml', ...ACCESS],
  'watch-failed': ['watch', 'runs/ntp.yaml', ...ACCESS],
  'watch-passed-over': ['watch', 'runs/2029-12-01-hello.yaml', ...ACCESS],
  explain: ['explain', 'node-2', ...ACCESS],
  'explain-all-that-are-cordoned': ['explain', ...ACCESS],
  plan: ['plan', 'runs/good.yaml', ...ACCESS],
  'plan-of-an-invalid-file': ['plan', 'runs/wrong.yaml', ...ACCESS],
  'validate-wrong': ['validate'],
  'no-configuration': ['start', '--config', 'agent.yaml'],
  'no-such-run': ['status', 'firmwear', ...ACCESS],
  'no-such-command': ['stats'],
  'no-such-port': ['sim', '--port', '70000'],
};

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** What a command leaves on a terminal of so many columns, its line of progress gone. */
async function screenOf(
  args: readonly string[],
  columns: number,
  hasColors = false,
  isTTY = true,
): Promise<string> {
  let text = '';
  const undo: (() => void)[] = [];
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((piece) => {
      text += String(piece);
      return true;
    });
    const terminal = {
      isTTY,
      columns,
      hasColors: () => hasColors,
      getColorDepth: () => (hasColors ? WriteStream.prototype.getColorDepth() : 1),
    };
    for (const [key, value] of Object.entries(terminal)) {
      const was = Object.getOwnPropertyDescriptor(stream, key);
      undo.push(() => {
        Reflect.deleteProperty(stream, key);
        if (was) Object.defineProperty(stream, key, was);
      });
      Object.defineProperty(stream, key, { value, configurable: true, writable: true });
    }
  }
  const known = [process.stdout, process.stderr].map((stream) => new Set(stream.listeners('error')));
  const listening = SIGNALS.map((signal) => new Set(process.listeners(signal)));
  await main([process.execPath, 'nodeop-agent', ...args]);
  for (const [i, signal] of SIGNALS.entries()) {
    const added = process.listeners(signal).filter((it) => listening[i]?.has(it) !== true);
    for (const it of added) process.off(signal, it);
  }
  for (const [i, stream] of [process.stdout, process.stderr].entries()) {
    const added = stream.listeners('error').filter((it) => !known[i]?.has(it));
    for (const it of added) stream.off('error', it as () => void);
  }
  vi.restoreAllMocks();
  for (const restore of undo) restore();
  // oxlint-disable-next-line no-control-regex -- escape sequences begin with a control character
  return text.replaceAll(/\r\u001b\[K[^\n]*\r\u001b\[K/g, '').replaceAll(dir, '/operations');
}

/** Documents, and commands to be copied, are left whole. */
const WHOLE = /^ +(nodeop-agent|kubectl) |^ {4}- /;

describe.each([60, 80, 120])('on a terminal of %d columns', (columns) => {
  test.each(Object.entries(COMMANDS))('%s', async (name, args) => {
    const screen = await screenOf(args, columns);
    expect(screen).not.toContain('a fault of nodeop-agent');
    await expect(screen).toMatchFileSnapshot(`screens/${columns}/${name}.txt`);
    const wide = screen.split('\n').filter((line) => line.length > columns && !WHOLE.test(line));
    expect(wide).toEqual([]);
  });
});

test('colours are colours, and take no room', async () => {
  const args = COMMANDS['watch-failed'] ?? [];
  const screen = await screenOf(args, 60, true);
  expect(screen).toContain('\u001b[31mFailed');
  // oxlint-disable-next-line no-control-regex -- colours begin with a control character
  expect(screen.replaceAll(/\u001b\[\d{1,2}m/g, '')).toBe(await screenOf(args, 60));
});

/** Colours are for terminals, unless somebody says otherwise; https://no-color.org asks for a value that is not empty. */
test.each<[Record<string, string>, boolean, boolean]>([
  [{}, true, true],
  [{}, false, false],
  [{ NO_COLOR: '1' }, true, false],
  [{ NO_COLOR: '' }, true, true],
  [{ FORCE_COLOR: '1' }, false, true],
  [{ FORCE_COLOR: '0' }, true, false],
  [{ TERM: 'dumb' }, true, false],
  [{ CI: 'true' }, true, false],
])('%j, on a terminal: %j, colours: %j', async (env, isTerminal, isColoured) => {
  const bare = { NO_COLOR: undefined, FORCE_COLOR: undefined, NODE_DISABLE_COLORS: undefined, TERM: 'xterm' };
  for (const [name, value] of Object.entries({ ...bare, ...env })) vi.stubEnv(name, value);
  for (const args of [COMMANDS['watch-failed'] ?? [], COMMANDS['status'] ?? [], COMMANDS['explain'] ?? []]) {
    const screen = await screenOf(args, 120, isTerminal, isTerminal);
    expect(screen.includes('\u001b['), args[0]).toBe(isColoured);
    // oxlint-disable-next-line no-control-regex -- colours begin with a control character
    const plain = screen.replaceAll(/\u001b\[\d{1,2}m/g, '');
    vi.stubEnv('FORCE_COLOR', undefined);
    vi.stubEnv('NO_COLOR', '1');
    expect(plain).toBe(await screenOf(args, 120, isTerminal, isTerminal));
    for (const [name, value] of Object.entries({ ...bare, ...env })) vi.stubEnv(name, value);
  }
  vi.unstubAllEnvs();
});

test('the help of every command fits, whoever adds one', async () => {
  for (const command of await allCommands()) {
    const screen = await screenOf([command.name(), '--help'], 60);
    // A word that is too long cannot be broken.
    const isWide = (line: string) => line.length > 60 && line.trim().includes(' ') && !WHOLE.test(line);
    const wide = screen.split('\n').filter(isWide);
    expect(wide, command.name()).toEqual([]);
  }
});

describe('lines that are too long', () => {
  test.each<[string, string, number, string]>([
    ['go on a little to the right', 'one two three four', 10, 'one two\n  three\n  four'],
    ['keep their indentation', '  one two three', 10, '  one two\n    three'],
    ['go on under the last column', 'a  bb  one two three four', 20, 'a  bb  one two three\n       four'],
    [
      'are left whole where they are commands',
      '  kubectl get nodes -A -o wide',
      10,
      '  kubectl get nodes -A -o wide',
    ],
    ['are left as they are where one word is too long', 'a'.repeat(12), 10, 'a'.repeat(12)],
  ])('%s', (_, text, width, lines) => {
    expect(fitted(text, width)).toBe(lines);
    expect(fitted(text, undefined)).toBe(text);
  });

  test('of a paragraph are joined first, examples are not', () => {
    expect(reflowed('one\ntwo three\n\nExample:\n  four five six', 10)).toBe(
      'one two\nthree\n\nExample:\n  four five six',
    );
  });
});

const hasScript = spawnSync('script', ['--version']).status === 0;

test.skipIf(!hasScript)(
  'a real terminal is asked for its width (skipped where `script` of util-linux is missing)',
  () => {
    const program = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
    const command = `stty cols 60 rows 24; exec '${process.execPath}' '${program}' validate`;
    const env = { ...process.env, NO_COLOR: '1' };
    const args = ['--quiet', '--return', '--command', command, '/dev/null'];
    const { stdout, status } = spawnSync('script', args, { cwd: dir, env, encoding: 'utf8' });
    const lines = stdout.replaceAll('\r', '').split('\n');
    expect(lines.filter((line) => line.length > 60)).toEqual([]);
    expect(lines).toContain('2 files checked, 3 problems');
    expect(status).toBe(1);
  },
);
