import { expect, test } from 'vitest';
import { useTarget } from './target.ts';

const target = useTarget();

test('a deleted namespace is emptied, takes nothing new, and goes when all is gone', async () => {
  const name = `${target.it.namespace}-doomed`;
  const path = `/api/v1/namespaces/${name}`;
  await target.it.makeNamespace(name);
  await target.it.make(`${path}/secrets`, { metadata: { name: 'plain' } });
  const held = { metadata: { name: 'held', finalizers: ['nodeop.dev/hold'] } };
  await target.it.make(`${path}/configmaps`, held);
  await target.it.call('DELETE', path);
  await target.it.untilGone(`${path}/secrets/plain`);
  const left = await target.it.until(path, ({ status }) => status?.['phase'] === 'Terminating');
  expect(left.metadata.deletionTimestamp).toBeDefined();
  const late = await target.it.call('POST', `${path}/configmaps`, { metadata: { name: 'late' } });
  expect(late).toMatchObject({ code: 403, body: { reason: 'Forbidden' } });
  expect(late.body.message).toContain('being terminated');
  await target.it.patch('merge', `${path}/configmaps/held`, { metadata: { finalizers: null } });
  await target.it.untilGone(path);
});

test('a new namespace is Active', async () => {
  const { body } = await target.it.call('GET', `/api/v1/namespaces/${target.it.namespace}`);
  expect(body.status).toMatchObject({ phase: 'Active' });
});
