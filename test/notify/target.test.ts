import { expect, test } from 'vitest';
import { createLogger } from '../../src/agent/logger.ts';
import { Target } from '../../src/agent/notify/target.ts';
import { NO_TELEMETRY, type NotifyStore } from '../../src/core/ports.ts';
import type { LedgerPart } from '../../src/core/runs/ledger.ts';
import type { Delivery } from '../../src/web/webhook.ts';
import { HOUR, MINUTE, standing, T0, target } from '../core/notify/support.ts';
import { FakeClock } from '../support/fake-clock.ts';

/** The record of one receiver, which refuses and conflicts as it is told to. */
class Store implements NotifyStore {
  part: LedgerPart | undefined;
  writes = 0;
  isAway = false;

  read(): Promise<LedgerPart | undefined> {
    return this.isAway ? Promise.reject(new Error('away')) : Promise.resolve(this.part);
  }

  write({ name, version, data }: Parameters<NotifyStore['write']>[0]): Promise<LedgerPart | 'conflict'> {
    if (this.isAway) return Promise.reject(new Error('away'));
    if (this.part?.version !== version) return Promise.resolve('conflict');
    const merged = Object.entries({ ...this.part?.data, ...data }).filter(
      (it): it is [string, string] => it[1] !== null,
    );
    this.part = { name, version: String((this.writes += 1)), data: Object.fromEntries(merged) };
    return Promise.resolve(this.part);
  }
}

function setUp(
  store: Store,
  answer: () => Delivery = () => ({ ok: true, status: 200 }),
  clock = new FakeClock(),
) {
  const sent: string[] = [];
  const it = new Target({
    target: target(),
    cluster: 'berlin',
    store,
    clock,
    logger: createLogger('silent'),
    telemetry: NO_TELEMETRY,
    post: (_, body) => {
      sent.push(body);
      return Promise.resolve(answer());
    },
    bodyOf: ({ name }) => name,
  });
  return { it, sent, clock };
}

const LATER = standing({ startedAt: T0 + HOUR });

test('nothing is sent before it is known what was told', async () => {
  const store = new Store();
  store.isAway = true;
  const { it, sent, clock } = setUp(store);
  const loaded = it.load();
  await clock.advance(10 * MINUTE);
  it.look([LATER]);
  expect(sent).toEqual([]);
  store.isAway = false;
  await clock.advance(MINUTE);
  await loaded;
  it.look([LATER]);
  await clock.advance(MINUTE);
  expect(sent).toEqual(['started']);
});

test('what arrived goes on record, however often the API server is away or somebody else was first', async () => {
  const store = new Store();
  const { it, clock } = setUp(store);
  await it.load();
  await clock.advance(HOUR);
  store.isAway = true;
  it.look([LATER]);
  await clock.advance(MINUTE);
  expect(store.part?.data['told']).toBe('');
  store.isAway = false;
  if (store.part) store.part = { ...store.part, version: 'of somebody else' };
  await clock.advance(MINUTE);
  expect(store.part?.data['told']).toMatch(/^[0-9a-f]{16} \d+ s$/);
  const { writes } = store;
  it.look([LATER]);
  await clock.advance(HOUR);
  expect(store.writes, 'without news nothing is written').toBe(writes);
  expect(clock.timers).toBe(0);
});

test('a receiver that fails for long is on record with what it says, until one arrives', async () => {
  const store = new Store();
  let answer: Delivery = { ok: false, isRefused: false, reason: 'status 404: no_service' };
  const { it, clock } = setUp(store, () => answer);
  await it.load();
  await clock.advance(HOUR);
  it.look([LATER]);
  await clock.advance(4 * MINUTE);
  expect(store.part?.data['failing']).toBeUndefined();
  await clock.advance(30 * MINUTE);
  expect(store.part?.data['failing']).toMatch(
    /^2030-01-01T01:00:00\.000Z 2030-01-01T01:3\d:\S+ status 404: no_service$/,
  );
  answer = { ok: true, status: 200 };
  await clock.advance(10 * MINUTE);
  expect(store.part?.data).not.toHaveProperty('failing');
});

test('a stop waits for no receiver, and puts on record what has arrived', async () => {
  const store = new Store();
  const { it, clock } = setUp(store);
  await it.load();
  await clock.advance(HOUR);
  it.look([LATER]);
  await clock.advance(0);
  await it.stop();
  expect(store.part?.data['told']).toMatch(/ s$/);
  const next = setUp(store, undefined, clock);
  await next.it.load();
  next.it.look([LATER]);
  await clock.advance(MINUTE);
  expect(next.sent).toEqual([]);
});
