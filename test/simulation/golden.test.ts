import { expect, test } from 'vitest';
import { runToEnd, World } from '../support/world.ts';

test('a firmware rollout that stops at the first failure, as a log to read', async () => {
  const world = new World(
    {
      concurrency: 1,
      stopOnFailure: true,
      rebootOnSuccess: true,
      drainOptions: { enabled: true },
      preflight: { command: ['check'] },
    },
    { 'node-1': { preflight: 'skip' }, 'node-2': {}, 'node-3': { command: 'fail' }, 'node-4': {} },
  );
  runToEnd(world);
  await expect(`${world.log.join('\n')}\n`).toMatchFileSnapshot('golden/firmware.log');
});

test('a reboot that never comes is told as what was seen', async () => {
  const world = new World(
    { rebootOnSuccess: true, cordon: true, rebootTimeoutSeconds: 60 },
    { 'node-1': { reboots: false } },
  );
  runToEnd(world);
  await expect(`${world.log.join('\n')}\n`).toMatchFileSnapshot('golden/no-reboot.log');
});

test('a postflight checks each node after its reboot, while it is still cordoned', async () => {
  const world = new World(
    {
      concurrency: '50%',
      maxFailures: '50%',
      cordon: true,
      rebootOnSuccess: true,
      postflight: { command: ['verify'] },
    },
    { 'node-1': {}, 'node-2': { postflight: 'fail' }, 'node-3': { postflight: 'never' }, 'node-4': {} },
  );
  runToEnd(world);
  await expect(`${world.log.join('\n')}\n`).toMatchFileSnapshot('golden/postflight.log');
});
