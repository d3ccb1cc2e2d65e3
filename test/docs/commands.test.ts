import { execFile } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ANNOTATION_HOLD, ANNOTATION_RUN, ANNOTATION_UID } from '../../src/api/labels.ts';
import { type Sim, startSim } from '../../src/sim/index.ts';
import { hasKubectl } from '../support/kubectl.ts';

/**
 * Every command of a fenced `sh` block of the README and the docs is carried out here, as it is written: by
 * `sh -eu`, on an embedded cluster of its own for each block, in a folder that holds what its page takes for
 * given. What cannot be is named below with the reason, and nothing else is left out.
 */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const DOCKER = 'needs Docker and a registry';
const KIND = 'makes a cluster with kind; the suite is `npm run test:e2e`';
const LONG = 'takes minutes from a checkout; test/simulation runs some of the same histories';
const ELSEWHERE: Record<string, string> = {
  'npm run test:simulation -- --seconds 600': LONG,
  'npm run test:simulation -- --git --histories 20 --seed 1': LONG,
  'npm run test:simulation -- --sweep --seconds 600': LONG,
  'npm run test:simulation -- --walk --seconds 60': LONG,
  'npm run test:simulation -- --restored --seconds 60': LONG,
  'npm run test:simulation -- --seed 1234 --show': LONG,
  'npm run test:faults': LONG,
  'npm run test:chaos -- --minutes 5 --seed 1': LONG,
  'npm run test:chaos -- --seed 11 --histories 1 --keep': LONG,
  'KUBECONFIG=kind.yaml npm run test:chaos -- --minutes 5': LONG,
  'npm run test:mutation -- --mutants 100': LONG,
  'npm ci && npm run demo': 'would install this checkout anew while its tests run; the demo has its own test',
  'npm ci && npm test': 'is this suite',
  'docker build --tag REGISTRY/nodeop-agent:0.1.0 .': DOCKER,
  'ssh-keyscan -t ed25519 git.example.org > known_hosts': 'asks a Git host',
  'npm run test:conformance': 'is part of this suite',
  'KUBECONFIG=kind.yaml npm run test:conformance': KIND,
  'kind create cluster --config .github/kind.yaml': KIND,
  'docker build --tag nodeop-agent:e2e . && kind load docker-image nodeop-agent:e2e': DOCKER,
  'kind get kubeconfig > kind.yaml': KIND,
  'KUBECONFIG=kind.yaml npm run test:e2e': KIND,
  'nodeop-agent page --context berlin --repository ~/node-operations':
    'goes on until Ctrl-C; test/cli/page.test.ts does the same',
  'kubectl --namespace nodeop-system port-forward deployment/nodeop-agent 8081': 'needs a pod of the agent',
  'kubectl --namespace nodeop-system create token on-call': 'the embedded cluster makes no tokens',
  'curl --fail-with-body https://nodeop.example.org/hooks/generic --data "$body" --header "X-Nodeop-Timestamp: $time" --header "X-Nodeop-Signature: sha256=$signature"':
    'calls an agent behind an Ingress; signatures have their tests in test/http',
};

/** What people put in for a word in capitals. */
const PLACEHOLDERS: Record<string, string> = { DIR: 'overlay' };

const RUN = 'runs/2030-01-31-swappiness.yaml';
const KEYS = { id_ed25519: 'key', known_hosts: 'git.example.org ssh-ed25519 AAAA' };

/** Of another tool. */
const PLAN = `apiVersion: upgrade.cattle.io/v1
kind: Plan
metadata: {name: bash}
spec: {concurrency: 1, version: v1, upgrade: {image: "bash:5", command: ["true"]}}
`;

/** What a page takes for given: files by their names, and what the cluster holds. */
const GIVEN: Record<string, { files?: Record<string, string>; cluster?: (sim: Sim, dir: string) => void }> = {
  'README.md': { files: KEYS, cluster: withoutNamespace },
  'docs/install.md': {
    files: KEYS,
    cluster: (sim, dir) => {
      withoutNamespace(sim);
      withOverlay(sim, dir);
    },
  },
  'docs/access.md': { files: { 'downloaded.private-key.pem': 'key', known_hosts: KEYS.known_hosts } },
  'docs/feedback.md': { files: { token: 'secret' } },
  'docs/notifications.md': {
    files: {
      url: 'https://hooks.example.org/secret',
      'notify.yaml': readFileSync(join(ROOT, 'docs/examples/notify/alertmanager.yaml'), 'utf8'),
    },
  },
  'docs/compare.md': { files: { 'plan.yaml': PLAN } },
  'docs/disaster-recovery.md': { files: { [RUN]: exampleRun() }, cluster: withHeldRun },
  'docs/on-call.md': { files: { [RUN]: exampleRun() }, cluster: withRun },
  'docs/clusters.md': { files: { [RUN]: exampleRun() }, cluster: withRun },
  'docs/first-run.md': { files: { '.gitconfig': '[user]\n  name = Ada\n  email = ada@example.org\n' } },
  'docs/upgrade.md': { cluster: withOverlay },
  'docs/uninstall.md': { cluster: withOverlay },
  'docs/parameters.md': { files: filesOf('docs/parameters.md') },
  'docs/plan.md': { files: { [RUN]: exampleRun() } },
  'docs/trust.md': { files: { allowed_signers: 'ada@example.org ssh-ed25519 AAAA', 'keyring.asc': 'keys' } },
  'docs/webhooks.md': { files: { generic: 'secret' } },
};

function withOverlay(_: Sim, dir: string): void {
  cpSync(join(ROOT, 'manifests'), join(dir, 'manifests'), { recursive: true });
  const kustomization = 'resources: [../manifests/overlays/ssh-key]\n';
  mkdirSync(join(dir, 'overlay'));
  writeFileSync(join(dir, 'overlay/kustomization.yaml'), kustomization);
}

function withoutNamespace(sim: Sim): void {
  const namespace = sim.store.read('namespaces', 'nodeop-system');
  sim.store.remove('namespaces', namespace);
}

function withRun(sim: Sim): void {
  const namespace = 'nodeop-system';
  sim.store.create('leases.coordination.k8s.io', { metadata: { name: 'nodeop-agent', namespace }, spec: {} });
  const make = (name: string, run: string, status: Record<string, unknown>) => {
    const object = { metadata: { name, namespace }, spec: { image: 'busybox', command: ['true'] }, status };
    const made = sim.store.create('nodeops.operator.kairos.io', object);
    const annotations = { [ANNOTATION_RUN]: `berlin:${run}`, [ANNOTATION_UID]: made.metadata.uid ?? '' };
    sim.store.update('nodeops.operator.kairos.io', { ...made, metadata: { ...made.metadata, annotations } });
  };
  const nodes = { 'node-1': { phase: 'Completed' } };
  make('swappiness', RUN, { phase: 'Completed', observedGeneration: 1, nodeStatuses: nodes });
  const failed = { 'node-2': { phase: 'Failed', message: 'exit code 4', cause: 'no such device' } };
  make('firmware', 'runs/2030-02-01-firmware.yaml', {
    phase: 'Failed',
    observedGeneration: 1,
    nodeStatuses: failed,
  });
}

function withHeldRun(sim: Sim): void {
  withRun(sim);
  const made = sim.store.read('nodeops.operator.kairos.io', 'swappiness', 'nodeop-system');
  const annotations = { ...made.metadata.annotations, [ANNOTATION_HOLD]: 'the cluster was restored' };
  const status = { phase: 'Running', nodeStatuses: { 'node-1': { phase: 'Pending' } } };
  sim.store.update('nodeops.operator.kairos.io', { ...made, metadata: { ...made.metadata, annotations } });
  const held = sim.store.read('nodeops.operator.kairos.io', 'swappiness', 'nodeop-system');
  sim.store.update('nodeops.operator.kairos.io', { ...held, status }, { subresource: 'status' });
}

/** The run file the README begins with, which all pages speak of. */
function exampleRun(): string {
  const found = filesOf('README.md')[RUN];
  if (found === undefined) throw new Error(`README.md has no ${RUN} any more`);
  return found;
}

/** What a page shows of files, each with its name beside the fence, or as a comment in the first line. */
function filesOf(page: string): Record<string, string> {
  const found = read(page).matchAll(/^```yaml(?: (\S+))?\n((?:# (\S+\.ya?ml)\n)?[\s\S]*?)^```$/gm);
  return Object.fromEntries(
    [...found].flatMap(([, beside, text = '', inside]): [string, string][] => {
      const name = beside ?? inside;
      return name === undefined ? [] : [[name, text]];
    }),
  );
}

function read(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8');
}

interface Block {
  page: string;
  line: number;
  commands: string[];
}

/** Fenced blocks of every shell, however deep in a list; continued lines are one, what is said beside them goes. */
function blocksOf(page: string): Block[] {
  const found = read(page).matchAll(/^( *)```(?:sh|bash|shell|console)\b.*\n([\s\S]*?)^ *```$/gm);
  return [...found].map((match) => {
    const joined = (match[2] ?? '').replaceAll(/\\\n\s*/g, '');
    const lines = joined.split('\n').map((line) => line.trim().replace(/(^|\s+)# .*$/, ''));
    const line = read(page).slice(0, match.index).split('\n').length;
    return { page, line, commands: lines.filter((command) => command !== '') };
  });
}

const pages = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file))
    .toSorted(),
];
const blocks = pages.flatMap(blocksOf);

let bin: string;
beforeAll(() => {
  // The docs call the program by its name.
  bin = mkdtempSync(join(tmpdir(), 'nodeop-docs-bin-'));
  const main = join(ROOT, 'src/main.ts');
  writeFileSync(join(bin, 'nodeop-agent'), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`);
  chmodSync(join(bin, 'nodeop-agent'), 0o755);
});
afterAll(() => rmSync(bin, { recursive: true }));

test('there are blocks, and what is named as left out is still there', () => {
  const all = blocks.flatMap(({ commands }) => commands);
  expect(all.length).toBeGreaterThan(20);
  expect(Object.keys(ELSEWHERE).filter((command) => !all.includes(command))).toEqual([]);
  expect(Object.keys(GIVEN).filter((page) => !blocks.some((block) => block.page === page))).toEqual([]);
});

const runnable = blocks
  .map((block) => ({ ...block, commands: block.commands.filter((it) => ELSEWHERE[it] === undefined) }))
  .filter(({ commands }) => commands.length > 0);

test.skipIf(!hasKubectl).each(runnable)(
  'the commands at $page:$line can be carried out (skipped where kubectl is missing)',
  async ({ page, commands }) => {
    const dir = mkdtempSync(join(tmpdir(), 'nodeop-docs-'));
    const sim = await startSim({ nodes: 3, script: () => ({ durationMs: 60_000 }) });
    try {
      const { files = {}, cluster } = GIVEN[page] ?? {};
      const kubeconfig = sim.kubeconfig.replaceAll(': sim', ': berlin');
      for (const [file, text] of Object.entries({ ...files, kubeconfig })) {
        mkdirSync(dirname(join(dir, file)), { recursive: true });
        writeFileSync(join(dir, file), text);
      }
      cluster?.(sim, dir);
      const answer = await sh(commands.map(filled).join('\n'), dir);
      expect(answer.code, answer.output).toBe(0);
    } finally {
      await sim.stop();
      rmSync(dir, { recursive: true });
    }
  },
);

function filled(command: string): string {
  return Object.entries(PLACEHOLDERS).reduce(
    (text, [word, value]) => text.replaceAll(new RegExp(`\\b${word}\\b`, 'g'), value),
    command,
  );
}

function sh(script: string, cwd: string): Promise<{ code: number; output: string }> {
  const env = { PATH: `${bin}:${process.env['PATH']}`, HOME: cwd, KUBECONFIG: join(cwd, 'kubeconfig') };
  return new Promise((resolve) => {
    const child = execFile(
      'sh',
      ['-eu', '-c', script],
      { cwd, env, timeout: 170_000 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 255;
        resolve({ code, output: stdout + stderr });
      },
    );
    child.stdin?.end();
  });
}
