import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runFile, Stage } from '../support/agent-process.ts';
import { GitHost, TOKEN } from '../support/git-host.ts';

test('an agent that is configured to tells the host before it ends; its token is in no output', async () => {
  const stage = new Stage();
  const host = await GitHost.start('gitea');
  try {
    await stage.startSim(1);
    writeFileSync(join(stage.dir, 'token'), TOKEN);
    appendFileSync(
      stage.config,
      [
        'runs: {initial: execute}',
        'feedback:',
        '  provider: gitea',
        `  apiUrl: ${host.apiUrl}/`,
        '  project: ops/nodes',
        `  tokenFile: ${join(stage.dir, 'token')}`,
        '',
      ].join('\n'),
    );
    stage.commit({ 'runs/hello.yaml': runFile('hello') });
    const commit = stage.git(stage.clone, 'rev-parse', 'HEAD').trim();
    host.pullRequests.set(commit, 3);
    host.faults.push('cut');
    const { ended, output } = stage.run('once', '--config', stage.config);
    expect(await ended, output()).toBe(0);
    expect(host.latest(commit)).toMatchObject([
      {
        context: 'nodeop-agent/hello',
        state: 'success',
        description: expect.stringMatching(/^1 of 1 node completed/) as string,
      },
    ]);
    expect(host.of(3)).toHaveLength(1);
    expect(host.of(3)[0]?.body).toContain('✅ `runs/hello.yaml`: **Completed**');
    expect(output()).toContain('feedback failed; will retry');
    expect(output()).not.toContain(TOKEN);
  } finally {
    await stage.close();
    await host.stop();
  }
});
