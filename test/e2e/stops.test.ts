import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { GitServer } from '../git/support/git-server.ts';
import { Stage } from '../support/agent-process.ts';

test('an agent whose push is never answered ends when it is told to, not when git’s helper gives up', async () => {
  const stage = new Stage();
  const asked = Promise.withResolvers<() => void>();
  await using server = await GitServer.start({ root: stage.dir });
  server.options.intercepts = (request) => {
    if (request.url?.includes('git-receive-pack') !== true) return false;
    asked.resolve(() => request.socket.destroy());
    return true;
  };
  try {
    await stage.startSim(1);
    const shipped = readFileSync(stage.config, 'utf8');
    // The helper would wait for ten minutes.
    const git = `  url: ${server.url('/operations.git')}\n  insecure: true\n  timeout: 10m\n`;
    writeFileSync(stage.config, shipped.replace(/ {2}url: .*\n/, git));
    const agent = stage.run('start', '--config', stage.config);
    const answer = await asked.promise;
    agent.child.kill('SIGTERM');
    expect(await agent.ended, agent.output()).toBe(0);
    // That ends the helper.
    answer();
  } finally {
    await stage.close();
  }
});
