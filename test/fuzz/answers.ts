import { deepStrictEqual, ok, strictEqual } from 'node:assert';
import * as fc from 'fast-check';
import { templateFlaw } from '../../src/api/message-template.ts';
import { NOTIFY_FIELDS, type NotifyField } from '../../src/api/notify.ts';
import { expressionProblem } from '../../src/cel/expression.ts';
import { valuesOf } from '../../src/checks/prometheus.ts';
import { runId, runRef } from '../../src/core/page/run-id.ts';
import { bodyOf } from '../../src/core/notify/fill.ts';
import { fillTemplate } from '../../src/core/runs/message-template.ts';
import { readRevocations } from '../../src/core/runs/revocations.ts';
import { faultOf, isRefusal, noCommitIn, wordsOf } from '../../src/git/words.ts';
import { refusal } from '../../src/host/host.ts';
import { hostile, longText, paths, text, values } from './generators.ts';
import { kind } from './kind.ts';

/** What servers answer, what stands in addresses, and what people put into templates and expressions. */

const PLACE = { runs: 'runs', cluster: 'one' };
const ids = kind(
  'ids of runs in addresses',
  fc.oneof(
    hostile(),
    paths(),
    fc.webQueryParameters(),
    hostile().map((it) => `=${it}/${it}`),
  ),
  (written, work) => {
    const id =
      new URL(`http://page/?run=${encodeURIComponent(written.toWellFormed())}`).searchParams.get('run') ?? '';
    work.turn('naming', () => {
      const ref = runRef(id, PLACE);
      deepStrictEqual(runRef(runId(ref, PLACE), PLACE), ref);
    });
  },
);

const lines = fc
  .array(fc.oneof(hostile(), fc.constantFrom('remote: ', ' ! [remote rejected] main', 'fatal: fsck error')), {
    maxLength: 5,
  })
  .map((all) => all.join('\n'));
const gitWords = kind('words of git', fc.oneof(lines, longText()), (said, work) => {
  const words = work.turn('reading', () => wordsOf(said));
  ok(words.length <= 2001);
  work.turn('judging', () => {
    faultOf(`fatal: fsck error\n${said}`);
    noCommitIn(`non-commit object ${said}`);
    strictEqual(typeof isRefusal(said), 'boolean');
  });
});

const sample = fc.oneof(fc.tuple(fc.double(), hostile()), values());
const prometheus = kind(
  'answers of Prometheus',
  fc.oneof(
    text(),
    fc
      .constantFrom('vector', 'scalar', 'matrix', 'string', '__proto__')
      .chain((resultType) =>
        fc
          .oneof(sample, fc.array(fc.record({ value: sample })))
          .map((result) => JSON.stringify({ status: 'success', data: { resultType, result } })),
      ),
    fc
      .record({ errorType: values(), error: values() })
      .map((it) => JSON.stringify({ status: 'error', ...it })),
  ),
  (answer, work) => {
    const found = work.turn('reading', () => valuesOf({ status: 200, text: answer }));
    if ('result' in found) for (const it of found.result) strictEqual(typeof it, 'number');
  },
);

const DAY_MS = 86_400_000;
const header = fc.option(
  fc.oneof(
    hostile(),
    fc.double().map(String),
    fc.date({ noInvalidDate: true }).map((it) => it.toUTCString()),
  ),
  { nil: undefined },
);
const waits = kind(
  'waits that hosts ask for',
  fc.record({
    retry: header,
    remaining: fc.option(fc.constantFrom('0', '1'), { nil: undefined }),
    reset: header,
  }),
  ({ retry, remaining, reset }) => {
    const headers: Record<string, string | undefined> = {
      'retry-after': retry,
      'x-ratelimit-remaining': remaining,
      'x-ratelimit-reset': reset,
    };
    const { retryAfterMs = 0 } = refusal(429, (name) => headers[name], 'no', 0);
    ok(retryAfterMs >= 0 && retryAfterMs < DAY_MS, `${retryAfterMs}`);
  },
);

const FIELDS = Object.keys(NOTIFY_FIELDS) as NotifyField[];
const filled = fc.constantFrom(...FIELDS.map((it) => `{${it}}`), 'x', '"', '\\');
const templates = kind(
  'templates of messages',
  fc.record({
    commit: fc.oneof(
      hostile(),
      fc.constant('{summary}'),
      hostile().map((it) => `x{summary}${it}{details}`),
    ),
    body: fc.dictionary(fc.constantFrom('a', '__proto__', 'text'), filled),
    word: text(),
    escape: fc.constantFrom('none' as const, 'slack' as const, 'markdown' as const),
  }),
  ({ commit, body, word, escape }, work) => {
    if (templateFlaw(commit) === undefined)
      work.turn('filling', () => ok(fillTemplate(commit, `${word}\n\ndetails`, 'one').endsWith('\n')));
    const told = Object.fromEntries(FIELDS.map((it) => [it, word.slice(0, 4096)])) as Record<
      NotifyField,
      string
    >;
    const written = work.turn('posting', () => bodyOf({ template: body, escape }, told));
    const posted = JSON.parse(written) as object;
    deepStrictEqual(Object.keys(posted), Object.keys(JSON.parse(JSON.stringify(body)) as object));
    for (const it of Object.values(posted)) strictEqual(typeof it, 'string');
  },
);

const WORDS = [
  'result',
  '.size()',
  '(',
  ')',
  '[',
  ']',
  '{',
  '}',
  ' && ',
  '!',
  '1',
  '"a"',
  '.all(x, ',
  'matches("("',
  '?',
  ':',
];
const expressions = kind(
  'expressions',
  fc.oneof(
    text(),
    fc.array(fc.constantFrom(...WORDS), { maxLength: 60 }).map((it) => it.join('')),
  ),
  (written, work) => {
    const problem = work.turn('reading', () => expressionProblem(written, ['result']));
    ok(problem === undefined || problem.length > 0);
  },
);

const revoked = kind(
  'revocation files',
  fc.oneof(
    text(),
    fc.uint8Array({ maxLength: 300 }),
    hostile().map((it) => `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5${it}`),
  ),
  (written, work) => {
    const found = work.turn('reading', () => readRevocations(Buffer.from(written)));
    ok(['krl', 'keys', 'neither'].includes(found.kind));
  },
);

export const ANSWERS = [ids, gitWords, prometheus, waits, templates, expressions, revoked];
