import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { CheckAccessSchema } from '../../src/api/check-access.ts';
import { ChecksSchema } from '../../src/api/checks.ts';
import { requestAsker } from '../../src/checks/requests.ts';
import { systemClock } from '../../src/time/clock.ts';
import { freePort } from '../support/free-port.ts';

const isThere = spawnSync('prometheus', ['--version']).status === 0;

const CONFIG = (port: number) => `
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: itself
    static_configs: [{targets: ["127.0.0.1:${port}"]}]
`;

/** What the endpoint of the other tests answers is held against a real server. */
describe.skipIf(!isThere)('against a real Prometheus (skipped where it is not installed)', () => {
  let url: string;
  let stop: () => Promise<void>;

  beforeAll(async () => {
    const port = await freePort();
    const dir = await mkdtemp(join(tmpdir(), 'prometheus-'));
    const file = join(dir, 'prometheus.yml');
    await writeFile(file, CONFIG(port));
    const flags = [`--config.file=${file}`, `--storage.tsdb.path=${dir}/data`];
    const server = spawn('prometheus', [...flags, `--web.listen-address=127.0.0.1:${port}`], {
      stdio: 'ignore',
    });
    stop = async () => {
      const ended = new Promise((resolve) => {
        server.once('exit', resolve);
      });
      server.kill('SIGKILL');
      await ended;
      await rm(dir, { recursive: true });
    };
    url = `http://127.0.0.1:${port}`;
    // It answers once it has read its configuration, and knows of itself after the first scrape.
    const isUp = async () => expect((await ask('up')).passed).toBe(true);
    await vi.waitFor(isUp, { timeout: 60_000, interval: 100 });
  });

  afterAll(() => stop());

  async function ask(query: string, expression?: string) {
    const prometheus = { url, query, ...(expression === undefined ? {} : { expression }) };
    const [check] = ChecksSchema.parse([{ prometheus }]);
    if (!check) throw new Error('no check');
    const access = CheckAccessSchema.parse({ allowedHosts: [url] });
    return requestAsker(access, systemClock)(check, new AbortController().signal);
  }

  test.each([
    ['up', undefined, true, 'result is [1]'],
    ['up{job="another"}', undefined, false, 'the expression is false; result is []'],
    ['up{job="another"}', 'size(result) == 0', true, 'result is []'],
    ['vector(0.02)', 'result[0] < 0.05', true, 'result is [0.02]'],
    ['scalar(vector(7))', 'result[0] == 7', true, 'result is [7]'],
    ['vector(0) / 0', 'result[0] < 1.0', false, 'the expression is false; result is [NaN]'],
    ['vector(1) / 0', 'result[0] > 1000000.0', true, 'result is [Infinity]'],
    ['up[5m]', undefined, false, 'the query gives a matrix; a vector or a number is needed'],
    ['"text"', undefined, false, 'the query gives a string; a vector or a number is needed'],
  ])('%s, %s', async (query, expression, passed, seen) => {
    expect(await ask(query, expression)).toEqual({ passed, seen });
  });

  test('what it cannot read is told in its own words', async () => {
    const { passed, seen } = await ask('up{');
    expect(passed).toBe(false);
    expect(seen).toMatch(/^status 400, bad_data: /);
  });
});
