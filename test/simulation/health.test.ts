import { readFileSync } from 'node:fs';
import { load, loadAll } from 'js-yaml';
import { LuaFactory } from 'wasmoon';
import { beforeAll, expect, test } from 'vitest';
import type { NodeOpStatus } from '../../src/api/nodeop.ts';
import { runToEnd, World } from '../support/world.ts';

/** What others judge a NodeOp by. */
interface Judged {
  metadata: { generation: number };
  status: NodeOpStatus;
}

/**
 * What kstatus makes of an object of a kind it does not know, as Flux and others use it
 * (cli-utils, pkg/kstatus/status: the generic properties, then the Ready condition).
 */
function kstatus({ metadata, status }: Judged): string {
  const { observedGeneration, conditions = [] } = status;
  if (observedGeneration !== undefined && observedGeneration !== metadata.generation) return 'InProgress';
  for (const { type, status: value } of conditions) {
    if (type === 'Reconciling' && value === 'True') return 'InProgress';
    if (type === 'Stalled' && value === 'True') return 'Failed';
  }
  const ready = conditions.find(({ type }) => type === 'Ready')?.status;
  return ready === undefined || ready === 'True' ? 'Current' : 'InProgress';
}

let argo: (object: Judged) => Promise<{ status: string; message: string }>;

/** The health check of docs/argocd.md, run by a Lua interpreter as Argo CD does: `obj` in, a table out. */
beforeAll(async () => {
  const blocks = readFileSync('docs/argocd.md', 'utf8').matchAll(/^```yaml\n([\s\S]*?)^```$/gm);
  const texts = [...blocks].map(([, text = '']) => text);
  const map = texts.map((text) => load(text) as { kind: string; data?: Record<string, string> });
  const script = map.find(({ kind }) => kind === 'ConfigMap')?.data;
  const check =
    script?.['resource.customizations.health.operator.kairos.io_NodeOp'] ?? 'error("no health check found")';
  const lua = new LuaFactory();
  argo = async (object) => {
    const engine = await lua.createEngine();
    try {
      const answer: unknown = await engine.doString(`local obj = ${luaText(object)}\n${check}`);
      return answer as { status: string; message: string };
    } finally {
      engine.global.close();
    }
  };
});

/** A plain value as Lua writes it. */
function luaText(value: unknown): string {
  if (Array.isArray(value)) return `{${value.map(luaText).join(', ')}}`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).filter(([, it]) => it !== undefined);
  return `{${fields.map(([key, it]) => `[${JSON.stringify(key)}] = ${luaText(it)}`).join(', ')}}`;
}

/** Each status in turn, of a rollout over two nodes of which the first does as it is told. */
function statuses(command: 'fail' | undefined, cancel: boolean): NodeOpStatus[] {
  const first = command === undefined ? {} : { command };
  const world = new World({ concurrency: 1, stopOnFailure: true }, { 'node-1': first, 'node-2': {} });
  if (cancel) world.later(500, () => (world.cancelled = 'the run file was removed'));
  const seen: NodeOpStatus[] = [unseen()];
  runToEnd(world, () => {
    if (world.status.phase !== undefined && seen.at(-1) !== world.status) seen.push(world.status);
  });
  return seen;
}

/** The status an API server gives a NodeOp that nobody has looked at, by the definition. */
function unseen(): NodeOpStatus {
  const [crd] = loadAll(readFileSync('manifests/crd/nodeops.operator.kairos.io.yaml', 'utf8')) as [
    {
      spec: { versions: [{ schema: { openAPIV3Schema: { properties: { status: { default: object } } } } }] };
    },
  ];
  return crd.spec.versions[0].schema.openAPIV3Schema.properties.status.default;
}

/** Without what is said again. */
const turns = (states: readonly string[]) => states.filter((state, i) => state !== states[i - 1]);

test.each([
  ['Completed', undefined, false, 'Current', 'Healthy', '2 of 2 nodes completed'],
  [
    'Failed',
    'fail',
    false,
    'Failed',
    'Degraded',
    '0 of 2 nodes completed, 1 failed, 1 cancelled: node-1: command failed: exit code 7: no space',
  ],
  ['Cancelled', undefined, true, 'Failed', 'Degraded', '1 of 2 nodes completed, 1 cancelled'],
] as const)(
  'a rollout that ends as %s goes on until then, to kstatus and to Argo CD, from its creation on',
  async (_phase, command, cancel, current, healthy, message) => {
    const objects = statuses(command, cancel).map((status) => ({ metadata: { generation: 1 }, status }));
    expect(turns(objects.map(kstatus))).toEqual(['InProgress', current]);
    const told = await Promise.all(objects.map(argo));
    expect(turns(told.map(({ status }) => status))).toEqual(['Progressing', healthy]);
    expect(told[0]?.message).toBe('waiting for the controller');
    expect(told.at(-1)?.message).toBe(message);
  },
);

test('an object without any status is in progress to Argo CD', async () => {
  const { status } = await argo({ metadata: { generation: 1 } } as Judged);
  expect(status).toBe('Progressing');
});

test('a spec that is not observed yet is in progress to kstatus', () => {
  const status = { observedGeneration: 1, conditions: [] };
  expect(kstatus({ metadata: { generation: 2 }, status })).toBe('InProgress');
});
