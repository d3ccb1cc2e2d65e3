import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { GitCommand } from '../../src/git/command.ts';
import { infoOf } from '../../src/git/commit-info.ts';
import { commitInfo } from '../../src/git/log.ts';
import { TestRepository } from '../runs/support.ts';

const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';
const WHEN = '1893456000 +0000';

/** A commit as it is kept: author, committer, further lines of its header, message. */
const commit = (author: string, committer = `Ada <ada@example.org> ${WHEN}`, further = '', message = 'm\n') =>
  `tree ${EMPTY_TREE}\nauthor ${author}\ncommitter ${committer}\n${further}\n${message}`;

const ADA = `Ada <ada@example.org> ${WHEN}`;
const at = (time: string) => commit(ADA, `Ada <ada@example.org> ${time}`);

const PLAIN: [what: string, commit: string | Buffer][] = [
  ['a commit of a person', commit(ADA)],
  ['names of many words and letters', commit(`Zoë von und zu "Ö" O'Neill, Jr. <z+é@example.org> ${WHEN}`)],
  ['east of Greenwich', at('1893456000 +0530')],
  ['west of Greenwich, the year before', at('1893456000 -0930')],
  ['UTC with a minus', at('1893456000 -0000')],
  ['the first second', at('0 +0000')],
  [
    'a message that looks like a header',
    commit(ADA, undefined, '', 'author Eve <eve@example.org> 1 +0000\n'),
  ],
  ['a signed one', commit(ADA, undefined, 'gpgsig -----BEGIN SSH SIGNATURE-----\n author Eve <e> 1 +0000\n')],
];

const ODD: [what: string, commit: string | Buffer][] = [
  ['no name', commit(`<ada@example.org> ${WHEN}`)],
  ['no address', commit(`Ada <> ${WHEN}`)],
  ['spaces around a name', commit(`  Ada  <ada@example.org> ${WHEN}`)],
  ['spaces in an address', commit(`Ada < ada@example.org > ${WHEN}`)],
  ['a bracket in a name', commit(`Ada > Eve <ada@example.org> ${WHEN}`)],
  ['two addresses', commit(`Ada <ada@example.org> <eve@example.org> ${WHEN}`)],
  ['a time zone that is none', at('1893456000 +2500')],
  ['minutes that are none', at('1893456000 +0175')],
  ['a year of five digits', at('253402300800 +0000')],
  [
    'another encoding',
    Buffer.from(commit(`Zo\xeb <z@example.org> ${WHEN}`, ADA, 'encoding latin1\n'), 'latin1'),
  ],
  ['bytes that are no text', Buffer.from(commit(`Zo\xeb <z@example.org> ${WHEN}`), 'latin1')],
];

test('author and time of a commit are those that git tells, whether git is asked or not', async () => {
  using repository = new TestRepository();
  const cases = [...PLAIN, ...ODD];
  const paths = cases.map((_, i) => join(repository.root, `commit-${i}`));
  for (const [i, [, bytes]] of cases.entries()) writeFileSync(paths[i] ?? '', bytes);
  const kept = new GitCommand({ dir: repository.bare, timeoutMs: 60_000 });
  const hash = ['hash-object', '-t', 'commit', '--literally', '-w', '--stdin-paths'];
  const ids = (await kept.text(hash, `${paths.join('\n')}\n`)).trim().split('\n');
  const format = '--format=%H%x00%an <%ae>%x00%cI%x01';
  const told = await kept.text(['log', '--no-walk=unsorted', format, ...ids]);
  const git = told.split('\u0001').map((it) => it.trim().split('\0'));
  for (const [i, [what, bytes]] of cases.entries()) {
    const [id = '', author, time = ''] = git[i] ?? [];
    const committedAt = time.replace(/Z$/, '+00:00');
    expect(await commitInfo(kept, id), what).toEqual({ commit: id, author, committedAt });
    const own = infoOf(id, Buffer.from(bytes));
    expect(own !== undefined, what).toBe(i < PLAIN.length);
  }
});

test('a time before 1970 by the zone of its author, over which git itself fails, is a time like any other', () => {
  const told = infoOf('c', Buffer.from(at('10 -0100')));
  expect(told?.committedAt).toBe('1969-12-31T23:00:10-01:00');
});

test('a commit that is not there has no author', async () => {
  using repository = new TestRepository();
  const git = new GitCommand({ dir: repository.bare, timeoutMs: 60_000 });
  expect(await commitInfo(git, '0'.repeat(40))).toBeUndefined();
});
