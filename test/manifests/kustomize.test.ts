import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { load, loadAll } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { AGENT_API_VERSION, AgentConfigSchema } from '../../src/api/config.ts';
import { parseDocument } from '../../src/api/documents.ts';

const ROOT = 'manifests';
const files = readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
  .map((file) => join(ROOT, file))
  .filter((file) => file.endsWith('.yaml'));
const kustomizations = files.filter((file) => file.endsWith('/kustomization.yaml'));
const overlays = readdirSync(join(ROOT, 'overlays')).map((name) => join(ROOT, 'overlays', name));
const kustomize = spawnSync('kubectl', ['kustomize', '--help']).status === 0;

const Manifest = z.looseObject({
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
});
type Manifest = z.infer<typeof Manifest>;

function render(folder: string): Manifest[] {
  return loadAll(execFileSync('kubectl', ['kustomize', folder], { encoding: 'utf8' })).map((it) =>
    Manifest.parse(it),
  );
}

function configProblems(text: string): unknown {
  const parsed = parseDocument(Buffer.from(text), [
    { apiVersion: AGENT_API_VERSION, kind: 'AgentConfig', schema: AgentConfigSchema },
  ]);
  return parsed.ok ? [] : parsed.problems;
}

test('every file belongs to a kustomization, and every kustomization names only what is there', () => {
  const List = z.array(z.string()).default([]);
  const Kustomization = z.looseObject({
    resources: List,
    components: List,
    configMapGenerator: z.array(z.looseObject({ files: List })).default([]),
  });
  const named = kustomizations.flatMap((file) => {
    const { resources, components, configMapGenerator } = Kustomization.parse(
      load(readFileSync(file, 'utf8')),
    );
    const names = [...resources, ...components, ...configMapGenerator.flatMap((it) => it.files)];
    return names.map((name) => join(dirname(file), name));
  });
  for (const path of named) expect(existsSync(path), path).toBe(true);
  const used = new Set(
    named.map((path) => (statSync(path).isDirectory() ? join(path, 'kustomization.yaml') : path)),
  );
  const starts = [ROOT, ...overlays].map((folder) => join(folder, 'kustomization.yaml'));
  expect(files.filter((file) => !used.has(file) && !starts.includes(file))).toEqual([]);
});

test.each(files.filter((file) => file.endsWith('/agent.yaml')))('%s is a valid configuration', (file) => {
  expect(configProblems(readFileSync(file, 'utf8'))).toEqual([]);
});

describe.skipIf(!kustomize)('rendered by kubectl (skipped where it is not installed)', () => {
  test.each([ROOT, join(ROOT, 'base'), ...overlays])('%s', (folder) => {
    const objects = render(folder);
    const withPage = (...names: string[]) => (folder.endsWith('overlays/page') ? names : []);
    expect(objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`).toSorted()).toEqual([
      'ClusterRole nodeop-agent',
      ...withPage('ClusterRole nodeop-agent-page'),
      'ClusterRole nodeop-edit',
      'ClusterRole nodeop-view',
      'ClusterRoleBinding nodeop-agent',
      ...withPage('ClusterRoleBinding nodeop-agent-page'),
      'ConfigMap nodeop-agent',
      'CustomResourceDefinition nodeops.operator.kairos.io',
      'Deployment nodeop-agent',
      ...(folder.endsWith('webhook-ingress') ? ['Ingress nodeop-agent'] : []),
      'Namespace nodeop-system',
      'NetworkPolicy nodeop-agent',
      'PodDisruptionBudget nodeop-agent',
      'Role nodeop-agent',
      'RoleBinding nodeop-agent',
      'Service nodeop-agent',
      ...withPage('Service nodeop-agent-page'),
      'ServiceAccount nodeop-agent',
    ]);
    const config = objects.find(({ kind }) => kind === 'ConfigMap');
    expect(
      configProblems(z.object({ 'agent.yaml': z.string() }).parse(config?.['data'])['agent.yaml']),
    ).toEqual([]);
    const elsewhere = objects.filter(
      ({ metadata }) => (metadata.namespace ?? 'nodeop-system') !== 'nodeop-system',
    );
    expect(elsewhere).toEqual([]);
  });

  test.each([ROOT, ...overlays])(
    '%s: the agent itself is a restricted pod, with a probe on a port it opens',
    (folder) => {
      const Container = z.looseObject({
        image: z.string(),
        securityContext: z.unknown(),
        ports: z.array(z.object({ name: z.string(), containerPort: z.number() })),
        livenessProbe: z.looseObject({ httpGet: z.unknown() }),
        readinessProbe: z.looseObject({ httpGet: z.unknown() }),
        volumeMounts: z.array(z.looseObject({ name: z.string(), mountPath: z.string() })),
      });
      const Pod = z.looseObject({
        securityContext: z.unknown(),
        containers: z.tuple([Container]),
        volumes: z.array(z.looseObject({ name: z.string() })),
      });
      const Deployment = z.object({ replicas: z.number(), template: z.object({ spec: Pod }) });
      const deployment = render(folder).find(({ kind }) => kind === 'Deployment');
      const { replicas, template } = Deployment.parse(deployment?.['spec']);
      const [container] = template.spec.containers;
      expect(replicas).toBe(2);
      expect(template.spec.securityContext).toMatchObject({
        runAsNonRoot: true,
        runAsUser: 10001,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(container.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      for (const key of ['hostNetwork', 'hostPID', 'hostIPC']) expect(template.spec).not.toHaveProperty(key);
      for (const volume of template.spec.volumes) expect(volume).not.toHaveProperty('hostPath');
      expect(container.livenessProbe.httpGet).toEqual({ path: '/livez', port: 'http' });
      expect(container.readinessProbe.httpGet).toEqual({ path: '/readyz', port: 'http' });
      expect(container.ports).toEqual([{ name: 'http', containerPort: 8080 }]);
      const mounted = container.volumeMounts.map(({ name }) => name).toSorted();
      expect(template.spec.volumes.map(({ name }) => name).toSorted()).toEqual(mounted);
    },
  );
});
