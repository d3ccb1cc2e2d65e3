import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Snapshot } from '../../src/agent/repository/snapshot.ts';
import { Trust } from '../../src/agent/repository/trust.ts';
import type { GitVerify } from '../../src/api/git-trust.ts';
import { GitCommand } from '../../src/git/command.ts';
import { Contents } from '../../src/git/contents.ts';
import type { Mirror } from '../../src/git/mirror.ts';
import { systemClock } from '../../src/time/clock.ts';
import { TestRepository } from '../runs/support.ts';
import { sshKey, writeKeys } from './support.ts';

const PATH = 'runs/a.yaml';
/** When everything is committed. */
const DATE = '2029-12-01T00:00:00Z';

interface Commit {
  id: string;
  parents: Commit[];
  content: string | undefined;
  isSigned: boolean;
}

/** Commits with any parents, signed by ada or by nobody; the answers of a running agent and of a fresh one. */
class History implements Disposable {
  readonly repository = new TestRepository();
  readonly git = new GitCommand({ dir: this.repository.bare, timeoutMs: 60_000 });
  readonly ada = sshKey(this.repository, 'ada');
  readonly allowedSignersFile = writeKeys(this.repository, 'allowed', this.ada.allowed);
  now = new Date('2030-01-01T00:00:00Z');
  verify: GitVerify = { allowedSignersFile: this.allowedSignersFile };
  readonly running = this.trust();
  private tip: Commit | undefined;
  private count = 0;

  trust(verify = this.verify): Trust {
    const { git } = this;
    const mirror = { git, runs: { contents: new Contents(git) } } as unknown as Mirror;
    return new Trust(mirror, verify, { now: () => this.now, clock: systemClock });
  }

  commit(
    parents: Commit[],
    content: string | undefined,
    isSigned: boolean,
    more: Record<string, string> = {},
  ): Commit {
    const env = {
      PATH: process.env['PATH'],
      GIT_AUTHOR_NAME: 'Ada',
      GIT_AUTHOR_EMAIL: 'ada@example.org',
      GIT_COMMITTER_NAME: 'Ada',
      GIT_COMMITTER_EMAIL: 'ada@example.org',
      GIT_AUTHOR_DATE: DATE,
      GIT_COMMITTER_DATE: DATE,
    };
    const git = (args: string[], input = '') =>
      execFileSync('git', args, {
        cwd: this.repository.bare,
        env,
        input,
        encoding: 'utf8',
        stdio: ['pipe', 'pipe', 'pipe'],
      }).trim();
    const files = { ...more, ...(content !== undefined && { [PATH]: content }) };
    const message = `${this.count++}\n`;
    const lines = [
      // Without a parent it would be put on what the branch has.
      ...(parents.length === 0 ? ['reset refs/heads/scratch'] : []),
      'commit refs/heads/scratch',
      'mark :1',
      `committer Ada <ada@example.org> ${Date.parse(DATE) / 1000} +0000`,
      `data ${message.length}\n${message}`,
      ...parents.map((it, i) => `${i === 0 ? 'from' : 'merge'} ${it.id}`),
      'deleteall',
      ...Object.entries(files).map(([path, text]) => `M 100644 inline ${path}\ndata ${text.length}\n${text}`),
      'get-mark :1',
      'done\n',
    ];
    const unsigned = git(['fast-import', '--quiet', '--force', '--done'], lines.join('\n'));
    if (!isSigned) return { id: unsigned, parents, content, isSigned };
    const sign = ['-c', 'gpg.format=ssh', '-c', `user.signingKey=${this.ada.file}`];
    const from = parents.flatMap((it) => ['-p', it.id]);
    const id = git([...sign, 'commit-tree', '-S', ...from, `${unsigned}^{tree}`], message);
    return { id, parents, content, isSigned };
  }

  /** What an agent says of the file at a tip; undefined where it is not there. */
  async ask(trust: Trust, commit: Commit, since?: string) {
    if (commit.content === undefined) return undefined;
    const blob = (await this.git.text(['rev-parse', `${commit.id}:${PATH}`])).trim();
    const snapshot = { tip: commit.id, ...(since !== undefined && { since }) } as Snapshot;
    const { commit: made, signature } = await trust.provenance({ path: PATH, blob }, snapshot);
    return { made, ok: signature.ok };
  }

  /** The branch is at another commit, which the running agent hears of. */
  async moveTo(commit: Commit) {
    const before = this.tip?.id;
    this.tip = commit;
    return {
      running: await this.ask(this.running, commit, before),
      fresh: await this.ask(this.trust(), commit),
    };
  }

  [Symbol.dispose](): void {
    this.repository[Symbol.dispose]();
  }
}

function ancestors(commit: Commit): Set<Commit> {
  return new Set([commit, ...commit.parents.flatMap((it) => [...ancestors(it)])]);
}

/** Who made the file what it is, by the rule as it is told: a commit that says the same as all that it follows is passed by. */
function oracle(commit: Commit): Commit | undefined {
  const made = [...new Set(commit.parents.map(oracle))].filter((it) => it !== undefined);
  const newest = made.filter((it) => !made.some((other) => other !== it && ancestors(other).has(it)));
  const [only] = newest;
  // That a file is not there is nobody's doing for as long as it never was.
  if (only === undefined) return commit.content === undefined ? undefined : commit;
  return newest.length === 1 && only.content === commit.content ? only : commit;
}

test('a run that its signer withdrew and somebody else put back counts as theirs, whoever asks', async () => {
  using it = new History();
  const added = it.commit([], 'one', true);
  expect(await it.moveTo(added)).toEqual({
    running: { made: added.id, ok: true },
    fresh: { made: added.id, ok: true },
  });
  const withdrawn = it.commit([added], undefined, true);
  await it.moveTo(withdrawn);
  const back = it.commit([withdrawn], 'one', false);
  expect(await it.moveTo(back)).toEqual({
    running: { made: back.id, ok: false },
    fresh: { made: back.id, ok: false },
  });
});

test('an older signed state that nobody signed for again does not count, whether the state between was seen or not', async () => {
  using it = new History();
  const old = it.commit([], 'one', true);
  await it.moveTo(old);
  const edited = it.commit([old], 'two', true);
  const reverted = it.commit([edited], 'one', false);
  const expected = { made: reverted.id, ok: false };
  expect(await it.moveTo(reverted)).toEqual({ running: expected, fresh: expected });
  // And a force-push to the signed state counts again.
  expect((await it.moveTo(old)).running).toEqual({ made: old.id, ok: true });
});

/** What people do: with which content, on top of which commits (steps back), signed or not. */
const step = fc.record({
  content: fc.option(fc.constantFrom('one', 'two'), { nil: undefined, freq: 3 }),
  back: fc.integer({ min: 1, max: 3 }),
  merged: fc.array(fc.integer({ min: 2, max: 6 }), { maxLength: 3 }),
  isForced: fc.boolean(),
  isSigned: fc.boolean(),
  isSeen: fc.boolean(),
});

test('in any history a running agent says what a fresh one says, and what the rule says', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 12 }), async (steps) => {
      using it = new History();
      const commits: Commit[] = [];
      let tip: Commit | undefined;
      for (const { content, back, merged, isForced, isSigned, isSeen } of steps) {
        const base: Commit | undefined = isForced ? (commits.at(-back) ?? tip) : tip;
        const others = merged.map((ago) => commits.at(-ago));
        const parents = [...new Set([base, ...others])].filter((one): one is Commit => one !== undefined);
        tip = it.commit(parents, content, isSigned);
        commits.push(tip);
        if (!isSeen) continue;
        const { running, fresh } = await it.moveTo(tip);
        expect(running).toEqual(fresh);
        const made = oracle(tip);
        if (tip.content !== undefined) expect(fresh).toEqual({ made: made?.id, ok: made?.isSigned });
      }
    }),
    // What fails is told at once: to make it smaller takes longer than the test may.
    { numRuns: 15, endOnFailure: true },
  );
}, 240_000);

describe('keys and time', () => {
  const line = (it: History, options: string) =>
    it.ada.allowed.replace('namespaces="git"', `namespaces="git",${options}`);
  const answers = async (it: History, commit: Commit) => {
    const { running, fresh } = await it.moveTo(commit);
    expect(running).toEqual(fresh);
    return running?.ok;
  };

  test('a key signs no more when its time is over, whatever date the signer writes', async () => {
    using it = new History();
    writeFileSync(it.allowedSignersFile, line(it, 'valid-before="20300201Z"'));
    const run = it.commit([], 'one', true);
    expect(await answers(it, run)).toBe(true);
    it.now = new Date('2030-02-02T00:00:00Z');
    expect(await answers(it, run)).toBe(false);
  });

  test('a removal that was signed stays signed when the time of the key is over, and not when it is withdrawn', async () => {
    using it = new History();
    writeFileSync(it.allowedSignersFile, line(it, 'valid-before="20300201Z"'));
    const running = it.trust();
    const removed = async (commit: Commit) => {
      const found = [running, it.trust()].map((trust) => trust.removal(PATH, { tip: commit.id }));
      const [one, other] = await Promise.all(found);
      expect(one).toEqual(other);
      return one && [one.commit, one.signature.ok];
    };
    const added = it.commit([], 'one', true);
    const gone = it.commit([added], undefined, true);
    expect(await removed(it.commit([], undefined, true))).toBeUndefined();
    expect(await removed(gone)).toEqual([gone.id, true]);
    it.now = new Date('2030-03-01T00:00:00Z');
    const later = it.commit([gone], undefined, false, { 'docs/x': 'x' });
    expect(await removed(later)).toEqual([gone.id, true]);
    const back = it.commit([later], 'one', false);
    const again = it.commit([back], undefined, false);
    expect(await removed(again)).toEqual([again.id, false]);
    expect(await removed(later)).toEqual([gone.id, true]);
    writeFileSync(it.allowedSignersFile, sshKey(it.repository, 'eve').allowed);
    expect(await removed(later)).toEqual([gone.id, false]);
  });

  test('a key that is not valid yet signs nothing, and nothing that was signed before its time', async () => {
    using it = new History();
    writeFileSync(it.allowedSignersFile, line(it, 'valid-after="20291101Z"'));
    const run = it.commit([], 'one', true);
    it.now = new Date('2029-10-01T00:00:00Z');
    expect(await answers(it, run)).toBe(false);
    it.now = new Date('2030-01-01T00:00:00Z');
    expect(await answers(it, run)).toBe(true);
    writeFileSync(it.allowedSignersFile, line(it, 'valid-after="20291215Z"'));
    expect(await answers(it, run)).toBe(false);
  });

  test('a key that is withdrawn or revoked counts no more at the next look, one that is put back does', async () => {
    using it = new History();
    const revocationFile = writeKeys(it.repository, 'revoked', '# nobody\n');
    const verify = { ...it.verify, revocationFile };
    const running = it.trust(verify);
    const run = it.commit([], 'one', true);
    const both = async () => [(await it.ask(running, run))?.ok, (await it.ask(it.trust(verify), run))?.ok];
    expect(await both()).toEqual([true, true]);
    writeFileSync(revocationFile, it.ada.allowed.split(' ').slice(2).join(' '));
    expect(await both()).toEqual([false, false]);
    writeFileSync(revocationFile, '# nobody\n');
    expect(await both()).toEqual([true, true]);
    writeFileSync(it.allowedSignersFile, sshKey(it.repository, 'eve').allowed);
    expect(await both()).toEqual([false, false]);
    writeFileSync(it.allowedSignersFile, it.ada.allowed);
    expect(await both()).toEqual([true, true]);
    rmSync(revocationFile);
    await expect(both()).rejects.toThrow('git.verify.revocationFile: cannot read');
  });

  test('an ssh certificate counts as long as it is valid, whatever date the signer writes', async () => {
    using it = new History();
    const { root } = it.repository;
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', `${root}/ca`]);
    const validity = ['-V', '20291101000000Z:20300201000000Z'];
    execFileSync('ssh-keygen', [
      '-q',
      '-s',
      `${root}/ca`,
      '-I',
      'ada',
      '-n',
      'ada@example.org',
      ...validity,
      `${it.ada.file}.pub`,
    ]);
    const ca = execFileSync('cat', [`${root}/ca.pub`], { encoding: 'utf8' })
      .split(' ')
      .slice(0, 2)
      .join(' ');
    writeFileSync(it.allowedSignersFile, `ada@example.org cert-authority,namespaces="git" ${ca}\n`);
    it.ada.file = `${it.ada.file}-cert.pub`;
    const run = it.commit([], 'one', true);
    expect(await answers(it, run)).toBe(true);
    it.now = new Date('2030-03-01T00:00:00Z');
    // Only what may end by itself is looked at again after a moment.
    expect((await it.ask(it.trust(), run))?.ok).toBe(false);
  });
});

describe('the name of the repository', () => {
  const verifyOf = (it: History) => ({ ...it.verify, repository: 'platform/ops' });
  const reasonOf = async (it: History, commit: Commit) => {
    const blob = (await it.git.text(['rev-parse', `${commit.id}:${PATH}`])).trim();
    const { signature } = await it
      .trust(verifyOf(it))
      .provenance({ path: PATH, blob }, { tip: commit.id } as Snapshot);
    return signature.ok ? 'ok' : signature.reason;
  };

  test('a signed commit counts only where it was made for', async () => {
    using it = new History();
    const named = (name: string) => ({ '.nodeop/repository': name });
    expect(await reasonOf(it, it.commit([], 'one', true, named('platform/ops\n')))).toBe('ok');
    expect(await reasonOf(it, it.commit([], 'one', true, named('other/ops\n')))).toContain(
      'is of the repository "other/ops"',
    );
    const nameless = it.commit([], 'one', true);
    expect(await reasonOf(it, nameless)).toContain('holds no file .nodeop/repository');
    // A merge that gives the branch a name says nothing of what was signed elsewhere.
    const main = it.commit([], undefined, true, named('platform/ops\n'));
    const grafted = it.commit([main, nameless], 'one', false, named('platform/ops\n'));
    expect(await reasonOf(it, grafted)).toContain('holds no file .nodeop/repository');
    expect(await reasonOf(it, it.commit([main], 'one', false, named('platform/ops\n')))).toBe(
      'is not signed',
    );
  });
});
