import { dump } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { AGENT_API_VERSION, AgentConfigSchema } from '../../src/api/config.ts';
import { parseDocument, type Kind } from '../../src/api/documents.ts';
import { NODEOP_API_VERSION, NodeOpManifestSchema } from '../../src/api/nodeop.ts';
import { NodeOpRunSchema } from '../../src/api/nodeoprun.ts';
import { formatProblem } from '../../src/api/schema.ts';
import { load } from '../../src/api/yaml.ts';
import { prepareRun } from '../../src/core/runs/prepare.ts';

const KINDS: Kind[] = [
  { apiVersion: NODEOP_API_VERSION, kind: 'NodeOp', schema: NodeOpManifestSchema },
  { apiVersion: AGENT_API_VERSION, kind: 'NodeOpRun', schema: NodeOpRunSchema },
  { apiVersion: AGENT_API_VERSION, kind: 'AgentConfig', schema: AgentConfigSchema },
];
const bytes = (text: string) => new TextEncoder().encode(text);
const HEAD = `apiVersion: ${NODEOP_API_VERSION}\nkind: NodeOp\nmetadata: {name: x}\n`;
const RUN = `apiVersion: ${AGENT_API_VERSION}\nkind: NodeOpRun\n`;
const CONFIG = `apiVersion: ${AGENT_API_VERSION}\nkind: AgentConfig\n`;
const op = (fields: string) => `${HEAD}spec: {image: alpine, command: [a], ${fields}}\n`;
const run = (fields: string) => `${RUN}spec: {nodeOp: a, ${fields}}\n`;
const config = (fields: string) => `${CONFIG}git: {url: /srv/a.git}\n${fields}\n`;

function problems(text: string | Uint8Array): string[] {
  const parsed = parseDocument(typeof text === 'string' ? bytes(text) : text, KINDS);
  return parsed.ok ? [] : parsed.problems.map(formatProblem);
}

describe('a wrong type is told with what was expected, what was found, and the way out', () => {
  test.each(
    [
      [
        `${HEAD}spec: {image: alpine, command: [sleep, 5]}`,
        'spec.command[1]: expected text, found the number 5; quote it: "5"',
      ],
      [
        `${HEAD}spec: {image: alpine, command: [sleep, 1.10]}`,
        'spec.command[1]: expected text, found the number 1.1; quote it as it was written, such as "1.1"',
      ],
      [
        `${HEAD}spec: {image: alpine, command: echo hi}`,
        'spec.command: expected a list, found the text "echo hi"; write [sh, -c, "echo hi"]',
      ],
      [`${HEAD}spec: {image: alpine, command: {a: b}}`, 'spec.command: expected a list, found a mapping'],
      [`${HEAD}spec: {image: alpine, command: []}`, 'spec.command: needs at least one word'],
      [`${HEAD}spec: {image: alpine, command: }`, 'spec.command: expected a list, found nothing'],
      [`${HEAD}spec: {image: [alpine], command: [a]}`, 'spec.image: expected text, found a list'],
      [`${HEAD}spec: {image: alpine}`, 'spec.command: is required'],
      [`${HEAD}spec: [a]`, 'spec: expected a mapping, found a list'],
      [`${HEAD}spec:`, 'spec: expected a mapping, found nothing'],
      [
        op('nodeSelector: {matchLabels: {a: true}}'),
        'spec.nodeSelector.matchLabels.a: expected text, found true; quote it: "true"',
      ],
      [
        op('nodeSelector: {matchLabels: {a: }}'),
        'spec.nodeSelector.matchLabels.a: expected text, found nothing; write "" where an empty text is meant',
      ],
      [
        op('nodeSelector: {matchLabels: [a]}'),
        'spec.nodeSelector.matchLabels: expected a mapping, found a list',
      ],
      [
        op('nodeSelector: {matchLabels: {a: b c}}'),
        'spec.nodeSelector.matchLabels.a: not a label value, found "b c"',
      ],
      [
        op('nodeSelector: {matchExpressions: [{key: a, operator: in, values: [b]}]}'),
        'spec.nodeSelector.matchExpressions[0].operator: expected one of "In", "NotIn", "Exists", "DoesNotExist", found the text "in"; did you mean "In"?',
      ],
      [
        op('backoffLimit: 25%'),
        'spec.backoffLimit: expected a whole number, found the text "25%"; a share of the nodes is not taken here; write how many',
      ],
      [
        op('backoffLimit: "3"'),
        'spec.backoffLimit: expected a whole number, found the text "3"; take the quotes away: 3',
      ],
      [op('backoffLimit: 1.5'), 'spec.backoffLimit: expected a whole number, found the number 1.5'],
      [op('concurrency: -1'), 'spec.concurrency: must be at least 0, found -1'],
      [op('concurrency: 99999999999'), 'spec.concurrency: must be at most 2147483647, found 99999999999'],
      [
        op('soakSeconds: 5m'),
        'spec.soakSeconds: expected a whole number, found the text "5m"; write 300, which counts seconds',
      ],
      [op('cordon: "true"'), 'spec.cordon: expected true or false, found the text "true"; write true'],
      [op('cordon: yes'), 'spec.cordon: expected true or false, found the text "yes"; write true'],
      [op('cordon: 0'), 'spec.cordon: expected true or false, found the number 0; write false'],
      [
        op('env: {A: b}'),
        'spec.env: expected a list, found a mapping; write a list: [{name: "A", value: …}]',
      ],
      [op('drainOptions: true'), 'spec.drainOptions: expected a mapping, found true'],
      [op('cordn: true'), 'spec.cordn: unknown field "cordn"; did you mean "cordon"?'],
      [
        op('schedule: 0 1 * * *'),
        'spec.schedule: unknown field "schedule"; schedules go under nodeops/, the folder of definitions; a run file is one run',
      ],
      [
        run('schedule: 0 1 * * *'),
        'spec.schedule: unknown field "schedule"; schedules go under nodeops/, the folder of definitions; a run file is one run',
      ],
      [
        run('concurrency: 1'),
        'spec.concurrency: unknown field "concurrency"; write it under spec.overrides: {concurrency: …}',
      ],
      [run('clusters: []'), 'spec.clusters: names no cluster; leave it out for all of them'],
      [run('clusters: berlin'), 'spec.clusters: expected a list, found the text "berlin"; write ["berlin"]'],
      [
        run('notBefore: tomorrow'),
        'spec.notBefore: expected a date and time such as "2030-01-31T22:00:00Z", found "tomorrow"',
      ],
      [
        run('window: {schedule: 0 1 * * *, duration: 60}'),
        'spec.window.duration: expected a duration such as "30s", "5m" or "1h30m", found the number 60; write "60s"',
      ],
      [
        run('window: {schedule: 0 1 * * *, duration: 5 min}'),
        'spec.window.duration: expected a duration such as "30s", "5m" or "1h30m", found "5 min"',
      ],
      [
        run('window: {schedule: 0 1 * * *, duration: 1h, timeZone: Berlin}'),
        'spec.window.timeZone: expected a time zone such as "UTC" or "Europe/Berlin", found "Berlin"',
      ],
      [
        run('window: {schedule: 5, duration: 1h}'),
        'spec.window.schedule: expected text, found the number 5; quote it: "5"',
      ],
      [
        config('report: {interval: 30}'),
        'report.interval: expected a duration such as "30s", "5m" or "1h30m", found the number 30; write "30s"',
      ],
      [
        config('log: {level: loud}'),
        'log.level: expected one of "trace", "debug", "info", "warn", "error", "fatal", found the text "loud"',
      ],
      [config('http: {port: 70000}'), 'http.port: must be at most 65535, found 70000'],
      [`${CONFIG}git: {ulr: /srv/a.git}`, 'git.ulr: unknown field "ulr"; did you mean "url"?'],
    ].map(([text = '', expected = '']) => [expected, text]),
  )('%s', (expected, text) => {
    expect(problems(text)).toContain(expected);
  });
});

describe('a file that is something else is named as what it is', () => {
  const utf16 = (text: string) => new Uint8Array(Buffer.from(text, 'utf16le'));
  test.each<[string, string | Uint8Array, RegExp]>([
    [
      'a merge conflict',
      `${HEAD}spec:\n<<<<<<< HEAD\n  image: a\n=======\n  image: b\n>>>>>>> topic\n`,
      /merge conflict/,
    ],
    ['a Helm template', `${HEAD}spec:\n  image: {{ .Values.image }}\n  command: [a]\n`, /is a template/],
    ['a Jinja template', `${HEAD}spec:\n{% if a %}\n  image: a\n{% endif %}\n`, /is a template/],
    [
      'an LFS pointer',
      'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n',
      /Git LFS pointer/,
    ],
    ['git-crypt', new Uint8Array([0, 71, 73, 84, 67, 82, 89, 80, 84, 0, 1, 2]), /git-crypt/],
    ['gzip', new Uint8Array([0x1f, 0x8b, 8, 0, 0, 0]), /compressed/],
    ['UTF-16 with a mark', utf16(`\uFEFF${HEAD}`), /UTF-16/],
    ['UTF-16 without', utf16(HEAD), /UTF-16/],
    ['Latin-1', new Uint8Array(Buffer.from('a: ä', 'latin1')), /not valid UTF-8/],
    ['a List', 'apiVersion: v1\nkind: List\nitems: []\n', /holds several objects/],
    [
      'a NodeOpList',
      `apiVersion: ${NODEOP_API_VERSION}\nkind: NodeOpList\nitems: []\n`,
      /holds several objects/,
    ],
    ['several documents', `${op('cordon: true')}---\n${op('cordon: true')}`, /holds 2 documents/],
    ['a marker that was forgotten', `${HEAD}spec:\n  image: a\n=======\n`, /merge conflict/],
    ['a base that was forgotten', `${HEAD}||||||| base\nspec: {}\n`, /merge conflict/],
    ['a placeholder', `${HEAD}spec: {image: "{{ .Values.image }}", command: [a]}\n`, /holds a placeholder/],
    ['a variable', `${HEAD}spec: {image: "$(IMAGE)", command: [a]}\n`, /holds a placeholder/],
    ['an archive', 'PK\u0003\u0004abc', /ZIP archive/],
    ['a vault', '$ANSIBLE_VAULT;1.1;AES256\n3132\n', /encrypted with Ansible Vault/],
    ['what SOPS made', `${HEAD}spec: {image: a}\nsops: {mac: x}\n`, /encrypted with SOPS/],
    ['a diff', 'diff --git a/x b/x\n--- a/x\n+++ b/x\n', /file is a diff/],
    ['nothing', '# only a comment\n', /file is empty/],
    ['a list', '- a\n', /expected a document of kind .*, found a list/],
    ['a text', 'see the wiki\n', /found "see the wiki"/],
    [
      'NodeOpUpgrade',
      `apiVersion: ${NODEOP_API_VERSION}\nkind: NodeOpUpgrade\n`,
      /not carried out here.*docs\//,
    ],
    ['a Plan', 'apiVersion: upgrade.cattle.io/v1\nkind: Plan\n', /not carried out here.*docs\//],
    ['a Job', 'apiVersion: batch/v1\nkind: Job\n', /not carried out here.*docs\//],
    [
      'an exported object',
      op('cordon: true').replace('{name: x}', '{name: x, uid: a, resourceVersion: "1", managedFields: []}'),
      /taken out of a cluster \(metadata.managedFields, metadata.resourceVersion, metadata.uid\)/,
    ],
    [
      'an object with a status',
      `${op('cordon: true')}status: {phase: Completed}\n`,
      /taken out of a cluster \(status\)/,
    ],
    ['a mistyped kind', `apiVersion: ${NODEOP_API_VERSION}\nkind: NodeOpp\n`, /did you mean "NodeOp"/],
    [
      'a bomb of aliases',
      `a: &a [1,2,3,4,5,6,7,8,9]\n${'bcdefg'
        .split('')
        .map((it, i) => `${it}: &${it} [${`*${'abcdef'[i]},`.repeat(9)}]`)
        .join('\n')}\n`,
      /too large|aliases/,
    ],
    ['deep nesting', `a: ${'['.repeat(10_000)}`, /nesting|maxDepth/],
    ['many documents', '---\n'.repeat(30_000), /too large/],
    [
      'many keys',
      `${HEAD}spec:\n${Array.from({ length: 11_000 }, (_, i) => `  k${i}: v`).join('\n')}`,
      /too large/,
    ],
    ['a huge text', `${HEAD}spec: {image: ${'x'.repeat(200_000)}}`, /too large/],
  ])('%s', (_, text, expected) => {
    const found = problems(text);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(expected);
  });

  test.each([
    ['a byte order mark and CRLF', `\uFEFF${op('cordon: true').replaceAll('\n', '\r\n')}`],
    [
      'what generators leave behind',
      `${op('cordon: true').replace('{name: x}', '{name: x, creationTimestamp: null}')}status: {}\n`,
    ],
    ['templates for others, in quotes', op(`env: [{name: A, value: 'docker ps --format "{{.Names}}"'}]`)],
  ])('but not %s', (_, text) => {
    expect(problems(text)).toEqual([]);
  });
});

test('problems are one line each, in the order of the file, none twice, ten and how many more', () => {
  const wrong = parseDocument(
    bytes(`${HEAD}spec:\n  image: 5\n  zz: 1\n  command: [${'1,'.repeat(4000)}1]\n`),
    KINDS,
  );
  expect(wrong.ok).toBe(false);
  const found = wrong.ok ? [] : wrong.problems;
  expect(found).toHaveLength(11);
  expect(found.map(({ line }) => line)).toEqual([5, 6, 7, 7, 7, 7, 7, 7, 7, 7, undefined]);
  expect(found[10]?.message).toBe('and many more problems');
  expect(found.map(({ message }) => message).filter((it) => it.includes('\n'))).toEqual([]);
});

test('each problem points at its key or item, or at the nearest parent that is there', () => {
  const text = `${HEAD}spec:\n  image: a\n  command:\n    - a\n    - 7\n  env:\n    - {name: A, value: 1}\n`;
  const parsed = parseDocument(bytes(text), KINDS);
  expect(
    parsed.ok ? [] : parsed.problems.map(({ path, line, column }) => [path.join('.'), line, column]),
  ).toEqual([
    ['spec.command.1', 8, 7],
    ['spec.env.0.value', 10, 17],
  ]);
  const { ok, ...rest } = load(bytes('a: {b: [c]}\n'));
  expect(ok && 'locate' in rest && rest.locate([{ path: ['a', 'b', 9, 'x'], message: '' }])).toMatchObject([
    { line: 1, column: 5 },
  ]);
});

test('text of others cannot act in a message', () => {
  const text = dump({
    apiVersion: NODEOP_API_VERSION,
    kind: 'NodeOp',
    metadata: { name: 'x' },
    spec: { image: 'a', command: ['b'], cordon: '\u202Egnp\u0007\n# Approved', '\u001b[31mred\u009b': 1 },
  });
  for (const it of problems(text)) expect(it).not.toMatch(/[\p{Cc}\p{Cf}]/u);
});

test('what throws while a file is read is the problem of that file', () => {
  const source = { path: 'runs/a.yaml', mode: '100644', blob: 'b', commit: 'c' };
  const layout = { nodeops: 'nodeops', runs: 'runs', results: 'results' };
  const content = {
    ok: true as const,
    raw: new Proxy(
      {},
      {
        get: () => {
          throw new RangeError('out of luck');
        },
      },
    ),
    locate: () => [],
    spelled: () => undefined,
  };
  const context = { layout, namespace: 'default', definitions: [] };
  expect(prepareRun({ ...source, content }, context)).toEqual({
    ok: false,
    problems: [{ path: [], message: expect.stringContaining('out of luck') }],
  });
});

test('to point at ten times as many problems takes about ten times as long', () => {
  const text = (count: number) => bytes(`${HEAD}spec: {image: a, command: [${'1,'.repeat(count)}1]}`);
  const cost = (count: number) =>
    Math.min(
      ...Array.from({ length: 5 }, () => {
        const before = process.cpuUsage();
        problems(text(count));
        const { user, system } = process.cpuUsage(before);
        return user + system;
      }),
    );
  cost(900);
  // Ten times as long when it is linear, a hundred times when it is not.
  expect(cost(9000)).toBeLessThan(40 * cost(900));
});
