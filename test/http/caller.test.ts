import { expect, test } from 'vitest';
import { AgentConfigSchema } from '../../src/api/config.ts';
import { addressesIn, callerOf, networkOf } from '../../src/http/caller.ts';
import { RateLimit } from '../../src/http/rate-limit.ts';
import { Digest } from '../../src/agent/digest.ts';

const isTrusted = addressesIn(['10.0.0.0/8', '192.0.2.7', '2001:db8::/32']);

test.each([
  ['without a proxy', '203.0.113.9', undefined, '203.0.113.9'],
  ['what a caller writes is not believed', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
  ['through a trusted proxy', '10.1.2.3', '198.51.100.1', '198.51.100.1'],
  ['as a socket of both kinds has it', '::ffff:10.1.2.3', '198.51.100.1', '198.51.100.1'],
  [
    'what stands left of the first other address is made up',
    '10.1.2.3',
    '1.1.1.1, 198.51.100.1',
    '198.51.100.1',
  ],
  ['through several of them', '10.1.2.3', '1.1.1.1, 198.51.100.1, 192.0.2.7, 10.9.9.9', '198.51.100.1'],
  ['all of them trusted', '10.1.2.3', '10.4.4.4, 10.5.5.5', '10.4.4.4'],
  ['with ports', '10.1.2.3', '198.51.100.1:4711', '198.51.100.1'],
  ['of the other kind', '2001:db8::1', '[2001:db9::2]:4711', '2001:db9::2'],
  ['what is no address ends it', '10.1.2.3', '198.51.100.1, unknown', '10.1.2.3'],
  ['an IPv4 address as IPv6 has it', '10.1.2.3', '1.1.1.1, ::ffff:198.51.100.1', '198.51.100.1'],
  ['a bracket without an end', '10.1.2.3', '[2001:db9::2', '10.1.2.3'],
  ['with a zone', '10.1.2.3', 'fe80::1%eth0', 'fe80::1%eth0'],
  ['an empty header', '10.1.2.3', '', '10.1.2.3'],
])('the caller: %s', (_, from, forwarded, expected) => {
  expect(callerOf(from, forwarded, isTrusted)).toBe(expected);
});

test('nobody is trusted unless the configuration says so', () => {
  expect(callerOf('10.1.2.3', '198.51.100.1')).toBe('10.1.2.3');
});

test.each([
  ['10.0.0.0/8', true],
  ['::1', true],
  ['2001:db8::/129', false],
  ['10.0.0.0/33', false],
  ['10.0.0/8', false],
  ['proxy', false],
])('trustedProxies: %s is taken: %s', (network, valid) => {
  const config = { apiVersion: 'agent.nodeop.dev/v1alpha1', kind: 'AgentConfig', git: { url: '/srv/a.git' } };
  expect(AgentConfigSchema.safeParse({ ...config, http: { trustedProxies: [network] } }).success).toBe(valid);
});

test('of a kind one line a minute is told, with how many there were', () => {
  const told: Record<string, unknown>[] = [];
  const due: (() => void)[] = [];
  const clock = {
    wall: () => 0,
    steady: () => 0,
    random: () => 0,
    after: (ms: number, call: () => void) => {
      expect(ms).toBe(60_000);
      due.push(call);
      return () => {};
    },
  };
  const digest = new Digest(clock, (fields) => told.push(fields));
  for (let i = 0; i < 1000; i++) digest.tell('a', { i });
  digest.tell('b', { other: true });
  expect(told).toEqual([{ i: 0 }, { other: true }]);
  for (const call of due.splice(0)) call();
  expect(told.slice(2)).toEqual([{ i: 999, count: 999 }]);
  digest.tell('a', { i: 1000 });
  for (const call of due.splice(0)) call();
  expect(told.slice(3)).toEqual([{ i: 1000, count: 1 }]);
  for (const call of due.splice(0)) call();
  digest.tell('a', { i: 1001 });
  digest.tell('a', { i: 1002 });
  digest.close();
  expect(told.slice(4)).toEqual([{ i: 1001 }, { i: 1002, count: 1 }]);
  for (let i = 0; i < 500; i++) digest.tell(`kind ${i}`, {});
  expect(told.length).toBeLessThan(60);
});

test.each([
  ['198.51.100.1', '198.51.100.1'],
  ['::ffff:198.51.100.1', '198.51.100.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:DB8:1:2::6', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
  ['1::', '1:0:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['', ''],
  ['no address', 'no address'],
])('%s is of the network %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});

test('whoever has a network of IPv6 has one bucket, whichever address is taken', () => {
  const limit = new RateLimit(3, () => 0);
  const waits = [1, 2, 3, 4, 5].map((it) => limit.take(`2001:db8:1:2::${it}`));
  expect(waits.map((it) => it > 0)).toEqual([false, false, false, true, true]);
  expect(limit.take('2001:db8:1:3::1')).toBe(0);
});
