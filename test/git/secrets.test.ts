import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Stage } from '../support/agent-process.ts';
import { freePort } from '../support/free-port.ts';
import { GitHost, TOKEN } from '../support/git-host.ts';
import { makeCertificates } from './support/certificates.ts';
import { startProxy } from './support/connect-proxy.ts';
import { GitServer } from './support/git-server.ts';
import { argumentsShown } from './support/processes.ts';

const SECRETS = {
  password: 's3cr3t-p@ssword/of=git',
  proxy: 's3cr3t pr@xy',
  hook: 's3cr3t-hook',
  poll: 's3cr3t-poll',
  feedback: TOKEN,
};

/** Each secret as it is, as it stands in a URL, and as a header carries it. */
const FORMS = Object.entries(SECRETS).flatMap(([name, secret]) => {
  const pairs = [`ada:${secret}`, `git:${secret}`, `nodeop:${secret}`];
  const texts = [
    secret,
    encodeURIComponent(secret),
    ...pairs.map((it) => Buffer.from(it).toString('base64')),
  ];
  return [...new Set(texts)].map((text) => ({ name, text }));
});

/** What any of the secrets is found in, by name. */
function leaks(places: Record<string, string>): string[] {
  return Object.entries(places).flatMap(([place, text]) =>
    FORMS.filter((it) => text.includes(it.text)).map(({ name }) => `${name} in ${place}`),
  );
}

/** The contents of all files below a folder. */
function everything(folder: string): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((it) => it.isFile());
  return files.map((it) => readFileSync(join(it.parentPath, it.name), 'latin1')).join('\n');
}

const objects = (repository: string) =>
  execFileSync('git', ['cat-file', '--batch-all-objects', '--batch'], {
    cwd: repository,
    encoding: 'latin1',
  });

/** Writes down what a failing node prints: the agent's own secrets by mistake. */
const leaky = (name: string, text: string) => `apiVersion: operator.kairos.io/v1alpha1
kind: NodeOp
metadata:
  name: ${name}
spec:
  image: busybox
  backoffLimit: 0
  command: [sh, -c, 'echo "https://ada:${text}@git.example.org password=${text}"; exit 4']
`;

test('no secret shows in a log, an error, an argument, the clone, a commit or a report', async () => {
  const stage = new Stage();
  const host = await GitHost.start('gitea');
  const { ca, server: tls } = makeCertificates(stage.dir);
  let password = SECRETS.password;
  let seen = '';
  const authorization = () => `Basic ${Buffer.from(`ada:${password}`).toString('base64')}`;
  await using proxy = await startProxy(`nodeop:${SECRETS.proxy}`);
  await using server = await GitServer.start({
    root: stage.dir,
    tls,
    allows: (request) => {
      seen += argumentsShown();
      return request.headers.authorization === authorization();
    },
  });
  try {
    await stage.startSim(1);
    for (const [name, secret] of Object.entries(SECRETS)) {
      writeFileSync(join(stage.dir, name), secret);
      chmodSync(join(stage.dir, name), 0o600);
    }
    const file = (name: string) => join(stage.dir, name);
    const port = await freePort();
    writeFileSync(
      stage.config,
      `apiVersion: agent.nodeop.dev/v1alpha1
kind: AgentConfig
git:
  url: ${server.url('/operations.git')}
  dir: ${file('agent.git')}
  poll: {schedule: '* * * * * *', jitter: 0s}
  access:
    username: ada
    passwordFile: ${file('password')}
    caFile: ${ca}
    proxy: {url: '${proxy.url}', username: nodeop, passwordFile: ${file('proxy')}}
kubernetes: {kubeconfig: ${stage.kubeconfig}}
runs: {initial: execute}
report: {interval: 0s, logs: all}
http:
  host: 127.0.0.1
  port: ${port}
  poll: {tokenFile: ${file('poll')}}
  hooks: {generic: {secretFile: ${file('hook')}}}
feedback: {provider: gitea, apiUrl: '${host.apiUrl}', project: ops/nodes, tokenFile: ${file('feedback')}}
log: {level: trace}
`,
    );
    stage.commit({ 'runs/a.yaml': leaky('a', 'of-a-node') });
    host.pullRequests.set(stage.git(stage.clone, 'rev-parse', 'HEAD').trim(), 3);
    host.faults.push('cut');
    const agent = stage.run('start', '--config', stage.config);
    await stage.until('the report', () => stage.remoteFile('results/a.yaml').includes('phase: Failed'));
    await stage.until('the comment', () => host.of(3).length === 1);

    const call = async (path: string, headers: Record<string, string>) => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', body: '{}', headers });
      return `${answer.status} ${await answer.text()}`;
    };
    const answers = [
      await call('/hooks/generic', { 'x-nodeop-signature': `sha256=${SECRETS.hook}` }),
      await call('/poll', { authorization: `Bearer ${SECRETS.poll}x` }),
      await call('/poll', { authorization: `Bearer ${SECRETS.poll}` }),
    ];
    expect(answers.map((it) => it.slice(0, 3))).toEqual(['401', '401', '202']);
    password = 'another one';
    await stage.until('the refusal', () => agent.output().includes('Authentication failed'));
    writeFileSync(file('proxy'), 'wrong');
    await stage.until('the refusal of the proxy', () => agent.output().includes('407'));
    agent.child.kill('SIGTERM');
    await agent.ended;

    expect(seen, 'the arguments were looked at while git ran').toContain('git-remote-http');
    const places = {
      'the log': agent.output(),
      'the arguments of a process': seen,
      'an answer': answers.join('\n'),
      'the clone': everything(file('agent.git')),
      'the repository': objects(stage.bare),
      'the Git host': JSON.stringify([
        host.of(3),
        host.latest(stage.git(stage.clone, 'rev-parse', 'HEAD').trim()),
      ]),
    };
    expect(leaks({ probe: SECRETS.hook }), 'a leak would be found').toEqual(['hook in probe']);
    expect(leaks(places)).toEqual([]);
    expect(places['the repository']).toContain('exit code 4: https://***@git.example.org password=***');
  } finally {
    await stage.close();
    await host.stop();
  }
});
