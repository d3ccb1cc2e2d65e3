import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Sim, startSim } from '../../src/sim/index.ts';
import { answer, Receiver } from '../notify/receiver.ts';
import { cli } from '../support/cli.ts';

let dir: string;
let receiver: Receiver;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'nodeop-notify-'));
  receiver = await Receiver.open();
});

afterEach(async () => {
  await receiver[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true });
});

function config(...notify: string[]): string {
  const file = join(dir, 'agent.yaml');
  const head =
    'apiVersion: agent.nodeop.dev/v1alpha1\nkind: AgentConfig\ncluster: berlin\ngit: {url: /srv/operations.git}\n';
  writeFileSync(
    file,
    head + (notify.length === 0 ? '' : `notify:\n${notify.map((it) => `  - ${it}\n`).join('')}`),
  );
  return file;
}

test('each receiver gets an example of each event it asks for, and no alert is left behind', async () => {
  const file = config(
    `{name: all, url: "${receiver.url}/all", only: {runs: [nothing]}}`,
    `{name: ends, url: "${receiver.url}/ends", events: [ended], template: {text: '{title}'}}`,
  );
  const { code, stdout, stderr } = await cli(['notify', '--config', file]);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toContain('all: firstFailure has arrived (status 200)\n');
  expect(
    receiver.received.map(({ path, body }) => [path, (body as Record<string, string>)['event']]),
  ).toEqual([
    ['/all', 'started'],
    ['/all', 'firstFailure'],
    ['/all', 'waiting'],
    ['/all', 'resumed'],
    ['/all', 'ended'],
    ['/ends', undefined],
  ]);
  expect(receiver.received.at(-2)?.body).toMatchObject({
    status: 'resolved',
    name: 'runs/example.yaml',
    cluster: 'berlin',
  });
  expect(JSON.stringify(receiver.received.map(({ body }) => body).slice(0, 2))).toContain(
    'this is a test of nodeop-agent',
  );
  expect(receiver.received.at(-1)?.body).toEqual({ text: 'Completed: runs/example.yaml' });
});

test('one receiver and one event; a dry run prints what it would send', async () => {
  const file = config(
    `{name: a, url: "${receiver.url}"}`,
    `{name: b, url: "${receiver.url}", template: ['{event}']}`,
  );
  const { code, stdout } = await cli(['notify', 'b', '--config', file, '--event', 'waiting', '--dry-run']);
  expect([code, stdout]).toEqual([0, '["waiting"]\n']);
  expect(receiver.asked).toBe(0);
  const json = await cli(['notify', 'b', '--config', file, '--event', 'ended', '-o', 'json']);
  expect(JSON.parse(json.stdout)).toEqual({
    target: 'b',
    event: 'ended',
    body: ['ended'],
    hasArrived: true,
    status: 200,
  });
});

test('what a receiver says is shown, without the address that is a secret', async () => {
  writeFileSync(join(dir, 'url'), `${receiver.url}/T0SECRET\n`);
  receiver.faults.push(answer(400, 'invalid_blocks for /T0SECRET'));
  const file = config(`{name: slack, urlFile: "${join(dir, 'url')}", events: [started, ended]}`);
  const { code, stdout, stderr } = await cli(['notify', '--config', file]);
  expect(code).toBe(3);
  expect(stdout).toBe('slack: ended has arrived (status 200)\n');
  expect(stderr).toBe(
    'slack: started has not arrived: status 400: invalid_blocks for ***\n1 did not arrive\n',
  );
});

test.each([
  ['nobody is configured', [], ['notify'], /agent\.yaml has no notify: nobody is notified$/],
  [
    'a name that is not there',
    ['{name: a, url: "http://x.example"}'],
    ['notify', 'b'],
    /has no entry of notify named b; there are a$/,
  ],
  [
    'a mistake, with its line',
    ["{name: a, url: 'http://x.example', template: ['{titel}']}"],
    ['notify'],
    /notify\[0\]\.template\[0\]: has \{titel\}; there are \{event\}.*\(line 6, column \d+\)/,
  ],
  [
    'an event that there is not',
    ['{name: a, url: "http://x.example"}'],
    ['notify', '--event', 'begun'],
    /Allowed choices are started, firstFailure/,
  ],
])('%s', async (_, notify, args, expected) => {
  const { code, stderr } = await cli([...args, '--config', config(...notify)]);
  expect(code).toBe(2);
  expect(stderr.trim()).toMatch(expected);
});

describe('status', () => {
  let sim: Sim;

  beforeAll(async () => {
    sim = await startSim({ nodes: 1, script: () => undefined });
  });

  afterAll(() => sim.stop());

  test('says which receivers have not been reached for long', async () => {
    const kubeconfig = join(dir, 'kubeconfig');
    writeFileSync(kubeconfig, sim.kubeconfig);
    const labels = { 'agent.nodeop.dev/record-part': 'notify' };
    const since = new Date(Date.now() - 90 * 60_000).toISOString();
    const part = (name: string, data: Record<string, string>) =>
      sim.store.create('configmaps', {
        metadata: { name: `nodeop-agent-notify-${name}`, namespace: 'nodeop-system', labels },
        data,
      });
    part('slack', { told: '', failing: `${since} ${new Date().toISOString()} status 404: no_service` });
    // Of one that was taken out of the configuration nobody tries any more.
    part('gone', { told: '', failing: `${since} ${since} status 500` });
    part('fine', { told: '' });
    const text = await cli(['status', '--kubeconfig', kubeconfig]);
    expect(text.stdout).toContain(
      'Notifications that do not arrive:\n  slack: nothing has arrived for 1h30m: status 404: no_service\n',
    );
    expect(text.stdout).not.toMatch(/fine|gone/);
    const { stdout } = await cli(['status', '--kubeconfig', kubeconfig, '-o', 'json']);
    expect(JSON.parse(stdout)).toMatchObject({
      notNotified: [{ target: 'slack', since, reason: 'status 404: no_service' }],
    });
  });
});
