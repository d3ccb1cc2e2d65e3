import { loadAll } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { parseDefinition, type Definition } from '../../src/core/runs/definitions.ts';
import { importDocument } from '../../src/core/import/import.ts';
import { prepareRun } from '../../src/core/runs/prepare.ts';

/** What a manifest becomes, and what the agent would make of the two files. */
function imported(text: string) {
  const [found, ...more] = loadAll(text).flatMap(importDocument);
  expect(more).toEqual([]);
  if (!found) throw new Error('nothing was imported');
  const bytes = (document: object) => Buffer.from(JSON.stringify(document));
  const prepared = prepareRun(
    { path: `runs/${found.name}.yaml`, mode: '100644', blob: 'b', commit: 'c', content: bytes(found.run) },
    {
      layout: { nodeops: 'nodeops', runs: 'runs', results: 'results' },
      namespace: 'default',
      definitions: [parseDefinition(`nodeops/${found.name}.yaml`, bytes(found.definition)) as Definition],
    },
  );
  return { ...found, prepared, spec: prepared.ok ? prepared.manifest.spec : undefined };
}

test('a NodeOp out of a cluster keeps its spec, and what only the cluster wrote stays behind', () => {
  const { prepared, notes, spec } = imported(`
apiVersion: operator.kairos.io/v1alpha1
kind: NodeOp
metadata: {name: flash, namespace: ops, uid: u, resourceVersion: "1", annotations: {agent.nodeop.dev/uid: u}}
spec: {image: busybox, command: [flash], concurrency: 2, drainOptions: {enabled: true}}
status: {phase: Completed}`);
  expect(notes).toEqual([]);
  expect(prepared).toMatchObject({ ok: true, manifest: { metadata: { namespace: 'ops' } } });
  expect(spec).toMatchObject({ command: ['flash'], concurrency: 2, drainOptions: { enabled: true } });
});

describe('a NodeOpUpgrade', () => {
  const upgrade = (spec: string) =>
    imported(
      `{apiVersion: operator.kairos.io/v1alpha1, kind: NodeOpUpgrade, metadata: {name: up}, spec: ${spec}}`,
    );

  test('drains, upgrades the active system from its image, reboots, and passes over nodes that are there', () => {
    const { spec } = upgrade(
      '{image: "quay.io/kairos/hadron:v1", concurrency: 1, stopOnFailure: true, nodeSelector: {matchLabels: {a: b}}}',
    );
    expect(spec).toMatchObject({
      image: 'quay.io/kairos/hadron:v1',
      concurrency: 1,
      stopOnFailure: true,
      cordon: true,
      drainOptions: { enabled: true },
      rebootOnSuccess: true,
      nodeSelector: { matchLabels: { a: 'b' } },
    });
    expect(spec?.command[2]).toMatch(/\nkairos-agent upgrade --source dir:\/\n$/);
    expect(spec?.preflight?.command[2]).toContain('> /dev/termination-log');
  });

  test.each([
    ['{image: a, upgradeRecovery: true}', [' --recovery --source', ' --source'], true, false],
    ['{image: a, upgradeRecovery: true, upgradeActive: false}', [' --recovery --source'], false, false],
    ['{image: a, force: true}', [' --source'], true, false],
    ['{image: a, debug: true}', [' --source'], true, true],
  ])('%s', (text, upgrades, reboots, checks) => {
    const { spec } = upgrade(text);
    const words = [...(spec?.command[2] ?? '').matchAll(/kairos-agent(?: --debug)? upgrade(.*?) dir:/g)];
    expect(words.map((it) => it[1])).toEqual(upgrades);
    expect(spec?.rebootOnSuccess).toBe(reboots);
    expect(spec?.preflight !== undefined).toBe(checks);
  });

  test('a path with a quote stays one word; a field nobody knows is told', () => {
    const { spec, notes } = upgrade(`{image: a, excludePaths: ["/var/it's"], brandNew: 1}`);
    expect(spec?.command[2]).toContain(`--exclude-path '/var/it'\\''s'`);
    expect(notes).toContain('spec.brandNew: has no counterpart here and is left out');
  });
});

describe('a Plan', () => {
  test('with all that has a counterpart, and a word on all that has none', () => {
    const { spec, prepared, notes } = imported(`
apiVersion: upgrade.cattle.io/v1
kind: Plan
metadata: {name: k3s-server, namespace: system-upgrade}
spec:
  concurrency: 2
  nodeSelector: {matchExpressions: [{key: node-role.kubernetes.io/control-plane, operator: Exists}]}
  serviceAccountName: system-upgrade
  version: v1.33.1+k3s1
  cordon: true
  drain: {force: true, timeout: 90s, podSelector: {matchLabels: {a: b}}}
  jobActiveDeadlineSecs: 900
  postCompleteDelay: 1m30s
  tolerations: [{operator: Exists}]
  window: {days: [mo, tuesday, "3"], startTime: "22:30", endTime: "04:00", timeZone: Europe/Berlin}
  prepare: {image: rancher/k3s-upgrade, args: [prepare, k3s-server]}
  upgrade: {image: rancher/k3s-upgrade, command: [upgrade.sh], args: [now], envs: [{name: A, value: b}]}
  secrets: [{name: a, path: /b}]`);
    expect(prepared).toMatchObject({
      ok: true,
      window: { schedule: '30 22 * * 1,2,3', duration: '330m', timeZone: 'Europe/Berlin' },
    });
    expect(spec).toMatchObject({
      image: 'rancher/k3s-upgrade:v1.33.1-k3s1',
      command: ['upgrade.sh', 'now'],
      concurrency: 2,
      cordon: true,
      activeDeadlineSeconds: 900,
      soakSeconds: 90,
      drainOptions: {
        enabled: true,
        force: true,
        ignoreDaemonSets: true,
        deleteEmptyDirData: true,
        gracePeriodSeconds: -1,
        timeoutSeconds: 90,
      },
    });
    expect(spec?.env).toContainEqual({ name: 'A', value: 'b' });
    expect(spec?.env).toContainEqual({ name: 'SYSTEM_UPGRADE_PLAN_LATEST_VERSION', value: 'v1.33.1+k3s1' });
    for (const field of ['serviceAccountName', 'secrets', 'drain.podSelector', 'prepare.command', 'upgrade'])
      expect(
        notes.some((it) => it.startsWith(`spec.${field}: `)),
        field,
      ).toBe(true);
  });

  test('that polls a channel, with nanoseconds and without a command, runs into an error and not into a surprise', () => {
    const { spec, notes } = imported(`
apiVersion: upgrade.cattle.io/v1
kind: Plan
metadata: {name: a}
spec:
  channel: https://update.example.org/stable
  drain: {timeout: 120000000000, deleteEmptydirData: false, ignoreDaemonSets: false}
  upgrade: {image: "rancher/k3s-upgrade:v1"}`);
    expect(spec).toMatchObject({ image: 'rancher/k3s-upgrade:v1', concurrency: 1 });
    expect(spec?.drainOptions).toMatchObject({
      timeoutSeconds: 120,
      deleteEmptyDirData: false,
      ignoreDaemonSets: false,
    });
    expect(spec?.command.at(-1)).toContain('exit 1');
    expect(notes.join('\n')).toMatch(/no channel is polled[\s\S]*image's entrypoint/);
  });
});

test('a list gives what is in it; other kinds give nothing', () => {
  const list = `{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Pod}, {apiVersion: operator.kairos.io/v1alpha1, kind: NodeOp, metadata: {name: a}, spec: {command: [a]}}]}`;
  const found = loadAll(list).flatMap(importDocument);
  expect(found.map((it) => it?.name)).toEqual([undefined, 'a']);
  expect(importDocument('text')).toEqual([undefined]);
});

const plan = (spec: string) =>
  imported(
    `{apiVersion: upgrade.cattle.io/v1, kind: Plan, metadata: {name: a}, spec: {upgrade: {image: "a:1", command: [a]}, ${spec}}}`,
  );

test.each([
  ['90s', 90],
  ['1.5h', 5400],
  ['1h30m0s', 5400],
  ['1500ms', 2],
  ['100us', 1],
  ['90000000000', 0],
])('a time of %s is %i seconds', (text, seconds) => {
  expect(plan(`drain: {timeout: ${JSON.stringify(text)}}`).spec?.drainOptions.timeoutSeconds).toBe(seconds);
});

test.each([
  ['{startTime: "25:00"}', undefined, /^spec\.window: "25:00" to "23:59" is not read here/],
  ['{days: [mon, noday]}', undefined, /^spec\.window: its days are not read here/],
  ['{days: [mo, monday, "1"]}', '0 0 * * 1', undefined],
  ['{timeZone: Europe/Nowhere}', '0 0 * * *', /^spec\.window\.timeZone: /],
])('a window of %s is read or told', (window, schedule, told) => {
  const { run, notes } = plan(`window: ${window}`);
  const made = (run as { spec: { window?: { schedule: string } } }).spec.window;
  expect(made?.schedule).toBe(schedule);
  expect(notes.filter((it) => it.includes('window'))).toEqual(told ? [expect.stringMatching(told)] : []);
});

test.each(['../../etc/cron.d/a', 'A b', '-'])('a name that no object has, %s, names no file', (name) => {
  const document = {
    apiVersion: 'operator.kairos.io/v1alpha1',
    kind: 'NodeOp',
    metadata: { name },
    spec: {},
  };
  expect(() => importDocument(document)).toThrow('is no name of an object');
});

test('a long name ends as names may', () => {
  const name = `${'a'.repeat(62)}-b`;
  const document = {
    apiVersion: 'operator.kairos.io/v1alpha1',
    kind: 'NodeOp',
    metadata: { name },
    spec: {},
  };
  expect(importDocument(document)[0]?.name).toBe('a'.repeat(62));
});

test('what a Plan has beside it is told one by one: what is left out, and what is done in its place', () => {
  const { notes, spec } = plan(`
    prepare: {image: "b:1", command: [b], envs: [{name: A, value: b}]},
    drain: {disableEviction: true, skipWaitForDeleteTimeout: 5},
    exclusive: true, priorityClassName: high, customNodeLabels: [a],
    jobActiveDeadlineSecs: 0, concurrency: 0`);
  expect(notes).toEqual(
    expect.arrayContaining([
      'spec.prepare.envs: the preflight has the variables of the upgrade',
      'spec.drain.disableEviction: pods are always evicted, so that their budgets hold',
      'spec.drain.skipWaitForDeleteTimeout: each pod is waited for until it is gone',
      'spec.priorityClassName: pods of NodeOps have the default priority',
      expect.stringMatching(/^spec\.exclusive: runs that have nodes in common/),
      expect.stringMatching(/^spec\.customNodeLabels: nodes are not labelled/),
      expect.stringMatching(/^spec\.prepare: is written as preflight/),
    ]),
  );
  expect(spec).toMatchObject({ concurrency: 1, preflight: { command: ['b'], image: 'b:1' } });
  expect(spec).not.toHaveProperty('activeDeadlineSeconds');
  expect(spec?.drainOptions).toMatchObject({ force: false, timeoutSeconds: 0, gracePeriodSeconds: -1 });
});

test.each([
  ['envFrom: [{secretRef: {name: a}}]', /^spec\.upgrade\.envFrom: name each variable in env/],
  ['volumes: [{name: a, source: /b, destination: /c}]', /^spec\.upgrade\.volumes: the whole host is mounted/],
  ['securityContext: {}', /^spec\.upgrade\.securityContext: the container is privileged/],
])('a container of a Plan with %s is told what becomes of that', (field, note) => {
  const { notes } = imported(
    `{apiVersion: upgrade.cattle.io/v1, kind: Plan, metadata: {name: a}, spec: {concurrency: 1, upgrade: {image: a, command: [a], ${field}}}}`,
  );
  expect(notes).toEqual([
    expect.stringMatching(/^spec\.upgrade: a Plan is applied again/),
    expect.stringMatching(note),
  ]);
});

test.each([
  ['a', 'a:v1-k3s1'],
  ['registry.example.org:5000/a', 'registry.example.org:5000/a:v1-k3s1'],
  ['a:own', 'a:own'],
  [`a@sha256:${'0'.repeat(64)}`, `a@sha256:${'0'.repeat(64)}`],
])('the image %s has the version of its Plan unless it has one of its own', (image, expected) => {
  const { spec } = imported(
    `{apiVersion: upgrade.cattle.io/v1, kind: Plan, metadata: {name: a}, spec: {version: v1+k3s1, upgrade: {image: "${image}", command: [a]}}}`,
  );
  expect(spec?.image).toBe(expected);
});

test.each([
  ['{}', '0 0 * * *', '1440m'],
  ['{startTime: "22:00", endTime: "23:59"}', '0 22 * * *', '120m'],
  ['{startTime: "09:05", endTime: "10:00", days: ["0", sa]}', '5 9 * * 0,6', '55m'],
  ['{startTime: "10:00", endTime: "10:00"}', '0 10 * * *', '1440m'],
  ['{days: [su, mo, tu, we, th, fr, sa]}', '0 0 * * *', '1440m'],
])('the window %s opens by %s for %s', (window, schedule, duration) => {
  const { run } = plan(`window: ${window}`);
  expect(run).toMatchObject({ spec: { window: { schedule, duration, timeZone: 'UTC' } } });
});
