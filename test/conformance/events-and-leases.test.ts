import { expect, test } from 'vitest';
import { useTarget } from './target.ts';

const target = useTarget();

test('an event is made, patched to count up, and found by what it is about', async () => {
  const events = (...rest: string[]) => target.it.core('events', ...rest);
  const involvedObject = {
    apiVersion: 'operator.kairos.io/v1alpha1',
    kind: 'NodeOp',
    name: 'subject',
    namespace: target.it.namespace,
    uid: 'abc',
  };
  await target.it.make(events(), {
    metadata: { name: 'subject.1' },
    involvedObject,
    reason: 'Drained',
    type: 'Normal',
    message: 'once',
    count: 1,
    firstTimestamp: '2026-01-01T00:00:00Z',
    lastTimestamp: '2026-01-01T00:00:00Z',
    source: { component: 'nodeop-agent' },
  });
  const lastTimestamp = '2026-01-01T00:01:00Z';
  const patched = await target.it.patch('merge', events('subject.1'), { count: 2, lastTimestamp });
  expect(patched.body).toMatchObject({ count: 2, lastTimestamp, message: 'once', reason: 'Drained' });
  const fieldSelector = 'involvedObject.kind=NodeOp,involvedObject.name=subject,reason=Drained,type=Normal';
  const found = await target.it.call(
    'GET',
    `${events()}?${new URLSearchParams({ fieldSelector }).toString()}`,
  );
  expect(found.body.items.map(({ metadata }) => metadata.name)).toEqual(['subject.1']);
});

test('an event about an object of another namespace is refused', async () => {
  const answer = await target.it.call('POST', target.it.core('events'), {
    metadata: { name: 'elsewhere.1' },
    involvedObject: { kind: 'NodeOp', name: 'x', namespace: 'default' },
    reason: 'X',
    type: 'Normal',
  });
  expect(answer).toMatchObject({ code: 422, body: { reason: 'Invalid' } });
});

test('a lease keeps its microseconds, and of two who take it one gets a Conflict', async () => {
  const leases = (...rest: string[]) => target.it.group('coordination.k8s.io/v1', 'leases', ...rest);
  const time = '2026-01-01T00:00:00.123456Z';
  const spec = {
    holderIdentity: 'a',
    leaseDurationSeconds: 15,
    acquireTime: time,
    renewTime: time,
    leaseTransitions: 0,
  };
  const made = await target.it.make(leases(), {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'leader' },
    spec,
  });
  expect(made.spec).toMatchObject(spec);
  const take = (holderIdentity: string) =>
    target.it.call('PUT', leases('leader'), { ...made, spec: { ...spec, holderIdentity } });
  const answers = await Promise.all([take('b'), take('c')]);
  expect(answers.map(({ code }) => code).toSorted((a, b) => a - b)).toEqual([200, 409]);
});
