import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { healthRoutes, type Check } from '../../src/http/health.ts';
import { createMetrics, type Observation } from '../../src/http/metrics.ts';
import { HttpServer } from '../../src/http/server.ts';

let checks: Check[] = [];
const errors: string[] = [];
const observation: Observation = {
  leader: true,
  tip: 'abc',
  lastPoll: 1_900_000_000_500,
  waiting: new Map(),
  steps: new Map(),
  runs: new Map([['Running', 1]]),
  nodes: new Map([
    ['Completed', 3],
    ['Rebooting', 1],
  ]),
};
const metrics = createMetrics('1.2.3', () => observation);
const server = new HttpServer({
  host: '127.0.0.1',
  port: 0,
  onError: (error) => errors.push(String(error)),
  routes: [
    ...healthRoutes(() => checks),
    metrics.route,
    { method: 'POST', path: '/size', handle: ({ body }) => ({ code: 200, body: { bytes: body.length } }) },
    {
      method: 'GET',
      path: '/broken',
      handle: () => {
        throw new Error('with a detail nobody else should see');
      },
    },
  ],
});
let port: number;
let url: string;

beforeAll(async () => {
  port = await server.listen();
  url = `http://127.0.0.1:${port}`;
});

afterAll(() => server.close());

test('livez answers; readyz says what is missing, as text and as JSON', async () => {
  expect(await (await fetch(`${url}/livez`)).text()).toBe('ok\n');
  checks = [{ name: 'lease', detail: 'this agent leads' }, { name: 'cluster' }];
  const good = await fetch(`${url}/readyz`);
  expect([good.status, await good.text()]).toEqual([
    200,
    'ready\n[+] lease: this agent leads\n[+] cluster: ok\n',
  ]);
  checks = [{ name: 'lease' }, { name: 'repository', missing: 'not fetched yet' }];
  const bad = await fetch(`${url}/readyz`);
  expect([bad.status, await bad.text()]).toEqual([
    503,
    'not ready\n[+] lease: ok\n[-] repository: not fetched yet\n',
  ]);
  const parsed = await (await fetch(`${url}/readyz`, { headers: { accept: 'application/json' } })).json();
  expect(parsed).toEqual({ ready: false, checks });
});

test('metrics hold what was counted and what is the case', async () => {
  metrics.telemetry.apiRequest('PATCH', 409);
  metrics.telemetry.apiRequest('PATCH', 409);
  metrics.telemetry.drained(42);
  metrics.telemetry.rebooted(90);
  metrics.telemetry.queued(0.5);
  metrics.telemetry.checkTried('http', 'failed', 0.3);
  metrics.telemetry.checkTried('http', 'passed', undefined);
  metrics.telemetry.checkJudged('http', 'passed');
  metrics.telemetry.pushRetried();
  metrics.telemetry.polled(true);
  metrics.telemetry.polled(false);
  metrics.telemetry.notified('oncall', 'sent');
  metrics.telemetry.notified('oncall', 'dropped');
  const response = await fetch(`${url}/metrics`);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const lines = (await response.text()).split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      'nodeop_agent_build_info{version="1.2.3"} 1',
      'nodeop_agent_leader 1',
      'nodeop_agent_last_poll_timestamp_seconds 1900000000.5',
      'nodeop_agent_tip_info{commit="abc"} 1',
      'nodeop_agent_runs{phase="Running"} 1',
      'nodeop_agent_nodes{phase="Completed"} 3',
      'nodeop_agent_nodes{phase="Rebooting"} 1',
      'nodeop_agent_polls_total{result="ok"} 1',
      'nodeop_agent_polls_total{result="failed"} 1',
      'nodeop_agent_push_retries_total 1',
      'nodeop_agent_notifications_total{target="oncall",result="sent"} 1',
      'nodeop_agent_notifications_total{target="oncall",result="dropped"} 1',
      'nodeop_agent_api_requests_total{verb="PATCH",code="409"} 2',
      'nodeop_agent_drain_duration_seconds_sum 42',
      'nodeop_agent_drain_duration_seconds_bucket{le="30"} 0',
      'nodeop_agent_drain_duration_seconds_bucket{le="60"} 1',
      'nodeop_agent_reboot_duration_seconds_count 1',
      'nodeop_agent_run_queue_duration_seconds_bucket{le="5"} 1',
    ]),
  );
  expect(lines.some((line) => line.startsWith('process_resident_memory_bytes '))).toBe(true);
});

test('what is over leaves no value behind', async () => {
  observation.runs = new Map([['Completed', 1]]);
  observation.tip = 'def';
  const text = await (await fetch(`${url}/metrics`)).text();
  expect(text).toContain('nodeop_agent_runs{phase="Completed"} 1');
  expect(text).not.toContain('nodeop_agent_runs{phase="Running"}');
  expect(text).not.toContain('commit="abc"');
});

test('unknown paths, wrong methods and broken handlers are answered without details', async () => {
  expect((await fetch(`${url}/nothing`)).status).toBe(404);
  const wrong = await fetch(`${url}/size`);
  expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST']);
  const broken = await fetch(`${url}/broken`);
  expect([broken.status, await broken.text()]).toEqual([
    500,
    '{"error":"something went wrong; the log says what"}\n',
  ]);
  expect(errors).toEqual(['Error: with a detail nobody else should see']);
  expect((await fetch(`${url}/livez?verbose=1`, { method: 'HEAD' })).status).toBe(200);
});

test('a body is bounded, whether its length is announced or not', async () => {
  const size = async (body: string) => {
    const response = await fetch(`${url}/size`, { method: 'POST', body });
    return { code: response.status, text: await response.text() };
  };
  expect(await size('x'.repeat(1024 * 1024))).toEqual({ code: 200, text: '{"bytes":1048576}\n' });
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
    socket.write('POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n');
  });
  expect(answer).toMatch(/^HTTP\/1\.1 413 [^]*"a request may have 1048576 bytes"/);
  const chunked = await new Promise<string>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
    socket.write('POST /size HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    const chunk = 'x'.repeat(64 * 1024);
    for (let i = 0; i < 20; i += 1) socket.write(`${chunk.length.toString(16)}\r\n${chunk}\r\n`);
  });
  expect(chunked).toMatch(/^HTTP\/1\.1 413 /);
});

test('slow connections, however many, keep nobody from an answer, and are ended in time', async () => {
  const slow = await Promise.all(
    Array.from({ length: 400 }, async () => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      await new Promise((resolve) => {
        socket.once('connect', resolve);
      });
      socket.write('POST /size HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n');
      return socket;
    }),
  );
  for (let i = 0; i < 20; i++) expect((await fetch(`${url}/livez`)).status).toBe(200);
  for (const socket of slow) socket.destroy();
});

test('a call that is refused anyway is answered before its body is there', async () => {
  const limited = new HttpServer({
    host: '127.0.0.1',
    port: 0,
    onError: (error) => errors.push(String(error)),
    routes: [
      {
        method: 'POST',
        path: '/limited',
        admit: () => ({ code: 429, body: { error: 'too many' } }),
        handle: () => ({ code: 200, body: '' }),
      },
    ],
  });
  const socket = connect(await limited.listen(), '127.0.0.1');
  socket.write('POST /limited HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\nabc');
  const answer = await new Promise<string>((resolve) => {
    socket.once('data', (data) => resolve(String(data)));
  });
  expect(answer).toMatch(/^HTTP\/1\.1 429 [^]*connection: close/i);
  socket.destroy();
  await limited.close();
});
