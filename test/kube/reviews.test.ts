import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KubeClient } from '../../src/kube/client.ts';
import { AccessReviews } from '../../src/kube/reviews.ts';
import { type Sim, startSim } from '../../src/sim/index.ts';

const dir = mkdtempSync(join(tmpdir(), 'nodeop-reviews-'));
let sim: Sim;
let client: KubeClient;

const PEOPLE = {
  'token-of-ada': { name: 'ada', groups: ['on-call'] },
  'token-of-grace': { name: 'grace' },
  'token-of-eve': { name: 'eve' },
  'token-for-page': { name: 'ada', groups: ['on-call'], audiences: ['page'] },
  'token-of-root': { name: 'root', groups: ['system:masters'] },
};

beforeAll(async () => {
  sim = await startSim({ nodes: 0, people: PEOPLE });
  writeFileSync(join(dir, 'kubeconfig'), sim.kubeconfig);
  client = new KubeClient({ kubeconfig: join(dir, 'kubeconfig') });
  const rbac = (plural: string, object: object) =>
    sim.store.create(`${plural}.rbac.authorization.k8s.io`, { metadata: {}, ...object });
  const look = { apiGroups: ['operator.kairos.io'], resources: ['nodeops'], verbs: ['get', 'list'] };
  rbac('clusterroles', { metadata: { name: 'look' }, rules: [look] });
  rbac('clusterroles', {
    metadata: { name: 'all-of-core' },
    rules: [{ apiGroups: [''], resources: ['*'], verbs: ['*'] }],
  });
  rbac('clusterrolebindings', {
    metadata: { name: 'on-call-look' },
    roleRef: { kind: 'ClusterRole', name: 'look' },
    subjects: [{ kind: 'Group', name: 'on-call' }],
  });
  rbac('rolebindings', {
    metadata: { name: 'on-call-logs', namespace: 'ops' },
    roleRef: { kind: 'ClusterRole', name: 'all-of-core' },
    subjects: [{ kind: 'Group', name: 'on-call' }],
  });
  rbac('rolebindings', {
    metadata: { name: 'grace-looks', namespace: 'ops' },
    roleRef: { kind: 'ClusterRole', name: 'look' },
    subjects: [{ kind: 'User', name: 'grace' }],
  });
});

afterAll(async () => {
  await client.close();
  await sim.stop();
  rmSync(dir, { recursive: true });
});

test.each([
  ['token-of-ada', { namespace: 'ops', nodeOps: 'all', logs: 'own' }],
  ['token-of-grace', { namespace: 'ops', nodeOps: 'own', logs: 'none' }],
  ['token-of-eve', undefined],
  ['token-of-root', { namespace: 'ops', nodeOps: 'all', logs: 'all' }],
])('%s sees what its roles grant: %j', async (token, sees) => {
  const reviews = new AccessReviews(client, 'ops');
  const user = await reviews.userOf(token);
  expect(user?.groups).toContain('system:authenticated');
  expect(user && (await reviews.seesOf(user))).toEqual(sees);
});

test.each(['', 'made-up', 'toString', '__proto__'])('%j is nobody’s token', async (token) => {
  expect(await new AccessReviews(client, 'ops').userOf(token)).toBeUndefined();
});

test.each([
  [undefined, 'token-of-ada', 'ada'],
  [undefined, 'token-for-page', undefined],
  [['page'], 'token-for-page', 'ada'],
  [['other', 'page'], 'token-for-page', 'ada'],
  [['page'], 'token-of-ada', undefined],
])('for the audiences %j the token %s is of %s', async (audiences, token, name) => {
  expect((await new AccessReviews(client, 'ops', audiences).userOf(token))?.name).toBe(name);
});

test('a server that does not look for whom a token is signs nobody in where that is asked for', async () => {
  const unaware = {
    request: () => Promise.resolve({ status: { authenticated: true, user: { username: 'ada' } } }),
  } as unknown as KubeClient;
  expect(await new AccessReviews(unaware, 'ops', ['page']).userOf('any')).toBeUndefined();
  expect((await new AccessReviews(unaware, 'ops').userOf('any'))?.name).toBe('ada');
});
