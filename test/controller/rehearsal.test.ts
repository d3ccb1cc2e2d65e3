import { afterEach, beforeEach, expect, test } from 'vitest';
import type { NodeOp } from '../../src/api/nodeop.ts';
import type { AccessRequest } from '../../src/sim/api/rbac.ts';
import { StatusError } from '../../src/sim/store/errors.ts';
import { Cluster } from '../support/cluster.ts';

let cluster: Cluster;
let asked: string[];
let cordons: number;
/** What the API server answers to the dry run of the resource, in the order of the questions. */
let answers: Record<string, (StatusError | undefined)[]>;

const invalid = new StatusError(
  422,
  'Invalid',
  'spec.template.spec.tolerations[0].effect: Unsupported value',
);
const forbidden = new StatusError(403, 'Forbidden', 'exceeded quota: jobs', { retryAfterSeconds: 1 });

function refuse({ verb, resource, dryRun }: AccessRequest): undefined {
  if (verb === 'patch' && resource === 'nodes') cordons += 1;
  if (verb !== 'create' || dryRun !== true) return;
  asked.push(resource);
  const known = answers[resource] ?? [];
  const answer = known.length > 1 ? known.shift() : known[0];
  if (answer !== undefined) throw answer;
}

beforeEach(async () => {
  [asked, cordons, answers] = [[], 0, {}];
  cluster = await Cluster.virtual({
    nodes: 2,
    refuse,
    script: ({ metadata }) => ({
      durationMs: 5,
      reboot: metadata.labels?.['kairos.io/reboot'] !== undefined,
    }),
  });
});

afterEach(() => cluster.stop());

const made = () => [...cluster.sim.store.all('jobs.batch'), ...cluster.sim.store.all('pods')];
const condition = (op: NodeOp, wanted: string) => op.status?.conditions?.find(({ type }) => type === wanted);

test.each([
  ['Job', 'jobs', invalid],
  ['Job', 'jobs', new StatusError(400, 'BadRequest', 'admission webhook "w" denied the request: no image')],
  ['preflight pod', 'pods', invalid],
])(
  'a %s that is refused for good fails the rollout before a node is touched',
  async (what, resource, error) => {
    answers[resource] = [error];
    const spec = { cordon: true, drainOptions: { enabled: true }, preflight: { command: ['true'] } };
    const op = await cluster.ended(await cluster.nodeOp(spec));
    const message = `the API server refuses the ${what}: ${error.message}`;
    expect(op.status).toMatchObject({ phase: 'Failed', summary: { cancelled: 2, inFlight: 0 } });
    expect(condition(op, 'Stalled')).toMatchObject({ status: 'True', reason: 'Refused', message });
    expect(op.status?.nodeStatuses?.['node-1']).toMatchObject({
      phase: 'Cancelled',
      message: `Cancelled: ${message}`,
    });
    expect([made(), cordons]).toEqual([[], 0]);
  },
);

test('so does a reboot pod, also while the rollout is suspended', async () => {
  answers['pods'] = [invalid];
  const op = await cluster.ended(await cluster.nodeOp({ rebootOnSuccess: true, suspend: true }));
  expect(condition(op, 'Ready')?.message).toContain('refuses the reboot pod');
  expect([made(), cordons]).toEqual([[], 0]);
});

test('all is asked about once, and nothing of it stored', async () => {
  const spec = { rebootOnSuccess: true, preflight: { command: ['true'] }, concurrency: 1 };
  const op = await cluster.ended(await cluster.nodeOp(spec));
  expect(op.status?.phase).toBe('Completed');
  expect(asked).toEqual(['jobs', 'pods', 'pods']);
});

test('a server that is in trouble, or a webhook that cannot be asked so, fails nothing', async () => {
  const trouble = [500, 503, 429, 401].map((code) => new StatusError(code, 'Trouble', 'not now'));
  answers['jobs'] = [
    ...trouble,
    new StatusError(400, 'BadRequest', 'admission webhook "old" does not support dry run'),
  ];
  const op = await cluster.ended(await cluster.nodeOp({}));
  expect(op.status?.phase).toBe('Completed');
  expect(asked.length).toBe(5);
});

test('what is forbidden is waited for, for startTimeoutSeconds', async () => {
  answers['jobs'] = [forbidden];
  const name = await cluster.nodeOp({ cordon: true, startTimeoutSeconds: 2 });
  const waits = await cluster.until(name, (op) => condition(op, 'Reconciling')?.reason === 'Waiting');
  expect(condition(waits, 'Ready')?.message).toContain('exceeded quota');
  const op = await cluster.ended(name);
  expect(condition(op, 'Stalled')).toMatchObject({
    reason: 'Refused',
    message: 'for 2 s: the API server refuses the Job: exceeded quota: jobs',
  });
  expect([made(), cordons]).toEqual([[], 0]);
});

test('what is forbidden at first and then not goes on', async () => {
  answers['jobs'] = [forbidden, forbidden, undefined];
  const op = await cluster.ended(await cluster.nodeOp({ cordon: true }));
  expect(op.status?.phase).toBe('Completed');
});

test('the pod of a check that is refused for good is known before the canary is touched', async () => {
  answers['pods'] = [invalid];
  const steps = [{ name: 'canary', upTo: 1, checks: [{ command: { command: ['verify'] } }] }];
  const op = await cluster.ended(await cluster.nodeOp({ steps }));
  const message = `the API server refuses the pod of steps[0].checks[0]: ${invalid.message}`;
  expect(op.status).toMatchObject({ phase: 'Failed', summary: { cancelled: 2, inFlight: 0 } });
  expect(condition(op, 'Stalled')).toMatchObject({ status: 'True', reason: 'Refused', message });
  expect(made()).toEqual([]);
});
