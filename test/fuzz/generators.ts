import { dump } from 'js-yaml';
import * as fc from 'fast-check';

/** What acts somewhere when it is let through: on terminals, in Markdown and HTML, in logs of workflows, in YAML, in paths, in our own words. */
const ACTING = [
  '\u001b[2J',
  '\u001b]0;title\u0007',
  '\u001b',
  '\u009b31m',
  '\u0085',
  '\u202e',
  '\u2066',
  '\u200f',
  '\u200b',
  '\u2028',
  '\ufeff',
  '\ud800',
  '\udb40\udc01',
  '\u0000',
  '\u0001',
  '\r',
  '\n',
  '\t',
  '\n::error::x\n',
  '::set-output name=a::b',
  '##[error]x',
  '##vso[task.complete result=Failed;]x',
  '<img src=x onerror=alert(1)>',
  '</details>',
  '<!-- run x -->',
  '<!-- /run -->',
  '-->',
  '[x](http://evil.example)',
  '![x](//evil.example/x.png)',
  '[x]: http://evil.example',
  '<http://evil.example>',
  'https://evil.example/a?b',
  'www.evil.example',
  '| a | b |\n|---|---|',
  '```\n',
  '`',
  '\\',
  '\n# Approved\n',
  '\n- [x] done\n',
  '**bold** _it_ ~~no~~',
  '@everyone',
  '&lt;b&gt;',
  '#1',
  '\n\nSigned-off-by: Eve <eve@evil.example>',
  '{{ x }}',
  '${x}',
  '$(id)',
  '$(',
  '$(A',
  '%0A',
  '%2E',
  '%s',
  '../',
  '/../../etc/passwd',
  '.git/',
  '__proto__',
  'constructor',
  'prototype',
  'ghp_0123456789abcdefghijklmnopqrstuvwxyzAB',
  '-----BEGIN PRIVATE KEY-----',
] as const;

const UNITS = ['binary', 'grapheme', 'grapheme-ascii'] as const;

/** Mostly short, made of what acts and of anything else. */
export function hostile(maxLength = 30): fc.Arbitrary<string> {
  const piece = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...ACTING) },
    { weight: 2, arbitrary: fc.constantFrom(...UNITS).chain((unit) => fc.string({ unit, maxLength: 12 })) },
    { weight: 1, arbitrary: fc.constantFrom('a', 'node-1', ' ', '-', ':', '.yaml', '/') },
  );
  return fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join('').slice(0, maxLength * 4));
}

/** The same piece over and over, up to a size that is still read; few are so large. */
export function longText(bytes = 128 * 1024): fc.Arbitrary<string> {
  return fc
    .tuple(fc.oneof(fc.constantFrom(...ACTING), fc.string({ maxLength: 5 })), fc.nat(17))
    .map(([piece, power]) => piece.repeat(2 ** power).slice(0, bytes - 4096));
}

export function text(): fc.Arbitrary<string> {
  return fc.oneof({ weight: 12, arbitrary: hostile() }, { weight: 1, arbitrary: longText() });
}

/** What people write in place of something else. */
export function values(): fc.Arbitrary<unknown> {
  return fc.oneof(
    hostile(),
    fc.constantFrom<unknown>(
      null,
      true,
      false,
      0,
      -1,
      1.5,
      -0,
      2 ** 31,
      2 ** 53,
      1e308,
      Infinity,
      NaN,
      '',
      [],
      {},
      [[]],
      [{}],
      [null],
      '5m',
      '1h30m',
      '99999999999d',
      '0s',
      '10%',
      '*',
      '~',
      'yes',
      '0755',
      '1e3',
      '128Mi',
      '-1',
      '1e999',
      '2030-01-31T22:00:00Z',
      '2030-02-30T00:00:00Z',
      '+275760-09-13T00:00:00Z',
      '0000-00-00',
      'Europe/Berlin',
      '*/90 * * * *',
      '0 0 30 2 *',
      '0 0 29 2 1',
      '* * * * *',
      '0 0 1 1 *',
      '59 23 31 12 7',
      '1,2,3 * * * *',
      'a:1@sha256:x',
      'registry.example.org:5000/a/b:c',
      'http://x:y@z/',
      'git@host:a',
      '/dev/null',
      'file:///x',
      'In',
      'Exists',
      'NoExecute',
      'metadata.name',
      'limits.cpu',
      'x{1,1000}',
      '1e1.5',
      '/.',
      'hugepages-2Mi',
      'example.org/gpu',
      'a..b/c',
      'a@sha256:0123456789abcdef0123456789abcdef',
      'NodeOp',
      'NodeOpRun',
      'v1',
    ),
    fc.jsonValue({ maxDepth: 2 }),
    fc.integer(),
    fc.double(),
  );
}

/** One value made very many, or very deep. */
function large(): fc.Arbitrary<unknown> {
  const item = fc.oneof(
    values(),
    fc.constantFrom<unknown>(
      { name: '=', value: 1 },
      { name: 'A', value: 'b' },
      { name: 'A', valueFrom: { secretKeyRef: { name: 'A', key: '/' } } },
      { key: '-', operator: 'Inn', values: ['a b'] },
      { key: 'a', operator: 'In', values: ['a'] },
      { key: '-', value: '-', tolerationSeconds: 1 },
      { operator: 'Exists', effect: 'NoExecute' },
    ),
  );
  return fc
    .tuple(item, fc.nat(13), fc.constantFrom('list', 'map', 'deep', 'text'))
    .map(([it, power, how]) => {
      const count = 2 ** power;
      // Copies: what changes in one of them would change in all, and be written out as often.
      if (how === 'list') return Array.from({ length: count }, () => structuredClone(it));
      if (how === 'map')
        return Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, structuredClone(it)]));
      if (how === 'text') return String(it).repeat(count).slice(0, 120_000);
      let deep = it;
      for (let i = 0; i < Math.min(count, 200); i += 1) deep = i % 2 === 0 ? [deep] : { a: deep };
      return deep;
    });
}

interface TreeChange {
  at: number;
  how: 'replace' | 'rename' | 'add' | 'remove';
  key: string;
  value: unknown;
}

const treeChange = (): fc.Arbitrary<TreeChange> =>
  fc.record({
    at: fc.nat(10_000),
    how: fc.constantFrom('replace', 'replace', 'rename', 'add', 'remove'),
    key: fc.oneof(
      hostile(10),
      fc.constantFrom(
        '__proto__',
        'constructor',
        'toString',
        'hasOwnProperty',
        'length',
        '0',
        '<<',
        'kind',
        'spec',
      ),
    ),
    value: fc.oneof({ weight: 8, arbitrary: values() }, { weight: 1, arbitrary: large() }),
  });

type Holder = Record<string, unknown>;

/** The document with the change at one of its places. Keys are own keys, whatever their name. */
export function changed(document: unknown, { at, how, key, value }: TreeChange): unknown {
  const copy = structuredClone(document);
  const places: [Holder, string][] = [];
  const walk = (holder: unknown) => {
    if (typeof holder !== 'object' || holder === null) return;
    for (const name of Object.keys(holder)) {
      places.push([holder as Holder, name]);
      if (places.length < 10_000) walk((holder as Holder)[name]);
    }
  };
  walk(copy);
  const place = places[at % Math.max(1, places.length)];
  if (!place) return value;
  const [holder, name] = place;
  const put = (to: string, it: unknown) =>
    Object.defineProperty(holder, to, { value: it, enumerable: true, configurable: true, writable: true });
  if (how === 'replace') put(name, value);
  else if (Array.isArray(holder)) holder.push(value);
  else if (how === 'add') put(key, value);
  else {
    const before = holder[name];
    delete holder[name];
    if (how === 'rename') put(key, before);
  }
  return copy;
}

interface TextChange {
  at: number;
  cut: number;
  insert: string;
  times: number;
}

const YAML = [
  '&a ',
  '*a',
  '<<: *a\n',
  '!!str ',
  '!!binary ',
  '!<x> ',
  '---\n',
  '...\n',
  '? ',
  ': ',
  '- ',
  '{',
  '[',
  '}',
  ']',
];
const MORE = [
  '#',
  '|\n',
  '>-\n',
  "'",
  '"',
  '\\u0041',
  '\\x1b',
  '\t',
  '\n',
  '%YAML 1.2\n',
  '{a: ',
  '<<<<<<< HEAD\n',
  '{{ a }}',
];

const textChange = (): fc.Arbitrary<TextChange> =>
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.oneof(fc.constant(0), fc.nat(30)),
    insert: fc.oneof(fc.constantFrom(...YAML, ...MORE), hostile(10)),
    times: fc.oneof(
      { weight: 9, arbitrary: fc.constant(1) },
      { weight: 1, arbitrary: fc.nat(15).map((it) => 2 ** it) },
    ),
  });

export function edited(whole: string, changes: readonly TextChange[]): string {
  return changes.reduce((it, { at, cut, insert, times }) => {
    const from = Math.floor(at * it.length);
    return it.slice(0, from) + insert.repeat(times).slice(0, 130_000) + it.slice(from + cut);
  }, whole);
}

/** Files in which people changed fields or characters of what is right; mostly still YAML. */
export function documents(right: readonly object[]): fc.Arbitrary<string> {
  return fc
    .record({
      base: fc.constantFrom<unknown>(...right),
      tree: fc.array(treeChange(), { maxLength: 4 }),
      flowLevel: fc.constantFrom(-1, -1, 0, 1, 2, 4),
      edits: fc.oneof(
        { weight: 2, arbitrary: fc.constant<TextChange[]>([]) },
        { weight: 1, arbitrary: fc.array(textChange(), { maxLength: 4 }) },
      ),
    })
    .map(({ base, tree, flowLevel, edits }) => {
      const document = tree.reduce<unknown>(changed, base);
      return edited(dump(document, { flowLevel, noRefs: true, lineWidth: 120 }), edits);
    });
}

/** Text as edited by people. */
export function editsOf(whole: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(whole, fc.array(textChange(), { maxLength: 4 }))
    .map(([it, changes]) => edited(it, changes));
}

/** The values of an object, each with what people may have put in its place. */
export function objects<T>(right: T): fc.Arbitrary<T> {
  return fc
    .array(treeChange(), { maxLength: 5 })
    .map((changes) => changes.reduce<unknown>(changed, right) as T);
}

/** Paths as Git trees may hold them: any bytes but NUL between slashes. */
export function paths(): fc.Arbitrary<string> {
  const part = fc.oneof(
    hostile(20),
    fc.constantFrom(
      '..',
      '.',
      '.git',
      '.GIT',
      'a.yaml',
      '.baseline.yaml',
      '.checkpoint.yaml',
      'README.md',
      '2030',
      '~',
    ),
    fc.string({ unit: 'grapheme', maxLength: 300 }),
  );
  return fc
    .array(part, { minLength: 1, maxLength: 4 })
    .map((parts) => parts.map((it) => it.replaceAll(/[\0/]/g, '')).filter((it) => it !== ''))
    .filter((parts) => parts.length > 0)
    .map((parts) => parts.join('/').toWellFormed());
}
