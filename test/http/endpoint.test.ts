import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runFile, Stage } from '../support/agent-process.ts';
import { githubPush, hex } from './payloads.ts';
import { freePort } from '../support/free-port.ts';

let stage: Stage;

beforeEach(() => {
  stage = new Stage();
});

afterEach(() => stage.close());

/** At midnight of New Year's Day. The repository is a folder here, which is watched besides. */
const NEVER = '0 0 0 1 1 *';

/** An agent with an endpoint and a clone of its own. */
async function agent(name: string) {
  const port = await freePort();
  const config = join(stage.dir, `${name}.yaml`);
  writeFileSync(join(stage.dir, 'secret'), 's3cret\n');
  const secret = `{secretFile: ${join(stage.dir, 'secret')}}`;
  stage.configure(NEVER, config, `${name}.git`, [
    `http: {host: 127.0.0.1, port: ${port}, poll: {tokenFile: ${join(stage.dir, 'secret')}}, hooks: {github: ${secret}}}`,
  ]);
  const started = stage.run('start', '--config', config);
  const url = `http://127.0.0.1:${port}`;
  const get = async (path: string) => {
    const response = await fetch(`${url}${path}`).catch(() => undefined);
    return { code: response?.status, text: (await response?.text()) ?? '' };
  };
  const says = (text: string) => stage.until(`${name}: ${text}`, () => started.output().includes(text));
  return { ...started, url, get, says };
}

const completed = (path: string) => stage.remoteFile(path).includes('phase: Completed');

test('with the API server away it lives, is not ready, and says why', async () => {
  const server = `http://127.0.0.1:${await freePort()}`;
  writeFileSync(
    stage.kubeconfig,
    `clusters: [{name: a, cluster: {server: '${server}', insecure-skip-tls-verify: true}}]
users: [{name: a, user: {}}]
contexts: [{name: a, context: {cluster: a, user: a}}]
current-context: a
`,
  );
  const one = await agent('one');
  await one.says('lease could not be read or written');
  const ready = await one.get('/readyz');
  expect(ready.code).toBe(503);
  expect(ready.text).toMatch(/^not ready\n\[-\] lease: .*no answer from the API server: .*ECONNREFUSED/);
  expect((await one.get('/livez')).code).toBe(200);
});

test('a webhook asks for a poll, on whichever replica it arrives; so do SIGHUP and a call', async () => {
  await stage.startSim(2);
  const one = await agent('one');
  await one.says('leads: this agent acts now');
  await stage.until('the first contact', () => stage.remoteFile('results/.baseline.yaml') !== '');
  const two = await agent('two');
  await two.says('stands by: another agent leads');
  const push = async (file: string, ask: () => Promise<unknown>, reason: string) => {
    stage.commit({ [`runs/${file}.yaml`]: runFile(file) });
    await ask();
    await one.says(`"reason":"${reason}","msg":"a poll is asked for"`);
    await stage.until(`the report of ${file}`, () => completed(`results/${file}.yaml`));
  };
  const hook = async (url: string) => {
    const body = JSON.stringify(githubPush('main', stage.bare.replace(/^\/|\.git$/g, '')));
    const headers = { 'x-github-event': 'push', 'x-hub-signature-256': `sha256=${hex('s3cret', body)}` };
    expect((await fetch(`${url}/hooks/github`, { method: 'POST', body, headers })).status).toBe(202);
  };
  await push('by-hook', () => hook(one.url), 'webhook of github');
  await push('by-hook-on-standby', () => hook(two.url), 'annotation of the lease');
  const call = async () => {
    const headers = { authorization: 'Bearer s3cret' };
    expect((await fetch(`${one.url}/poll`, { method: 'POST', headers })).status).toBe(202);
  };
  await push('by-call', call, 'asked for over HTTP');
  await push('by-signal', () => Promise.resolve(one.child.kill('SIGHUP')), 'SIGHUP');
  expect(one.output() + two.output()).not.toContain('s3cret');
  expect((await one.get('/readyz')).text).toMatch(
    /^ready\n\[\+\] lease: this agent leads\n\[\+\] cluster: .*\n\[\+\] definition: .*\n\[\+\] repository: fetched \d+ s ago/,
  );
  expect((await two.get('/readyz')).text).toMatch(/^ready\n\[\+\] lease: stands by, .* leads\n/);
  const [leads, stands] = [await one.get('/metrics'), await two.get('/metrics')];
  expect(leads.text).toContain('nodeop_agent_leader 1\n');
  expect(stands.text).toContain('nodeop_agent_leader 0\n');
  expect(leads.text).toMatch(/nodeop_agent_runs\{phase="Completed"\} 4\n/);
  expect(leads.text).toMatch(/nodeop_agent_nodes\{phase="Completed"\} 8\n/);
  expect(leads.text).toMatch(/nodeop_agent_api_requests_total\{verb="POST",code="201"\} \d+/);
  expect(leads.text).toMatch(/nodeop_agent_tip_info\{commit="[0-9a-f]{40}"\} 1/);
  expect(leads.text).toMatch(/nodeop_agent_run_queue_duration_seconds_count 4\n/);
});
