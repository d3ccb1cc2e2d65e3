import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkRepository } from '../../src/agent/readiness.ts';
import { RepositoryLoop } from '../../src/agent/repository/loop.ts';
import { RefusedError } from '../../src/api/errors.ts';
import type { NodeOpReport } from '../../src/api/report.ts';
import { runStatus } from '../../src/core/feedback/status.ts';
import { MemoryStore, nodeOp, silent, TestRepository } from '../runs/support.ts';
import { branchWith, writeOne } from './support/mirror.ts';

/** A host that takes only commits whose messages match. */
function withRule(repository: TestRepository, pattern: string): void {
  const hook = join(repository.bare, 'hooks/pre-receive');
  mkdirSync(join(repository.bare, 'hooks'), { recursive: true });
  writeFileSync(
    hook,
    `#!/bin/sh
while read -r old new ref; do
  git log -1 --format=%B "$new" | grep -qE '${pattern}' && continue
  echo "Commit messages have to name a ticket." >&2
  exit 1
done
`,
  );
  chmodSync(hook, 0o755);
}

test('what the host says comes first when it takes no push', async () => {
  using repository = new TestRepository();
  repository.push({ 'README.md': 'x' });
  withRule(repository, '^OPS-[0-9]+ ');
  const branch = branchWith(repository);
  await branch.fetch();
  const refused = writeOne(branch, 'results/a.yaml');
  await expect(refused).rejects.toThrow(RefusedError);
  await expect(refused).rejects.toThrow(
    /^git push: Commit messages have to name a ticket\.\n\[remote rejected\]/,
  );
});

test('a refusal is in the state and told beside the commit of the run; a message by the rule is taken', async () => {
  using repository = new TestRepository();
  repository.push({ 'README.md': 'x' });
  const told: NodeOpReport[] = [];
  const loopWith = (report: object) => {
    const config = repository.config({
      cluster: 'edge-1',
      runs: { initial: 'execute' },
      report: { interval: '0s', ...report },
    });
    const onReports = (reports: readonly NodeOpReport[]) => told.push(...reports);
    return new RepositoryLoop({ config, store: new MemoryStore(), logger: silent, onReports });
  };
  // First contact is over when the host begins to ask for a ticket.
  const contact = loopWith({});
  await contact.pollNow();
  await contact.stop();
  repository.push({ 'runs/a.yaml': nodeOp('a') });
  withRule(repository, '^OPS-7 chore\\(edge-1\\): ');
  const first = loopWith({});
  await first.pollNow();
  expect(first.state().problem).toMatch(/^git push: Commit messages have to name a ticket/);
  const check = checkRepository(first.state(), Date.now());
  expect(JSON.stringify(check)).toContain('Commit messages have to name a ticket');
  const [last] = told.toReversed();
  expect(last && runStatus(last)).toMatchObject({
    state: 'pending',
    description: expect.stringContaining('cannot be pushed: git push: Commit messages have to name a ticket'),
  });
  await first.stop();

  const second = loopWith({ message: 'OPS-7 chore({cluster}): {summary}' });
  await second.pollNow();
  await second.pollNow();
  await second.stop();
  expect(second.state().problem).toBeUndefined();
  const message = repository.git(repository.bare, 'log', '-1', '--format=%B', 'main');
  expect(message).toMatch(
    /^OPS-7 chore\(edge-1\): runs\/a\.yaml: Pending.* \[skip ci\]\n\nRun: runs\/a\.yaml\n/,
  );
});
