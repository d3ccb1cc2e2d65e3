import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { load } from '../../src/api/yaml.ts';
import type { NodeStatus } from '../../src/api/nodeop.ts';
import { parseDefinition } from '../../src/core/runs/definitions.ts';
import { prepareRun } from '../../src/core/runs/prepare.ts';
import { Cluster } from '../support/cluster.ts';
import { hostTools } from '../support/host-tools.ts';

/** The definitions that `init` lays out, carried out for real, with stand-ins for what hosts have. */

const FOLDER = fileURLToPath(new URL('../../examples/repository/nodeops/', import.meta.url));
let cluster: Cluster;
let runs = 0;

beforeAll(async () => {
  cluster = await Cluster.start({ nodes: 2, controlPlane: 1 });
});
afterAll(() => cluster.stop());

const root = (node: string) => join(cluster.sim.dir, node, 'root');
const read = (path: string, node = 'node-1') => readFileSync(join(root(node), path), 'utf8');

function write(path: string, text: string, node = 'node-1', daysOld = 0): void {
  const file = join(root(node), path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  const time = Date.now() / 1000 - daysOld * 86_400;
  utimesSync(file, time, time);
}

/** The run file at the head of a definition. */
function exampleOf(name: string): string {
  const lines = readFileSync(`${FOLDER}${name}.yaml`, 'utf8')
    .split('\n')
    .filter((it) => it.startsWith('#'));
  const example = lines
    .slice(lines.findIndex((it) => it.startsWith('#   apiVersion:')))
    .map((it) => it.slice(4));
  return example.join('\n');
}

/** Carries a run of a definition out, and answers what became of each node. */
async function carryOut(name: string, run: string): Promise<Record<string, NodeStatus>> {
  const definition = parseDefinition(`nodeops/${name}.yaml`, readFileSync(`${FOLDER}${name}.yaml`));
  if (!('result' in definition)) throw new Error('it is no definition');
  const prepared = prepareRun(
    {
      path: `runs/run-${runs++}.yaml`,
      mode: '100644',
      blob: `b${runs}`,
      commit: 'c',
      content: load(Buffer.from(run)),
    },
    {
      layout: { nodeops: 'nodeops', runs: 'runs', results: 'results' },
      namespace: 'default',
      definitions: [definition],
    },
  );
  if (!prepared.ok) throw new Error(JSON.stringify(prepared.problems));
  const op = await cluster.ended(await cluster.create(prepared.manifest));
  return op.status?.nodeStatuses ?? {};
}

const nodeOpRun = (name: string, spec: string) =>
  `apiVersion: agent.nodeop.dev/v1alpha1\nkind: NodeOpRun\nspec:\n  nodeOp: ${name}\n${spec}`;

describe('push-file', () => {
  const FORMER = 'server old.example.org\n';
  const NEW = 'server ntp.example.org iburst\ndriftfile /var/lib/chrony/drift\n';
  const FILE = 'etc/chrony/chrony.conf';
  const onNode1 = '  overrides: {nodeSelector: {matchLabels: {kubernetes.io/hostname: node-1}}}\n';
  const push = (content: string, parameters = '') =>
    nodeOpRun(
      'push-file',
      `  parameters: {FILE: /${FILE}, CHECK: chrony, RELOAD: chronyd${parameters}}\n${onNode1}  env: [{name: CONTENT, value: "${content}"}]\n`,
    );

  beforeEach(() => {
    for (const node of ['node-1', 'node-2']) {
      rmSync(join(root(node), 'etc/chrony'), { recursive: true, force: true });
      write(FILE, FORMER, node);
      chmodSync(join(root(node), FILE), 0o600);
      rmSync(join(root(node), 'told'), { force: true });
      hostTools(root(node), ['sh'], {
        // As chronyd -p: every line has to begin with a word that it knows.
        chronyd:
          'while read -r word rest; do case $word in server|driftfile) ;; *) exit 1 ;; esac; done < "$3"',
        systemctl: 'echo "$*" >> /told; [ "$1" != reload-or-restart ] || [ ! -e /refuses ] || exit 1',
      });
    }
  });

  const leftOver = () => readdirSync(join(root('node-1'), 'etc/chrony')).filter((it) => it !== 'chrony.conf');

  test('the run at its head puts the file on all nodes, keeps the former one, and has the service read it', async () => {
    const nodes = await carryOut('push-file', exampleOf('push-file'));
    for (const node of ['node-1', 'node-2']) {
      expect(nodes[node], JSON.stringify(nodes[node])).toMatchObject({ phase: 'Completed' });
      expect(read(FILE, node)).toBe(NEW);
      expect(read('var/lib/nodeop-backup/etc/chrony/chrony.conf', node)).toBe(FORMER);
      expect(read('told', node)).toBe('reload-or-restart chronyd\n');
    }
    expect(statSync(join(root('node-1'), FILE)).mode & 0o777).toBe(0o644);
    expect(leftOver()).toEqual([]);

    // Once more: there is nothing to do.
    const again = await carryOut('push-file', exampleOf('push-file'));
    expect(again['node-1']?.message).toBe(
      'Skipped by preflight: /etc/chrony/chrony.conf is as it should be already',
    );
    expect(read('told').split('\n')).toHaveLength(2);
  });

  test('content that the program of the node does not take changes nothing', async () => {
    const nodes = await carryOut('push-file', push('nonsense\\n'));
    expect(nodes['node-1']).toMatchObject({ phase: 'Failed', exitCode: 3 });
    expect(nodes['node-1']?.message).toContain('chronyd does not take it');
    expect([read(FILE), leftOver(), existsSync(join(root('node-1'), 'told'))]).toEqual([FORMER, [], false]);
  });

  test('a service that does not take it gets the former file back', async () => {
    write('refuses', '');
    const nodes = await carryOut('push-file', push('server a'));
    rmSync(join(root('node-1'), 'refuses'));
    expect(nodes['node-1']).toMatchObject({ phase: 'Failed', exitCode: 5 });
    expect([read(FILE), leftOver(), read('told')]).toEqual([
      FORMER,
      [],
      'reload-or-restart chronyd\nreload-or-restart chronyd\n',
    ]);
    expect(statSync(join(root('node-1'), FILE)).mode & 0o777).toBe(0o600);
  });

  test('a file that was not there before is taken away again', async () => {
    rmSync(join(root('node-1'), FILE));
    write('refuses', '');
    const nodes = await carryOut('push-file', push('server a'));
    rmSync(join(root('node-1'), 'refuses'));
    expect(nodes['node-1']).toMatchObject({ exitCode: 5 });
    expect(existsSync(join(root('node-1'), FILE))).toBe(false);
  });

  test('no link is followed, neither the file nor its folder', async () => {
    rmSync(join(root('node-1'), 'etc/chrony'), { recursive: true });
    symlinkSync('/etc', join(root('node-1'), 'etc/chrony'));
    expect((await carryOut('push-file', push('server a')))['node-1']).toMatchObject({
      phase: 'Failed',
      exitCode: 4,
    });
    rmSync(join(root('node-1'), 'etc/chrony'));
    write('etc/other', FORMER);
    mkdirSync(join(root('node-1'), 'etc/chrony'));
    symlinkSync('../other', join(root('node-1'), FILE));
    expect((await carryOut('push-file', push('server a')))['node-1']).toMatchObject({
      phase: 'Failed',
      exitCode: 4,
    });
    expect(lstatSync(join(root('node-1'), FILE)).isSymbolicLink()).toBe(true);
    expect(read('etc/other')).toBe(FORMER);
  });

  test('a run without content fails, and says what it lacks', async () => {
    const nodes = await carryOut(
      'push-file',
      nodeOpRun('push-file', `  parameters: {FILE: /${FILE}}\n${onNode1}`),
    );
    expect(nodes['node-1']).toMatchObject({ phase: 'Failed', exitCode: 2 });
    expect(nodes['node-1']?.message).toContain('the run gives no CONTENT in spec.env');
  });

  test.each(['/etc/../root/x', '/etc/.hidden', '/root/x', '/etc/', '/etc/a b'])(
    'the place %s is refused',
    async (file) => {
      const run = nodeOpRun('push-file', `  parameters: {FILE: "${file}"}\n`);
      await expect(carryOut('push-file', run)).rejects.toThrow(/FILE/);
    },
  );
});

describe('renew-certificates', () => {
  const PKI = 'etc/kubernetes/pki';
  const RUN = `${exampleOf('renew-certificates')}\n  overrides: {soakSeconds: 0}\n`;

  function certificate(path: string, days: number): void {
    const file = join(root('node-1'), path);
    mkdirSync(dirname(file), { recursive: true });
    const key = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-subj',
      '/CN=x',
    ];
    execFileSync(
      'openssl',
      [...key, '-days', String(days), '-keyout', file.replace(/crt$/, 'key'), '-out', file],
      { stdio: 'ignore' },
    );
  }

  beforeEach(() => {
    for (const folder of ['etc/kubernetes', 'renewed', 'var/lib/nodeop-backup'])
      rmSync(join(root('node-1'), folder), { recursive: true, force: true });
    rmSync(join(root('node-1'), 'told'), { force: true });
    certificate(`${PKI}/ca.crt`, 2);
    certificate(`${PKI}/apiserver.crt`, 400);
    certificate(`${PKI}/etcd/server.crt`, 20);
    certificate('renewed/apiserver.crt', 365);
    certificate('renewed/etcd/server.crt', 365);
    write('etc/kubernetes/admin.conf', 'former');
    hostTools(root('node-1'), ['sh', 'cp', 'openssl'], {
      kubeadm:
        'echo "kubeadm $*" >> /told; cp -R /renewed/. /etc/kubernetes/pki/; echo renewed > /etc/kubernetes/admin.conf; [ ! -e /fails ]',
      crictl:
        'case $1 in ps) for last; do :; done; last=${last#^}; echo "id-of-${last%$}" ;; *) echo "crictl $*" >> /told ;; esac',
    });
  });

  const ends = (path: string) =>
    execFileSync('openssl', ['x509', '-noout', '-enddate', '-in', join(root('node-1'), path)], {
      encoding: 'utf8',
    });

  test('on control-plane nodes alone: what ends soon is renewed, and the control plane is begun anew', async () => {
    const former = read(`${PKI}/etcd/server.crt`);
    const nodes = await carryOut('renew-certificates', RUN);
    expect(nodes, JSON.stringify(nodes)).toMatchObject({ 'node-1': { phase: 'Completed' } });
    expect(Object.keys(nodes)).toEqual(['node-1']);
    expect(ends(`${PKI}/etcd/server.crt`)).toBe(ends('renewed/etcd/server.crt'));
    expect(read('told').split('\n')).toEqual([
      'kubeadm certs renew all',
      ...['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].map(
        (it) => `crictl stop id-of-${it}`,
      ),
      '',
    ]);
    const [backup = ''] = readdirSync(join(root('node-1'), 'var/lib/nodeop-backup'));
    expect(read(`var/lib/nodeop-backup/${backup}/pki/etcd/server.crt`)).toBe(former);
    expect(statSync(join(root('node-1'), 'var/lib/nodeop-backup', backup)).mode & 0o077).toBe(0);

    const again = await carryOut('renew-certificates', RUN);
    expect(again['node-1']?.message).toBe('Skipped by preflight: no certificate ends within 60 days');
  });

  test('what kubeadm broke off is put back, and the control plane is left alone', async () => {
    const former = read(`${PKI}/etcd/server.crt`);
    write('fails', '');
    const nodes = await carryOut('renew-certificates', RUN);
    rmSync(join(root('node-1'), 'fails'));
    expect(nodes['node-1']).toMatchObject({ phase: 'Failed', exitCode: 3 });
    expect([read(`${PKI}/etcd/server.crt`), read('etc/kubernetes/admin.conf')]).toEqual([former, 'former']);
    expect(read('told')).toBe('kubeadm certs renew all\n');
  });

  test('new ones that end soon as well are not kept', async () => {
    certificate('renewed/apiserver.crt', 30);
    const former = read(`${PKI}/apiserver.crt`);
    const nodes = await carryOut('renew-certificates', RUN);
    expect(nodes['node-1']).toMatchObject({ phase: 'Failed', exitCode: 5 });
    expect(read(`${PKI}/apiserver.crt`)).toBe(former);
  });

  test('a node without certificates of kubeadm is told as such', async () => {
    rmSync(join(root('node-1'), 'etc/kubernetes'), { recursive: true });
    expect((await carryOut('renew-certificates', RUN))['node-1']).toMatchObject({
      phase: 'Failed',
      exitCode: 4,
    });
  });
});

describe('clean-disk', () => {
  beforeEach(() => {
    for (const node of ['node-1', 'node-2']) {
      for (const folder of ['var/log', 'var/tmp', 'told', 'outside'])
        rmSync(join(root(node), folder), { recursive: true, force: true });
      hostTools(root(node), ['sh'], {
        journalctl: 'echo "journalctl $*" >> /told',
        crictl: 'echo "crictl $*" >> /told',
      });
      // In the image: full while the old log is there.
      const df = join(cluster.sim.dir, node, 'control/bin/df');
      writeFileSync(
        df,
        `#!/bin/sh\nused=40; [ ! -e "$2/log/messages.1" ] || used=91\nprintf 'Filesystem 1024-blocks Used Available Capacity Mounted on\\n/dev/x 100 %s 1 %s%% /var\\n' "$used" "$used"\n`,
      );
      chmodSync(df, 0o755);
    }
    write('var/log/messages.1', 'old', 'node-1', 30);
    write('var/log/messages', 'in use', 'node-1', 30);
    write('var/log/pods/a/0.log.20300101.gz', 'old', 'node-1', 30);
    write('var/log/syslog.2.gz', 'new', 'node-1', 1);
    write('var/tmp/left behind', 'old', 'node-1', 30);
    write('outside/a.gz', 'somebody else', 'node-1', 30);
    symlinkSync('/outside', join(root('node-1'), 'var/log/link'));
    symlinkSync('/outside/a.gz', join(root('node-1'), 'var/log/b.gz'));
  });

  test('a full node is cleaned of what is old, and nothing else; one with room is skipped', async () => {
    const nodes = await carryOut('clean-disk', exampleOf('clean-disk'));
    expect(nodes, JSON.stringify(nodes)).toMatchObject({
      'node-1': { phase: 'Completed' },
      'node-2': { phase: 'Completed', message: 'Skipped by preflight: /var is full to 40 %' },
    });
    const left = readdirSync(join(root('node-1'), 'var/log'), { recursive: true })
      .map(String)
      .toSorted();
    expect(left).toEqual(['b.gz', 'link', 'messages', 'pods', 'pods/a', 'syslog.2.gz']);
    expect(readdirSync(join(root('node-1'), 'var/tmp'))).toEqual([]);
    expect(read('outside/a.gz')).toBe('somebody else');
    expect(read('told')).toBe('journalctl --quiet --vacuum-time=14d\ncrictl rmi --prune\n');
  });

  test('images stay unless a run asks; a node that stays full fails, so that somebody looks', async () => {
    write('var/log/messages.1', 'of today');
    const nodes = await carryOut('clean-disk', nodeOpRun('clean-disk', ''));
    expect(nodes['node-1']).toMatchObject({ phase: 'Failed', exitCode: 3 });
    expect(nodes['node-1']?.message).toContain('/var was full to 91 %, and is to 91 %');
    expect(read('told')).toBe('journalctl --quiet --vacuum-time=14d\n');
  });
});
