import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { dump, load } from 'js-yaml';
import type { Node, Pod } from '../../src/api/kubernetes.ts';
import type { NodeOp } from '../../src/api/nodeop.ts';
import { GitServer } from './git-server.ts';
import { HealthServer } from './health-server.ts';
import { apply, get, kubectl, until } from './kubectl.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const MANIFESTS = fileURLToPath(new URL('../../manifests', import.meta.url));
const CRD = 'crd/nodeops.operator.kairos.io.yaml';
/** An image of the agent that the cluster's nodes can pull or have already. */
const IMAGE = process.env['E2E_IMAGE'] ?? 'nodeop-agent:e2e';
const AGENT = 'nodeop-system';
const OWN = 'nodeop-e2e';
const TARGET = 'e2e.nodeop.dev/target';
/** Where the commands of the runs leave a line on their node. */
const TRACE = `var/tmp/nodeop-e2e-${Date.now().toString(36)}`;

/**
 * The agent installed in a cluster the way a user does it: an overlay over `manifests`, two replicas,
 * and a repository to follow. The first node is left alone, for the repository lives there.
 */
export class Installation {
  readonly git = new GitServer(OWN);
  readonly health = new HealthServer(OWN);
  targets: string[] = [];
  private readonly overlay = mkdtempSync(join(tmpdir(), 'nodeop-cluster-overlay-'));

  /** A definition of NodeOps as an older version of the agent had it: without these fields. */
  async installOldDefinition(without: string[]): Promise<void> {
    const crd = load(readFileSync(join(MANIFESTS, CRD), 'utf8')) as {
      spec: { versions: { schema: { openAPIV3Schema: Schema } }[] };
    };
    for (const { schema } of crd.spec.versions) {
      const { properties } = schema.openAPIV3Schema.properties?.['spec'] ?? {};
      for (const field of without) delete properties?.[field];
    }
    await apply(crd);
    await kubectl(['wait', '--for=condition=Established', '--timeout=60s', 'crd/nodeops.operator.kairos.io']);
  }

  async prepare(): Promise<void> {
    const { items } = await get<{ items: Node[] }>('nodes');
    const [home = '', ...targets] = items.map(({ metadata }) => metadata.name ?? '').toSorted();
    if (targets.length < 2) throw new Error('the cluster needs three nodes at least');
    this.targets = targets.slice(0, 2);
    await kubectl(['label', 'nodes', ...this.targets, `${TARGET}=true`, '--overwrite']);
    await kubectl(['create', 'namespace', OWN]);
    await this.git.start(IMAGE, home);
    await this.health.start(IMAGE, home);
    await apply(eyes());
  }

  async install(): Promise<void> {
    const shipped = load(readFileSync(join(MANIFESTS, 'base/agent.yaml'), 'utf8')) as Record<string, object>;
    const config = {
      ...shipped,
      cluster: 'e2e',
      git: {
        ...shipped['git'],
        url: this.git.url,
        insecure: true,
        poll: { schedule: '*/2 * * * * *', jitter: '0s' },
      },
      report: { ...shipped['report'], interval: '1s' },
      checks: { ...shipped['checks'], allowedHosts: [this.health.url] },
    };
    const patched = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'nodeop-agent', namespace: AGENT },
      data: { 'agent.yaml': dump(config) },
    };
    writeFileSync(join(this.overlay, 'config.yaml'), dump(patched));
    const [newName, newTag] = split(IMAGE);
    // The image of the cluster at hand may have no entry point of its own.
    const command = ['node', '/app/dist/nodeop-agent.js'];
    const container = { name: 'agent', command, imagePullPolicy: 'IfNotPresent' };
    const deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'nodeop-agent', namespace: AGENT },
      spec: { template: { spec: { containers: [container] } } },
    };
    const kustomization = {
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      resources: [relative(this.overlay, MANIFESTS)],
      images: [{ name: 'nodeop-agent', newName, newTag }],
      patches: [{ path: 'config.yaml' }, { patch: dump(deployment) }, ...(await leftOut())],
    };
    writeFileSync(join(this.overlay, 'kustomization.yaml'), dump(kustomization));
    await kubectl(['apply', '--validate=false', '-k', this.overlay]);
    await kubectl(['-n', AGENT, 'rollout', 'status', 'deployment/nodeop-agent', '--timeout=180s']);
    await until(
      'the first contact',
      () => this.git.file('results/e2e/.baseline.yaml'),
      (text) => text !== '',
    );
  }

  async uninstall(): Promise<void> {
    // Budgets first: no drain has to wait any longer.
    await kubectl(['delete', 'namespace', OWN, '--ignore-not-found', '--timeout=120s']);
    await kubectl(['delete', 'nodeops', '--all', '--all-namespaces', '--timeout=60s']).catch(() => '');
    await kubectl(['delete', '-k', this.overlay, '--ignore-not-found', '--timeout=120s']).catch(() => '');
    await kubectl(['label', 'nodes', '--all', `${TARGET}-`]);
    this.git.close();
    rmSync(this.overlay, { recursive: true });
  }

  /** What the command `plan` says of a run file, from this machine. */
  async plan(text: string): Promise<string> {
    const root = mkdtempSync(join(tmpdir(), 'nodeop-cluster-plan-'));
    mkdirSync(join(root, 'runs'));
    writeFileSync(join(root, 'runs/planned.yaml'), text);
    const args = [MAIN, 'plan', 'runs/planned.yaml', '--cluster', 'e2e'];
    try {
      return (await promisify(execFile)(process.execPath, args, { cwd: root })).stdout;
    } finally {
      rmSync(root, { recursive: true });
    }
  }

  nodeOp(name: string): Promise<NodeOp> {
    return get<NodeOp>('-n', AGENT, 'nodeop', name);
  }

  /** The report of a run once it says so. */
  report(name: string, wanted: RegExp, seconds?: number): Promise<string> {
    const path = `results/e2e/${name}.yaml`;
    return until(
      `${path} to say ${wanted}`,
      () => this.git.file(path),
      (text) => wanted.test(text),
      seconds,
    );
  }

  /** How often a run's command ran, target by target. */
  ran(name: string): Promise<number[]> {
    return Promise.all(this.targets.map((node) => this.ranOn(node, name)));
  }

  /** How often it ran on all targets together. */
  async ranAltogether(name: string): Promise<number> {
    return (await this.ran(name)).reduce((sum, count) => sum + count, 0);
  }

  async ranOn(node: string, name: string): Promise<number> {
    const look = () => this.onNode(node, `cat /host/${TRACE}-${name} 2>/dev/null || true`);
    const text = await until(`the traces on ${node}`, look, () => true);
    return text.split('\n').filter((line) => line === name).length;
  }

  /** Runs a shell command in the pod that sees the node's files. */
  private async onNode(node: string, command: string): Promise<string> {
    const selectors = ['-l', 'app=eyes', '--field-selector', `spec.nodeName=${node}`];
    const { items } = await get<{ items: Pod[] }>('-n', OWN, 'pods', ...selectors);
    return kubectl(['-n', OWN, 'exec', items[0]?.metadata.name ?? 'none', '--', 'sh', '-c', command]);
  }

  /** Who acts, by the lease: `<pod>_<process>`. A killed container that came back is another one. */
  async leader(): Promise<string> {
    const lease = await get<{ spec: { holderIdentity?: string } }>('-n', AGENT, 'lease', 'nodeop-agent');
    return lease.spec.holderIdentity ?? '';
  }

  /** SIGKILL to every process of a pod, from outside of it: nothing gets to say goodbye. */
  async kill(name: string): Promise<void> {
    const { metadata, spec } = await get<Pod>('-n', AGENT, 'pod', name);
    const uid = metadata.uid?.replaceAll('-', '[-_]');
    const command = `for p in /proc/[0-9]*; do grep -q 'pod${uid}' $p/cgroup 2>/dev/null && kill -9 \${p##*/}; done; true`;
    const container = { name: 'kill', image: 'busybox:latest', command: ['sh', '-c', command] };
    await apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'kill', namespace: OWN },
      spec: {
        nodeName: spec?.nodeName,
        hostPID: true,
        restartPolicy: 'Never',
        containers: [{ ...container, securityContext: { privileged: true } }],
      },
    });
    const phase = async () => (await get<Pod>('-n', OWN, 'pod', 'kill')).status?.phase;
    await until('the kill', phase, (it) => it === 'Succeeded');
    await kubectl(['-n', OWN, 'delete', 'pod', 'kill', '--grace-period=0', '--force']);
  }

  /** What to look at when a test failed: pods, runs, and the end of the agents' logs. */
  async diagnosis(): Promise<string> {
    const parts = await Promise.all(
      [
        ['get', 'pods,nodeops', '--all-namespaces', '--output', 'wide'],
        ['-n', AGENT, 'logs', '-l', 'app.kubernetes.io/name=nodeop-agent', '--tail=60', '--prefix'],
      ].map((args) => kubectl(args).catch(String)),
    );
    return parts.join('\n');
  }

  /** Everything the agents there are have logged, also before a container of theirs was killed. */
  async logs(): Promise<string> {
    const selected = ['-n', AGENT, 'logs', '-l', 'app.kubernetes.io/name=nodeop-agent', '--tail=-1'];
    const names = await kubectl(['-n', AGENT, 'get', 'pods', '-o', 'name']);
    const pods = names.split('\n').filter((it) => it !== '');
    const before = pods.map((pod) => kubectl(['-n', AGENT, 'logs', pod, '--previous']).catch(() => ''));
    return (await Promise.all([kubectl(selected), ...before])).join('\n');
  }
}

interface Schema {
  properties?: Record<string, Schema>;
}

/** A run file whose command leaves a line on each target. */
export function runFile(name: string, spec: object = {}, then = 'true'): string {
  const op = {
    apiVersion: 'operator.kairos.io/v1alpha1',
    kind: 'NodeOp',
    metadata: { name },
    spec: {
      image: 'busybox:latest',
      nodeSelector: { matchLabels: { [TARGET]: 'true' } },
      backoffLimit: 0,
      command: ['sh', '-c', `echo ${name} >> "$HOST_DIR/${TRACE}-${name}"; ${then}`],
      ...spec,
    },
  };
  return dump(op);
}

/** Pods that see their node's files; a drain leaves a DaemonSet's pods alone. */
function eyes(): object {
  const labels = { app: 'eyes' };
  const mount = { name: 'host', mountPath: '/host', readOnly: true };
  const command = ['sh', '-c', 'trap "exit 0" TERM; while true; do sleep 1; done'];
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'eyes', namespace: OWN },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          nodeSelector: { [TARGET]: 'true' },
          terminationGracePeriodSeconds: 1,
          containers: [{ name: 'eyes', image: 'busybox:latest', command, volumeMounts: [mount] }],
          volumes: [{ name: 'host', hostPath: { path: '/' } }],
        },
      },
    },
  };
}

/** Name and tag of an image; the colon of a registry's port is none of a tag. */
function split(image: string): [name: string, tag: string] {
  const at = image.lastIndexOf(':');
  return at > image.lastIndexOf('/') ? [image.slice(0, at), image.slice(at + 1)] : [image, 'latest'];
}

/**
 * What does not fit the cluster at hand: the NetworkPolicy, since the repository is behind a port nobody
 * else uses, and the PodDisruptionBudget where the server is older than its version.
 */
async function leftOut(): Promise<{ patch: string }[]> {
  const metadata = { name: 'nodeop-agent', namespace: AGENT };
  const without = (apiVersion: string, kind: string) => ({
    patch: dump({ $patch: 'delete', apiVersion, kind, metadata }),
  });
  const versions = (await kubectl(['api-versions'])).split('\n');
  return [
    without('networking.k8s.io/v1', 'NetworkPolicy'),
    ...(versions.includes('policy/v1') ? [] : [without('policy/v1', 'PodDisruptionBudget')]),
  ];
}
