import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { Keyed, View } from '../../src/api/page.ts';
import { Channel } from '../../src/http/page/channel.ts';
import { Reader, type Standing } from '../../src/http/page/reader.ts';
import { FakeClock } from '../support/fake-clock.ts';

type Row = Keyed & { text: string };

/** A browser that takes what it is given, or nothing. */
class FakeSink {
  readonly pieces: Buffer[] = [];
  isSlow = false;
  isEnded = false;
  isCut = false;
  writableLength = 0;
  readonly write = (bytes: Buffer) => {
    if (this.isSlow) this.writableLength += bytes.length;
    else this.pieces.push(bytes);
  };
  readonly end = () => (this.isEnded = true);
  readonly destroy = () => (this.isCut = true);

  /** The events so far, each with its data. */
  events(): { id: string | undefined; name: string; data: never }[] {
    const parts = Buffer.concat(this.pieces)
      .toString()
      .split('\n\n')
      .filter((it) => it.includes('event: '));
    return parts.map((part) => ({
      id: /^id: (.*)$/m.exec(part)?.[1],
      name: /^event: (.*)$/m.exec(part)?.[1] ?? '',
      data: JSON.parse(/^data: (.*)$/m.exec(part)?.[1] ?? 'null') as never,
    }));
  }
}

const same = (): Promise<Standing> => Promise.resolve('same');

function setUp(nodes = 3) {
  const clock = new FakeClock();
  const view: View<object, Row> = {
    head: { total: nodes },
    rows: Array.from({ length: nodes }, (_, i) => ({ key: `node-${i}`, text: 'Pending' })),
  };
  const world = {
    clock,
    view: view as View<object, Row> | undefined,
    looks: 0,
    encoded: 0,
    watchers: 0,
    idle: 0,
    change: () => undefined as void,
    errors: [] as unknown[],
  };
  const channel = new Channel({
    clock,
    compute: () => {
      world.looks += 1;
      return Promise.resolve(world.view);
    },
    watch: (onChange) => {
      world.watchers += 1;
      world.change = onChange;
      return () => (world.watchers -= 1);
    },
    encode: (value) => {
      world.encoded += 1;
      return JSON.stringify(value);
    },
    onError: (error) => world.errors.push(error),
    onIdle: () => (world.idle += 1),
  });
  const join = (last?: string, { gzip = false, standing = same } = {}) => {
    const sink = new FakeSink();
    const reader = new Reader(sink, { gzip, standing });
    channel.join(reader, last);
    return { sink, reader };
  };
  const set = (i: number, text: string) => {
    const { head, rows } = world.view ?? { head: {}, rows: [] };
    world.view = { head, rows: rows.with(i, { key: `node-${i}`, text }) };
    world.change();
  };
  return { world, channel, join, set, clock };
}

test('all comes first, then what changed, at most twice a second however much changes', async () => {
  const { world, join, set, clock } = setUp(5_000);
  const { sink } = join();
  await clock.advance(0);
  for (let tick = 0; tick < 100; tick += 1) {
    set(tick, 'Running');
    await clock.advance(20);
  }
  await clock.advance(500);
  const [first, ...changes] = sink.events();
  expect(first).toMatchObject({ name: 'snapshot', data: { head: { total: 5_000 } } });
  expect(changes.length).toBeLessThanOrEqual(5);
  expect(changes.every(({ name }) => name === 'change')).toBe(true);
  const told = changes.flatMap(({ data }) => (data as { upserts: Row[] }).upserts.map(({ key }) => key));
  expect(new Set(told).size).toBe(100);
  expect(world.looks).toBeLessThanOrEqual(6);
});

test('two hundred readers cost no more work than twice that of one', async () => {
  const work = async (readers: number) => {
    const { world, join, set, clock } = setUp(1_000);
    const sinks = Array.from({ length: readers }, () => join().sink);
    await clock.advance(0);
    for (let i = 0; i < 10; i += 1) {
      set(i, 'Running');
      await clock.advance(500);
    }
    expect(new Set(sinks.map((it) => JSON.stringify(it.events()))).size).toBe(1);
    // Not even the bytes are made again.
    expect(new Set(sinks.flatMap((it) => it.pieces)).size).toBe(sinks[0]?.pieces.length);
    return world.encoded;
  };
  expect(await work(200)).toBeLessThanOrEqual(2 * (await work(1)));
});

test('nothing is worked out while nobody looks, and the watch ends', async () => {
  const { world, channel, join, set, clock } = setUp();
  await clock.advance(10_000);
  expect(world).toMatchObject({ looks: 0, watchers: 0 });
  const { reader } = join();
  await clock.advance(0);
  expect(world).toMatchObject({ looks: 1, watchers: 1 });
  channel.leave(reader);
  set(0, 'Running');
  await clock.advance(29_000);
  expect(world).toMatchObject({ looks: 1, watchers: 1, idle: 0 });
  await clock.advance(2_000);
  expect(world).toMatchObject({ looks: 1, watchers: 0, idle: 1 });
  expect(clock.timers).toBe(0);
});

test('nothing is told where nothing has changed', async () => {
  const { world, join, clock } = setUp();
  const { sink } = join();
  await clock.advance(0);
  world.change();
  await clock.advance(5_000);
  expect(sink.events().map(({ name }) => name)).toEqual(['snapshot']);
});

test('rows that are gone, and a head that is another', async () => {
  const { world, join, clock } = setUp();
  const { sink } = join();
  await clock.advance(0);
  world.view = { head: { total: 2 }, rows: world.view?.rows.slice(1) ?? [] };
  world.change();
  await clock.advance(500);
  expect(sink.events()[1]?.data).toEqual({ head: { total: 2 }, gone: ['node-0'] });
});

test('who comes back gets what it missed, and all of it where that is not known any more', async () => {
  const { channel, join, set, clock } = setUp();
  const first = join();
  await clock.advance(0);
  set(0, 'Running');
  await clock.advance(500);
  const last = first.sink.events().at(-1)?.id;
  channel.leave(first.reader);
  const other = join();
  set(1, 'Running');
  await clock.advance(500);
  set(2, 'Running');
  await clock.advance(500);
  const back = join(last);
  expect(
    back.sink.events().map(({ name, data }) => [name, (data as { upserts: Row[] }).upserts[0]?.key]),
  ).toEqual([
    ['change', 'node-1'],
    ['change', 'node-2'],
  ]);
  expect(join(other.sink.events().at(-1)?.id).sink.events()).toEqual([]);
  for (const unknown of ['', 'x', '0123456789ab.1', `${last?.split('.')[0]}.99`, `${last?.split('.')[0]}.-1`])
    expect(
      join(unknown)
        .sink.events()
        .map(({ name }) => name),
    ).toEqual(['snapshot']);
  for (let i = 0; i < 300; i += 1) {
    set(0, `${i}`);
    await clock.advance(500);
  }
  expect(
    join(last)
      .sink.events()
      .map(({ name }) => name),
  ).toEqual(['snapshot']);
});

test('what a slow reader does not take is not kept for it; once it has room it gets all anew', async () => {
  const { channel, join, set, clock } = setUp(2_000);
  const { sink, reader } = join();
  const { sink: quick } = join();
  await clock.advance(0);
  sink.isSlow = true;
  for (let i = 0; i < 40; i += 1) {
    set(i, 'x'.repeat(50_000));
    await clock.advance(500);
  }
  const queued = sink.writableLength;
  expect(quick.events().length).toBe(41);
  // A few changes fit in before it counts as slow, of two megabytes.
  expect(queued).toBeLessThan(350_000);
  sink.isSlow = false;
  sink.writableLength = 0;
  channel.drained(reader);
  const [last] = sink.events().slice(-1);
  expect(last).toMatchObject({ name: 'snapshot' });
  const { rows } = (last?.data ?? { rows: [] }) as { rows: Row[] };
  expect(rows[39]?.text.length).toBe(50_000);
  set(0, 'Done');
  await clock.advance(500);
  expect(sink.events().at(-1)?.name).toBe('change');
});

test('one that takes nothing for a minute is cut off', async () => {
  const { join, set, clock } = setUp();
  const { sink } = join();
  await clock.advance(0);
  sink.isSlow = true;
  for (let i = 0; i < 4; i += 1) {
    set(0, 'x'.repeat(200_000 + i));
    await clock.advance(500);
  }
  expect(sink.isCut).toBe(false);
  await clock.advance(90_000);
  expect(sink.isCut).toBe(true);
});

test('the stream says something from time to time, and ends with the session', async () => {
  let standing: Standing = 'same';
  const { channel, join, clock } = setUp();
  const { sink } = join(undefined, { standing: () => Promise.resolve(standing) });
  await clock.advance(31_000);
  expect(Buffer.concat(sink.pieces).toString().match(/^:$/gm)?.length).toBe(2);
  standing = 'signed-out';
  await clock.advance(15_000);
  expect(sink.events().at(-1)).toMatchObject({ name: 'over', data: { reason: 'signed-out' } });
  expect([sink.isEnded, channel.readers]).toEqual([true, 0]);
});

test('who sees something else by now is let go, to come back to that', async () => {
  let standing: Standing = 'same';
  const { channel, join, clock } = setUp();
  const { sink } = join(undefined, { standing: () => Promise.resolve(standing) });
  const { sink: other } = join();
  await clock.advance(0);
  standing = 'other';
  await clock.advance(15_000);
  expect(sink.events().map(({ name }) => name)).toEqual(['snapshot']);
  expect([sink.isEnded, other.isEnded, channel.readers]).toEqual([true, false, 1]);
});

test('one of whom nothing is known yet holds up nobody else', async () => {
  const { channel, join, clock } = setUp();
  const never = join(undefined, { standing: () => new Promise<Standing>(() => undefined) });
  const out = join(undefined, { standing: () => Promise.resolve('signed-out') });
  await clock.advance(0);
  void channel.check();
  await clock.advance(0);
  expect([never.sink.isEnded, out.sink.isEnded]).toEqual([false, true]);
  await clock.advance(31_000);
  expect(Buffer.concat(never.sink.pieces).toString().match(/^:$/gm)?.length).toBe(2);
});

test('of what is not there that is said', async () => {
  const { world, join, clock } = setUp();
  world.view = undefined;
  const { sink } = join();
  await clock.advance(0);
  expect(sink.events()).toMatchObject([{ name: 'over', data: { reason: 'not-found' } }]);
  expect(sink.isEnded).toBe(true);
});

test('who asks for it a moment later is told so as well, and not left waiting', async () => {
  const { world, join, clock } = setUp();
  world.view = undefined;
  join();
  await clock.advance(0);
  await clock.advance(1_000);
  const { sink } = join();
  await clock.advance(500);
  expect(sink.events()).toMatchObject([{ name: 'over', data: { reason: 'not-found' } }]);
});

test('of what is gone nobody gets what was known of it before', async () => {
  const { world, join, clock } = setUp();
  const { sink: first } = join();
  await clock.advance(0);
  const good = world.view;
  world.view = undefined;
  world.change();
  await clock.advance(500);
  expect(first.events().map(({ name }) => name)).toEqual(['snapshot', 'over']);
  const { sink } = join();
  await clock.advance(500);
  expect(sink.events().map(({ name }) => name)).toEqual(['over']);
  world.view = good;
  const { sink: back } = join();
  await clock.advance(500);
  expect(back.events().map(({ name }) => name)).toEqual(['snapshot']);
});

test('what cannot be told now is tried again, without anything having changed', async () => {
  const { world, join, clock } = setUp();
  const good = world.view;
  Object.defineProperty(world, 'view', {
    configurable: true,
    get: () => {
      throw new Error('away');
    },
  });
  const { sink } = join();
  await clock.advance(0);
  Object.defineProperty(world, 'view', { value: good, writable: true });
  await clock.advance(10_000);
  expect(sink.events().map(({ name }) => name)).toEqual(['snapshot']);
  expect(world.errors.length).toBeLessThan(5);
});

test('an error of one look does not end it', async () => {
  const { world, join, set, clock } = setUp();
  const { sink } = join();
  const good = world.view;
  Object.defineProperty(world, 'view', {
    configurable: true,
    get: () => {
      throw new Error('away');
    },
  });
  await clock.advance(0);
  Object.defineProperty(world, 'view', { value: good, writable: true });
  set(0, 'Running');
  await clock.advance(500);
  expect(world.errors.length).toBe(1);
  expect(sink.events().map(({ name }) => name)).toEqual(['snapshot']);
});

test('a compressed stream is one that anybody can read, made of the same bytes for all', async () => {
  const { join, set, clock } = setUp(500);
  const plain = join();
  const early = join(undefined, { gzip: true });
  await clock.advance(0);
  set(1, 'Running');
  await clock.advance(500);
  const late = join(undefined, { gzip: true });
  set(2, 'Running');
  await clock.advance(500);
  const read = ({ sink }: typeof early) =>
    // The end of a stream that is never finished.
    gunzipSync(Buffer.concat(sink.pieces), { finishFlush: 2 }).toString();
  expect(read(early)).toBe(Buffer.concat(plain.sink.pieces).toString());
  expect(read(late)).toContain('event: snapshot');
  expect(early.sink.pieces.at(-1)).toBe(late.sink.pieces.at(-1));
  const bytes = early.sink.pieces.reduce((sum, it) => sum + it.length, 0);
  expect(bytes).toBeLessThan(Buffer.concat(plain.sink.pieces).length / 4);
});
