import { afterEach, expect, test } from 'vitest';
import type { Obj } from '../../src/sim/index.ts';
import { Cluster } from '../support/cluster.ts';

let cluster: Cluster;
afterEach(() => cluster.stop());

test('a Job that is told to have failed before its pod was heard of: the end of the pod is looked up', async () => {
  cluster = await Cluster.virtual({ nodes: 1, script: () => ({ hang: true }) });
  const { store } = cluster.sim;
  await cluster.create({ metadata: { name: 'flash' }, spec: { image: 'busybox', command: ['flash'] } });
  await cluster.eventually(() =>
    expect(store.all('pods').map(({ status }) => status?.['phase'])).toEqual(['Running']),
  );
  const [pod] = store.all('pods') as [Obj];
  const [job] = store.all('jobs.batch') as [Obj];
  // Nobody who watches pods by the label of their NodeOp hears of this one any more, as if its news were late.
  const { 'agent.nodeop.dev/nodeop-uid': uid, ...labels } = pod.metadata.labels ?? {};
  const hidden = store.update('pods', { ...pod, metadata: { ...pod.metadata, labels } });
  const containerStatuses = [{ name: 'nodeop', state: { terminated: { exitCode: 3, message: 'no space' } } }];
  const ended = store.update(
    'pods',
    { ...hidden, status: { ...hidden.status, phase: 'Failed', containerStatuses } },
    { subresource: 'status' },
  );
  const condition = { type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded', message: 'over' };
  store.update(
    'jobs.batch',
    { ...job, status: { failed: 1, conditions: [condition] } },
    { subresource: 'status' },
  );
  // By the time somebody asks it is there.
  store.update('pods', {
    ...ended,
    metadata: { ...ended.metadata, labels: { ...labels, 'agent.nodeop.dev/nodeop-uid': uid ?? '' } },
  });
  const { status } = await cluster.ended('flash');
  expect(status?.nodeStatuses?.['node-1']).toMatchObject({
    phase: 'Failed',
    exitCode: 3,
    message: 'command failed: exit code 3: no space',
  });
});
