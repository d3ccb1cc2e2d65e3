import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ANNOTATION_UNTENDED } from '../../src/api/labels.ts';
import { systemClock } from '../../src/time/clock.ts';
import { candidate, LeaseServer } from './support.ts';

let server: LeaseServer;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
  server = new LeaseServer();
});

afterEach(() => {
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** Stops it while the clock goes on. */
async function stop({ election }: ReturnType<typeof candidate>): Promise<void> {
  const done = election.stop();
  await pass(30_000);
  await done;
}

test('one leads, the other stands by; the record says who, for how long, and in Kubernetes time', async () => {
  const [a, b] = [candidate('a', server.client()), candidate('b', server.client())];
  a.election.start();
  await pass(100);
  b.election.start();
  await pass(60_000);
  expect([a.leads(), b.leads()]).toEqual([true, false]);
  expect(a.log).toEqual(['gain']);
  expect(b.log).toEqual(['waits for a']);
  expect(server.lease?.spec).toMatchObject({
    holderIdentity: 'a',
    leaseDurationSeconds: 12,
    leaseTransitions: 0,
    renewTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
  });
  await Promise.all([stop(a), stop(b)]);
});

test('a graceful stop empties the record, and the other leads at its next look', async () => {
  const [a, b] = [candidate('a', server.client()), candidate('b', server.client())];
  a.election.start();
  await pass(100);
  b.election.start();
  await pass(10_000);
  const stopped = a.election.stop();
  await pass(10);
  await stopped;
  expect(server.lease?.spec?.holderIdentity).toBe('');
  await pass(2_000);
  expect([a.leads(), b.leads()]).toEqual([false, true]);
  expect(server.lease?.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
  await stop(b);
});

test('a lease that is not to be given up runs out', async () => {
  const a = candidate('a', server.client());
  a.election.start();
  await pass(100);
  const stopped = a.election.stop({ release: false });
  await pass(10);
  await stopped;
  expect(server.lease?.spec?.holderIdentity).toBe('a');
});

test('whoever is stopped while the API server does not answer waits for no more than seconds, whatever its deadline is', async () => {
  let silent = false;
  const a = candidate(
    'a',
    server.client(() => ({ delayMs: silent ? 1e9 : 1 })),
    { leaseDurationMs: 60_000, renewDeadlineMs: 45_000 },
  );
  a.election.start();
  await pass(100);
  silent = true;
  await pass(2_000);
  let ended = false;
  void a.election.stop().then(() => (ended = true));
  await pass(10_100);
  expect(ended).toBe(true);
  expect(a.leads()).toBe(false);
});

test('a holder that is killed is succeeded when its lease is over, in less than 15 s', async () => {
  let dead = false;
  const a = candidate(
    'a',
    server.client(() => ({ delayMs: dead ? 1e9 : 1 })),
  );
  const b = candidate('b', server.client());
  a.election.start();
  await pass(100);
  b.election.start();
  await pass(10_000);
  dead = true;
  await pass(10_000);
  expect(b.leads()).toBe(false);
  await pass(5_000);
  expect(b.leads()).toBe(true);
  await Promise.all([stop(a), stop(b)]);
});

test.each([
  ['refuses', { down: true }],
  ['does not answer', { delayMs: 1e9 }],
])('a holder whose API server %s stops acting before anybody can follow', async (_, failure) => {
  let broken = false;
  const a = candidate(
    'a',
    server.client(() => (broken ? failure : {})),
  );
  const b = candidate('b', server.client());
  a.election.start();
  await pass(100);
  b.election.start();
  await pass(9_000);
  broken = true;
  for (let at = 0; at < 20_000; at += 100) {
    // oxlint-disable-next-line no-await-in-loop -- time goes on step by step
    await pass(100);
    expect([a.leads(), b.leads()], `after ${at} ms`).not.toEqual([true, true]);
  }
  expect(a.log.filter((line) => line !== 'error')).toEqual([
    'gain',
    'loss: the lease could not be renewed in time',
  ]);
  expect(b.leads()).toBe(true);
  broken = false;
  await pass(10_000);
  expect([a.leads(), b.leads()]).toEqual([false, true]);
  await Promise.all([stop(a), stop(b)]);
});

test('a process that was paused past its deadline may not write any more when it wakes up', async () => {
  const a = candidate('a', server.client());
  a.election.start();
  await pass(100);
  expect(a.leads()).toBe(true);
  const asleep = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 9_000);
  expect(a.leads()).toBe(false);
  asleep.mockRestore();
  await stop(a);
});

test('an answer that was lost, a touched and a deleted record do not shake the holder', async () => {
  let answerLost = false;
  const a = candidate(
    'a',
    server.client(() => ({ answerLost })),
  );
  a.election.start();
  await pass(100);
  answerLost = true;
  await pass(4_000);
  answerLost = false;
  await pass(4_000);
  server.edit((lease) => (lease.metadata.annotations = { note: 'by hand' }));
  await pass(10_000);
  server.lease = undefined;
  await pass(10_000);
  expect(a.log.filter((line) => line !== 'error')).toEqual(['gain']);
  expect(a.leads()).toBe(true);
  await stop(a);
});

test('a tenure that was lost is followed by the next one only when its lease is over: what was sent may take effect until then', async () => {
  let down = false;
  const a = candidate(
    'a',
    server.client(() => ({ down })),
  );
  a.election.start();
  await pass(4_100);
  const renewed = server.lease?.spec?.renewTime ?? '';
  const over = Date.parse(renewed) + 12_000;
  down = true;
  await pass(8_100);
  expect(a.leads()).toBe(false);
  down = false;
  await pass(over - Date.now() - 100);
  expect(a.leads()).toBe(false);
  await pass(2_100);
  expect(a.leads()).toBe(true);
  await stop(a);
});

describe('a cluster that comes back from a backup within the time of a lease', () => {
  test('has an earlier record: the leader stops, and nothing goes on before it is compared', async () => {
    const a = candidate('a', server.client());
    a.election.start();
    await pass(10_100);
    const backup = structuredClone(server.lease?.spec ?? {});
    await pass(20_000);
    server.edit((lease) => (lease.spec = backup));
    await pass(2_100);
    expect(a.leads()).toBe(false);
    expect(a.log.at(-1)).toBe('loss: the cluster has come back from a backup');
    await pass(14_100);
    expect(a.leads()).toBe(true);
    expect(a.untended).toEqual([true, true]);
    expect(server.lease?.metadata.annotations).toMatchObject({ [ANNOTATION_UNTENDED]: 'true' });
    await stop(a);
  });

  test('is found out by watches first: the leader stops in mid-renewal', async () => {
    const a = candidate('a', server.client());
    a.election.start();
    await pass(2_001);
    a.election.tended();
    await pass(2_000);
    a.election.wentBack();
    await pass(8_000);
    expect([a.leads(), a.log.slice(0, 2)]).toEqual([
      false,
      ['gain', 'loss: the cluster has come back from a backup'],
    ]);
    await pass(12_000);
    expect([a.leads(), a.untended]).toEqual([true, [true, true]]);
    await stop(a);
  });

  test('though another one leads there next', async () => {
    const [a, b] = [candidate('a', server.client()), candidate('b', server.client())];
    a.election.start();
    await pass(100);
    b.election.start();
    await pass(10_000);
    a.election.tended();
    await pass(10_000);
    const backup = structuredClone(server.lease?.spec ?? {});
    await pass(4_000);
    server.edit((lease) => (lease.spec = backup));
    await pass(200);
    const stopped = a.election.stop({ release: false });
    await pass(16_000);
    await stopped;
    expect([b.leads(), b.untended]).toEqual([true, [true]]);
    await stop(b);
  });

  test('which a touched record and an answer that was lost are not taken for', async () => {
    let answerLost = false;
    const a = candidate(
      'a',
      server.client(() => ({ answerLost })),
    );
    a.election.start();
    await pass(4_100);
    answerLost = true;
    await pass(3_000);
    answerLost = false;
    server.edit((lease) => (lease.metadata.annotations = { note: 'by hand' }));
    await pass(10_000);
    expect(a.log.filter((line) => line !== 'error')).toEqual(['gain']);
    await stop(a);
  });
});

test('a record taken by another hand ends the holder at its next look', async () => {
  const a = candidate('a', server.client());
  a.election.start();
  await pass(100);
  server.edit((lease) => (lease.spec = { ...lease.spec, holderIdentity: 'somebody' }));
  await pass(2_100);
  expect(a.log).toEqual(['gain', 'loss: somebody holds the lease', 'waits for somebody']);
  await stop(a);
});

test('times written by a machine whose clock is wrong mean nothing', async () => {
  const past = '2001-01-01T00:00:00.000000Z';
  server.lease = {
    metadata: { resourceVersion: '0' },
    spec: { holderIdentity: 'x', leaseDurationSeconds: 12, renewTime: past },
  };
  const a = candidate('a', server.client());
  a.election.start();
  await pass(11_900);
  expect(a.leads()).toBe(false);
  await pass(400);
  expect(a.leads()).toBe(true);
  await stop(a);
});

test('whatever the network does, there are never two leaders', async () => {
  const step = fc.record({
    ms: fc.integer({ min: 1, max: 6_000 }),
    who: fc.nat(2),
    network: fc.constantFrom(
      {},
      {},
      { down: true },
      { answerLost: true },
      { delayMs: 900 },
      { delayMs: 3_900 },
      { delayMs: 1e9 },
    ),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const common = new LeaseServer();
      const networks: { delayMs?: number; down?: boolean; answerLost?: boolean }[] = [{}, {}, {}];
      const all = networks.map((_, i) =>
        candidate(
          `agent-${i}`,
          common.client(() => networks[i] ?? {}),
        ),
      );
      const reach = new Map<unknown, number>();
      for (const { election } of all) election.start();
      for (const { ms, who, network } of steps) {
        networks[who] = network;
        for (let left = ms; left > 0; left -= 250) {
          // oxlint-disable-next-line no-await-in-loop -- time goes on step by step
          await pass(Math.min(left, 250));
          expect(all.filter((one) => one.leads()).length).toBeLessThanOrEqual(1);
          const now = systemClock.steady();
          for (const one of all) {
            // What another was told to be over by then is over.
            const others = all.filter((it) => it !== one).map((it) => reach.get(it) ?? 0);
            if (one.leads()) expect(Math.max(...others)).toBeLessThanOrEqual(now);
            if (one.left() > 0) reach.set(one, now + one.left());
          }
        }
      }
      for (const i of networks.keys()) networks[i] = {};
      await pass(40_000);
      expect(all.filter((one) => one.leads()).length).toBe(1);
      await Promise.all(all.map(stop));
    }),
    { numRuns: 60 },
  );
});

test('whoever gains the lease knows whether nobody has led for a while', async () => {
  const first = candidate('a', server.client());
  first.election.start();
  await pass(100);
  // Nobody ever has.
  expect(first.untended).toEqual([true]);
  first.election.tended();
  await pass(2_000);
  await stop(first);
  const soon = candidate('b', server.client());
  soon.election.start();
  await pass(100);
  expect(soon.untended).toEqual([false]);
  await stop(soon);
  await pass(60_000);
  const late = candidate('c', server.client());
  late.election.start();
  await pass(100);
  expect(late.untended).toEqual([true]);
  await stop(late);
});

test('a clock that is far behind that of the last leader tells nothing', async () => {
  const before = candidate('a', server.client());
  before.election.start();
  await pass(100);
  await stop(before);
  vi.setSystemTime(Date.now() - 3_600_000);
  const after = candidate('b', server.client());
  after.election.start();
  await pass(100);
  expect(after.untended).toEqual([true]);
  await stop(after);
});

test('what comes of a time when nobody led is left to the next leader, until it is said to be done', async () => {
  let dead = false;
  const first = candidate(
    'a',
    server.client(() => ({ down: dead })),
  );
  first.election.start();
  await pass(100);
  expect(first.untended).toEqual([true]);
  // Killed before it had looked at anything.
  dead = true;
  const second = candidate('b', server.client());
  second.election.start();
  await pass(20_000);
  expect(second.untended).toEqual([true]);
  await stop(second);
  const third = candidate('c', server.client());
  third.election.start();
  await pass(100);
  expect(third.untended).toEqual([true]);
  third.election.tended();
  await pass(2_000);
  await stop(third);
  const fourth = candidate('d', server.client());
  fourth.election.start();
  await pass(100);
  expect(fourth.untended).toEqual([false]);
  await Promise.all([stop(first), stop(fourth)]);
});
