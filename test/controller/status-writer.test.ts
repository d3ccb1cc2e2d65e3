import { expect, test } from 'vitest';
import { createLogger } from '../../src/agent/logger.ts';
import { Rollout } from '../../src/agent/rollouts/rollout.ts';
import { isUrgent, StatusWriter } from '../../src/agent/rollouts/status-writer.ts';
import { Timers } from '../../src/agent/rollouts/timers.ts';
import type { NodeOp, NodeOpStatus, NodeStatus } from '../../src/api/nodeop.ts';
import { mergePatch } from '../../src/core/runs/merge.ts';
import { ApiError } from '../../src/kube/api-error.ts';
import { FakeClock } from '../support/fake-clock.ts';

type Options = ConstructorParameters<typeof StatusWriter>[0];

/** A NodeOp on an API server whose writes take `tookMs`, and an agent that writes its status. */
function setup() {
  const clock = new FakeClock();
  let version = 1;
  let object: NodeOp = {
    metadata: { name: 'op', namespace: 'ops', uid: 'uid', resourceVersion: '1' },
    spec: { image: 'busybox', command: ['true'] } as NodeOp['spec'],
    status: { phase: 'Running' },
  };
  const server = {
    writes: [] as number[],
    tookMs: 0,
    patch: (async (
      _: unknown,
      __: unknown,
      body: { metadata: { resourceVersion?: string }; status: object },
    ) => {
      server.writes.push(clock.steady());
      const { promise, resolve } = Promise.withResolvers<void>();
      clock.after(server.tookMs, resolve);
      await promise;
      const { resourceVersion } = body.metadata;
      if (resourceVersion !== object.metadata.resourceVersion)
        throw new ApiError(409, { message: 'conflict' });
      server.write(body.status);
      return object;
    }) as unknown as Options['client']['patch'],
    write: (status: object) => {
      version += 1;
      object = {
        ...object,
        metadata: { ...object.metadata, resourceVersion: String(version) },
        status: mergePatch(object.status ?? {}, status) as NodeOpStatus,
      };
    },
    get: () => object,
  };
  const rollout = new Rollout(object, clock);
  const cache = {
    put: (one: NodeOp) => rollout.take(one),
    reread: () => {
      rollout.take(object);
      return Promise.resolve(object);
    },
  };
  const writer = new StatusWriter({
    client: { patch: server.patch },
    cache,
    clock,
    timers: new Timers(clock),
    logger: createLogger('silent'),
    onDone: (it) => writer.plan(it),
    onRefused: () => {},
  });
  const set = (status: NodeOpStatus) => {
    rollout.status = status;
    writer.plan(rollout);
  };
  return { clock, server, rollout, writer, set };
}

test('a late write of an agent that leads no more does not land over that of the next one', async () => {
  const { clock, server, set, rollout } = setup();
  server.tookMs = 5_000;
  set({ phase: 'Running', nodeStatuses: { 'node-1': { phase: 'Running' } } });
  await clock.advance(1_500);
  expect(server.writes).toHaveLength(1);
  server.write({ nodeStatuses: { 'node-1': { phase: 'Completed' }, 'node-2': { phase: 'Running' } } });
  await clock.advance(4_000);
  expect(server.get().status?.nodeStatuses).toEqual({
    'node-1': { phase: 'Completed' },
    'node-2': { phase: 'Running' },
  });
  // It goes on from what it found, as after a restart.
  expect(rollout.status.nodeStatuses?.['node-1']?.phase).toBe('Completed');
});

test('somebody who changes the rest of the object costs a write, not the news', async () => {
  const { clock, server, set, rollout } = setup();
  const status: NodeOpStatus = { phase: 'Running', nodeStatuses: { 'node-1': { phase: 'Running' } } };
  server.write({});
  set(status);
  await clock.advance(2_000);
  expect(server.writes).toHaveLength(2);
  expect(server.get().status).toEqual(status);
  expect(rollout.persisted).toBe(status);
});

test.each([
  ['a small status', 20, false, 60],
  ['one that takes the API server seconds', 2_800, false, 4],
  ['one that takes seconds and that a reboot waits for', 2_800, true, 12],
])('%s: the gap between writes grows with what they take', async (_, tookMs, urgent, most) => {
  const { clock, server, set, rollout } = setup();
  server.tookMs = tookMs;
  for (let second = 0; second < 60; second += 1) {
    rollout.isUrgent ||= urgent;
    set({ phase: 'Running', nodeStatuses: { 'node-1': { phase: 'Running', attempts: second } } });
    // oxlint-disable-next-line no-await-in-loop -- second after second
    await clock.advance(1_000);
  }
  expect(server.writes.length).toBeLessThanOrEqual(most);
  expect(server.writes.length).toBeGreaterThan(most / 2 - 1);
  await clock.advance(60_000);
  expect(server.get().status?.nodeStatuses?.['node-1']?.attempts).toBe(59);
});

test('stopped, it begins no write, and waits for the one under way', async () => {
  const { clock, server, set, writer } = setup();
  server.tookMs = 3_000;
  set({ phase: 'Running', nodeStatuses: {} });
  await clock.advance(1_500);
  const stopped = writer.stop();
  await clock.advance(3_000);
  await stopped;
  expect(server.get().status?.nodeStatuses).toEqual({});
  set({ phase: 'Running', nodeStatuses: { 'node-1': { phase: 'Running' } } });
  await clock.advance(60_000);
  expect(server.writes).toHaveLength(1);
});

test('what a reboot waits for, and the phase of the whole, are urgent; the rest is not', () => {
  const running: NodeOpStatus = { phase: 'Running', nodeStatuses: { a: { phase: 'Running' } } };
  const rebooting: NodeOpStatus = { phase: 'Running', nodeStatuses: { a: { phase: 'Rebooting' } } };
  const was = (phase: NodeStatus['phase']) => new Map([['a', { phase }]]);
  expect(isUrgent(running, rebooting, was('Running'))).toBe(true);
  expect(isUrgent(rebooting, { ...rebooting }, was('Rebooting'))).toBe(false);
  expect(isUrgent(rebooting, running, was('Rebooting'))).toBe(false);
  expect(isUrgent(running, { ...running, phase: 'Completed' }, new Map())).toBe(true);
});

test('a clock that is set while a step soaks changes neither the soak nor what the next process makes of it', async () => {
  const { clock, server, set, writer, rollout } = setup();
  const since = new Date(clock.steady()).toISOString().replace('.000Z', 'Z');
  const step = { name: 'canary', phase: 'Soaking', nodes: 1, finished: 1, failed: 0, since } as const;
  set({ phase: 'Running', steps: [step] });
  await clock.advance(2_000);
  expect(server.get().status?.steps?.[0]?.since).toBe(since);
  clock.set(3_600_000);
  writer.plan(rollout);
  await clock.advance(2_000);
  expect(server.get().status?.steps?.[0]?.since).toBe('2030-01-01T01:00:00Z');
  expect(new Rollout(server.get(), clock).status.steps?.[0]?.since).toBe(since);
  const { length } = server.writes;
  writer.plan(rollout);
  await clock.advance(60_000);
  expect(server.writes).toHaveLength(length);
});
