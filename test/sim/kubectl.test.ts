import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Sim, startSim } from '../../src/sim/index.ts';
import { hasKubectl, kubectl } from '../support/kubectl.ts';

/** What an installation and a rollout are looked at with; `test/conformance/kubectl.test.ts` has what every cluster answers. */
let sim: Sim;
let dir: string;
let refused: string | undefined;
const run = (command: string, input?: string) => kubectl(join(dir, 'kubeconfig'), command.split(' '), input);

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'nodeop-kubectl-'));
  sim = await startSim({
    nodes: 2,
    script: () => ({ durationMs: 60_000 }),
    refuse: ({ resource }) => (resource === refused ? `no ${resource} for you` : undefined),
  });
  writeFileSync(join(dir, 'kubeconfig'), sim.kubeconfig);
});
afterAll(async () => {
  await sim.stop();
  rmSync(dir, { recursive: true });
});

const steps: [command: string, shape: RegExp][] = [
  [
    'apply -k manifests/overlays/ssh-key',
    /^clusterrole.*created$[\s\S]*^networkpolicy.*nodeop-agent created$/m,
  ],
  ['apply -k manifests/overlays/ssh-key', /^deployment\.apps\/nodeop-agent unchanged$/m],
  ['-n nodeop-system rollout status deployment nodeop-agent --timeout=20s', /successfully rolled out/],
  ['apply -k manifests/overlays/webhook-ingress', /^ingress\.networking\.k8s\.io\/.* created$/m],
  [
    '-n nodeop-system get services,ingresses,networkpolicies',
    /^service\/nodeop-agent +ClusterIP [\s\S]*^ingress\S+ [\s\S]*^networkpolicy\S+ +app\S+=nodeop-agent /m,
  ],
  [
    'get clusterrolebindings nodeop-agent -o wide',
    /^NAME +ROLE +AGE +USERS +GROUPS +SERVICEACCOUNTS\n.* ClusterRole\/nodeop-agent .* nodeop-system\/nodeop-agent$/m,
  ],
  ['auth whoami', /^Username +kubernetes-admin$/m],
  ['create deployment web --image=nginx --replicas=2', /^deployment\.apps\/web created$/m],
  ['explain nodeop', /KIND: +NodeOp\nVERSION: +v1alpha1\n[\s\S]*^ {2}spec\t<Object>/m],
  ['explain nodeop.spec.drainOptions.timeoutSeconds', /^FIELD: timeoutSeconds <integer>/m],
  ['get crd', /^NAME +CREATED AT\nnodeops\.operator\.kairos\.io +\d{4}-/m],
];

test.skipIf(!hasKubectl)(
  'kubectl installs the agent and looks at it (skipped where it is missing)',
  async () => {
    for (const [command, shape] of steps) {
      // oxlint-disable-next-line no-await-in-loop -- each goes on from what the one before has left
      const { output } = await run(command);
      expect(output, `kubectl ${command}`).toMatch(shape);
    }
  },
);

test.skipIf(!hasKubectl)(
  'kubectl auth can-i says what would be refused (skipped where it is missing)',
  async () => {
    refused = 'nodes';
    expect(await run('auth can-i patch nodes')).toMatchObject({
      code: 1,
      output: expect.stringMatching(/^no/) as string,
    });
    expect(await run('auth can-i patch pods')).toMatchObject({ code: 0 });
    const { output } = await run('auth can-i --list');
    expect(output).toMatch(/^pods +\[\] +\[\] +\[create /m);
    expect(output).not.toMatch(/^nodes /m);
    refused = undefined;
  },
);
